"""Run the benchmarks one after the other and rewrite RESULTS.md, docs/comparison.md and the README's table.

Run: ``make bench`` or ``python -m benchmarks [NAME ...]``; names: startup, serving, batch, explain, explain.dashboard,
footprint, reasons, simulate, loan, regret, fits, families, monitoring, monitoring.estimated, experiments, quality,
pages, scale, firsthour, and soak, which is run by its name only. A named run replaces only its own figures; the others
stay as last measured. ``python -m benchmarks comparison`` measures nothing and writes the pages anew.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.comparison.page import comparison
from benchmarks.comparison.readme import END, START, short
from benchmarks.render import render

HERE = Path(__file__).parent
RAW = HERE / "results"
NAMES = (
    "startup",
    "serving",
    "batch",
    "explain",
    "explain.dashboard",
    "footprint",
    "reasons",
    "simulate",
    "loan",
    "regret",
    "fits",
    "families",
    "monitoring",
    "experiments",
    "monitoring.estimated",
    "quality",
    "pages",
    "scale",
    "firsthour",
    "soak",
)
ON_REQUEST = ("soak",)
"""Run by name only."""
PAGES = "comparison"
"""Measures nothing: writes what is made from the figures."""


def machine() -> str:
    """The machine in words."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, Python {platform.python_version()}, {platform.system()}"


def run(name: str) -> None:
    """Run one benchmark in its own process and keep its figures."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    print("running", " ".join(command[1:]), file=sys.stderr, flush=True)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    document: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    document |= {
        "command": f"python -m benchmarks.{name}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
    }
    RAW.mkdir(exist_ok=True)
    (RAW / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def measured() -> dict[str, dict[str, Any]]:
    """The figures kept in ``results``, in the order of their sections."""
    documents = {path.stem: json.loads(path.read_text()) for path in RAW.glob("*.json")}
    return {name: documents[name] for name in NAMES if name in documents}


def pages(documents: dict[str, dict[str, Any]], readme: str) -> dict[Path, str]:
    """All that is made from the figures, by where it stands; of README.md only what stands between the marks.

    Raises
    ------
    ValueError
        If README.md has lost its marks.
    """
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"README.md has no {START} ... {END}: put the two comments back where the table shall stand")
    return {
        HERE / "RESULTS.md": render(documents),
        HERE.parent / "docs" / "comparison.md": comparison(documents),
        HERE.parent / "README.md": "\n".join([before + START, "", *short(documents), "", END + after]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which to run: {', '.join(NAMES)}; by default all but soak; {PAGES}: only write the pages anew",
    )
    names = parser.parse_args().names
    if unknown := set(names) - {*NAMES, PAGES}:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join((*NAMES, PAGES))}")
    for name in names or [one for one in NAMES if one not in ON_REQUEST]:
        if name != PAGES:
            run(name)
    for path, text in pages(measured(), (HERE.parent / "README.md").read_text()).items():
        path.write_text(text)


if __name__ == "__main__":
    main()
