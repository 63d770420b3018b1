"""How quickly things begin: `import riskloop`, `riskloop --help`, and a service with a champion of each family.

Run: ``python -m benchmarks.startup``. Medians of several fresh processes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks.service import started
from riskloop.costs import Costs
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.learn.candidates.families import FAMILIES
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project

RUNS = 7
TRAINING_STACK = ("sklearn", "pandas", "polars", "mlflow", "lightgbm", "xgboost", "catboost", "scipy")


def _seconds(command: list[str]) -> dict[str, float]:
    spent = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        spent.append(time.perf_counter() - began)
    return _summary(spent[1:])


def _summary(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 3),
        "minimum": round(min(values), 3),
        "maximum": round(max(values), 3),
    }


def _service(family: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate("churn", rows=5_000, seed=3, out=folder / "data", linked=False)
        initialise(folder / "p", Source(str(folder / "data" / "customers.csv")), "churned", costs=Costs(fp=10, fn=100))
        project = open_project(folder / "p")
        done = train(project, candidates=[family])
        promote(project, done.version.version, reason="benchmark", override=not done.accepted)
        ready, memory, loaded = [], [], ""
        for _ in range(RUNS + 1):
            with started(folder / "p") as service:
                ready.append(service.ready_seconds)
                status = Path(f"/proc/{service.pid}/status").read_text()
                memory.append(float(status.split("VmRSS:")[1].split()[0]) / 1024)
                loaded = Path(f"/proc/{service.pid}/maps").read_text()
        return {
            "ready_seconds": _summary(ready[1:]),
            "rss_mb": _summary(memory[1:]),
            "training_libraries_mapped": sorted(name for name in TRAINING_STACK if f"/{name}/" in loaded),
        }


def _others() -> list[str]:
    """Every family but LightGBM; explainable boosting where it is installed."""
    names = [one.name for one in FAMILIES if one.name != "lightgbm"]
    return names + (["ebm"] if find_spec("interpret") else [])


def main() -> None:
    results = {
        "import riskloop": _seconds([sys.executable, "-c", "import riskloop"]),
        "bare python": _seconds([sys.executable, "-c", "pass"]),
        "riskloop --help": _seconds([sys.executable, "-m", "riskloop", "--help"]),
        **{f"serve {family}": _service(family) for family in ("lightgbm", *_others())},
    }
    print(json.dumps({"benchmark": "startup", "results": results}))


if __name__ == "__main__":
    main()
