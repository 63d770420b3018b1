"""Bandit over the package, held against what was looked at and found to be in order.

A finding that is not listed here is one to look at; an entry that finds nothing any more is to be removed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SKIPPED = {
    "B101": "asserts tell types what is known; nothing is refused by one",
    "B404": "importing subprocess is no risk; what is done with it is looked at",
    "B603": "commands are lists of our own words, never a shell's text",
}
IN_ORDER = {
    ("B105", "src/riskloop/keep/locks.py"): "the token of a lease counts its holders; it is no secret",
    ("B105", "src/riskloop/serve/guard.py"): "the name of a place in the scope, not what is kept there",
    ("B704", "src/riskloop/web/charts.py"): "numbers of ours; names are escaped where they are put in",
    ("B310", "src/riskloop/cli/demo.py"): "http on loopback, written here",
    ("B310", "src/riskloop/cli/demo_service.py"): "the same",
    ("B608", "src/riskloop/data/linked/offline.py"): "its queries hold our own names, and quoted literals",
    ("B608", "src/riskloop/learn/points_sql.py"): "writes a query for people to read and run, with quoted names",
    (
        "B403",
        "src/riskloop/learn/candidates/checking.py",
    ): "asks scikit-learn's own checks; nothing is read from a file",
}


def look(root: Path, package: str = "src") -> Iterator[str]:
    """What is wrong, a line each."""
    found = list(_findings(root, package))
    places = {(one["test_id"], one["filename"]) for one in found}
    for one in found:
        if (one["test_id"], one["filename"]) not in IN_ORDER:
            yield f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}"
    if package == "src":
        for code, path in sorted(set(IN_ORDER) - places):
            yield f"checks/security.py: {code} is no longer found in {path}; remove the entry"


def _findings(root: Path, package: str) -> list[dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "bandit",
        "-q",
        "-r",
        package,
        "-f",
        "json",
        "--exit-zero",
        "-s",
        ",".join(SKIPPED),
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    if told["errors"] or not told["metrics"]["_totals"]["loc"]:
        raise RuntimeError(f"bandit read nothing, or not everything: {told['errors']}")
    return list(told["results"])
