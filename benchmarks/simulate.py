"""Time and memory of simulating customers with linked tables: one child process per scenario, one JSON line.

Run: ``python benchmarks/simulate.py [ROWS]``. Target: 1,000,000 customers in under 30 seconds and 1 GB of peak
resident memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

SCENARIOS = ("churn", "loan")


def measure(scenario: str, rows: int) -> dict[str, float]:
    """Simulate once in this process, imports included."""
    began = time.perf_counter()
    from riskloop.data.simulate.writing import simulate

    with TemporaryDirectory() as folder:
        simulated = simulate(scenario, rows=rows, seed=1, out=Path(folder) / scenario)
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in simulated.folder.rglob("*") if path.is_file())
    return {
        "rows": rows,
        "linked_rows": sum(file["rows"] for file in simulated.files.values()) - 3 * rows,
        "seconds": round(seconds, 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "written_mb": round(size / 1e6, 1),
    }


def measure_apart(scenario: str, rows: int) -> dict[str, float]:
    """The same in a fresh process: peak memory is the process's own."""
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.simulate", str(rows), scenario],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return dict(json.loads(child.stdout))


def main(arguments: list[str]) -> None:
    rows = int(arguments[0]) if arguments else 1_000_000
    if len(arguments) > 1:
        print(json.dumps(measure(arguments[1], rows)))
        return
    results = {scenario: measure_apart(scenario, rows) for scenario in SCENARIOS}
    print(json.dumps({"benchmark": "simulate", "results": results}))


if __name__ == "__main__":
    main(sys.argv[1:])
