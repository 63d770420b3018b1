"""From a clone to a scored customer with reasons, as a newcomer types it: each command, and how long it takes.

Run: ``python -m benchmarks.firsthour``. The repository is cloned as it is committed, into an empty folder; `make
install` makes its own environment (from the cache of packages, if there is one); all that follows runs without a
network, where the system lets us take it away.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = 10_000
_OWN = ("PYTHONPATH", "VIRTUAL_ENV", "RISKLOOP_DATA", "RISKLOOP_PEERS")


@dataclass(frozen=True)
class Step:
    """One command and its wall seconds."""

    name: str
    command: str
    seconds: float


def without_network() -> list[str]:
    """What a command is put behind, to have no route out; empty where that is not permitted."""
    for unshare in (["unshare", "-n"], ["unshare", "-rn"]):
        try:
            if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode == 0:
                return unshare
        except FileNotFoundError:
            break
    return []


def _run(name: str, command: list[str], folder: Path, behind: list[str] | None = None) -> Step:
    environ = {key: value for key, value in os.environ.items() if key not in _OWN}
    print("running", " ".join(command), file=sys.stderr, flush=True)
    began = time.perf_counter()
    subprocess.run([*(behind or []), *command], cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
    return Step(name, " ".join(command), round(time.perf_counter() - began, 2))


def _first_with_reasons(path: Path) -> dict[str, str]:
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    named = [row for row in rows if row["reasons"]]
    if len(rows) != ROWS or not named:
        raise SystemExit(f"{len(rows)} customers were scored, {len(named)} with reasons")
    return named[0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.firsthour", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default="python3", help="the interpreter to begin with")
    python = parser.parse_args().python
    offline = without_network()
    with tempfile.TemporaryDirectory(prefix="riskloop-firsthour-") as made:
        folder, clone = Path(made), Path(made) / "riskloop"
        riskloop = str(clone / ".venv" / "bin" / "riskloop")
        costs = ["--id", "customer_id", "--time", "snapshot_date", "--cost-fn", "100", "--cost-fp", "10"]
        steps = [
            _run("clone", ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), "riskloop"], folder),
            _run("install", ["make", "install", f"PYTHON={python}"], clone),
            _run("simulate", [riskloop, "simulate", "churn", "--rows", str(ROWS), "--out", "data"], folder, offline),
            _run(
                "init",
                [riskloop, "init", "--data", "data/customers.csv", "--target", "churned", *costs],
                folder,
                offline,
            ),
            _run("train", [riskloop, "train", "--promote"], folder, offline),
            _run("score", [riskloop, "score", "data/customers.csv", "--out", "o.csv", "--reasons"], folder, offline),
        ]
        first = _first_with_reasons(folder / "o.csv")
    results = {
        "rows": ROWS,
        "offline": bool(offline),
        "steps": [asdict(step) | {"command": step.command.replace(riskloop, "riskloop")} for step in steps],
        "seconds": round(sum(step.seconds for step in steps), 1),
        "customer": {key: value for key, value in first.items() if key in ("decision", "probability", "reasons")},
    }
    for step in results["steps"]:  # type: ignore[attr-defined]
        step["command"] = step["command"].replace(str(ROOT), "REPOSITORY")
    print(json.dumps({"benchmark": "firsthour", "results": results}))


if __name__ == "__main__":
    main()
