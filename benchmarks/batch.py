"""A million customers from Parquet to scored Parquet, beside the bare booster doing no more than predict.

Run: ``python -m benchmarks.batch [ROWS]``. Every measure is a process of its own, so that its peak memory is known.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from riskloop.costs import Costs
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.score_parts import score_in_parts
from riskloop.loop.workflows.train import plan_for, prepare_for_training, train
from riskloop.wiring import open_project

ROWS = 1_000_000
TRAINING_ROWS = 20_000
MEASURES = {
    "bare": "LightGBM's own predict, on a matrix made by polars",
    "unlogged": "riskloop: checked, decoded, scored, decided, written",
    "logged": "riskloop: and every decision durable in the ledger",
}


def prepare(folder: Path, rows: int) -> None:
    """A trained project, the customers to score, and the booster with the columns it reads, all numbers."""
    simulate("churn", rows=TRAINING_ROWS + rows, seed=3, out=folder / "data", linked=False)
    frame = pl.read_csv(folder / "data" / "customers.csv")
    frame[:TRAINING_ROWS].write_csv(folder / "training.csv")
    frame[TRAINING_ROWS:].write_parquet(folder / "new.parquet")
    initialise(folder / "p", Source(str(folder / "training.csv")), "churned", costs=Costs(fp=10, fn=100))
    project = open_project(folder / "p")
    train(project, candidates=("lightgbm",), promote_reason="benchmark")
    _, bundle = project.bundle()
    numbers = [column.name for column in bundle.contract.used if column.type == "number"]
    (folder / "columns.json").write_text(json.dumps(numbers))
    _bare_booster(folder, project, numbers, trees=bundle.scorer.model.n_trees)  # type: ignore[union-attr]


def _bare_booster(folder: Path, project: Any, numbers: list[str], trees: int) -> None:
    """A booster as large as the champion, trained by the library alone on the table's numbers."""
    import lightgbm

    from riskloop.learn.candidates.families import families

    _, dataset = prepare_for_training(project)
    plan_for(project, len(dataset))
    leaves = int(families()["lightgbm"].parameters.get("num_leaves", 15))
    matrix = pl.DataFrame({name: dataset.columns[name] for name in numbers}).to_numpy()
    data = lightgbm.Dataset(matrix, dataset.outcome.astype(float))
    settings = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.03, "verbose": -1}
    lightgbm.train(settings, data, num_boost_round=trees).save_model(folder / "booster.txt")


def measure(folder: Path, name: str) -> dict[str, float]:
    """One road; in this process."""
    began, worked = time.perf_counter(), time.process_time()
    if name == "bare":
        import lightgbm

        booster = lightgbm.Booster(model_file=folder / "booster.txt")
        frame = pl.read_parquet(folder / "new.parquet")
        matrix = frame.select(json.loads((folder / "columns.json").read_text())).to_numpy()
        scored = frame.select("customer_id").with_columns(pl.Series("probability", booster.predict(matrix)))
        scored.write_parquet(folder / "bare.parquet")
        rows = frame.height
    else:
        project = open_project(folder / "p")
        source = Source(str(folder / "new.parquet"))
        rows = score_in_parts(project, source, folder / f"{name}.parquet", log=name == "logged").rows
    seconds = time.perf_counter() - began
    return {
        "rows": rows,
        "rows_per_second": round(rows / seconds),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - worked, 2),
        "peak_mb": _peak_megabytes(),
    }


def _peak_megabytes() -> int:
    """Of this program: what getrusage says began with the parent's."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return round(int(found[1]) / 1024)


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] in MEASURES:
        print(json.dumps(measure(Path(sys.argv[2]), sys.argv[1])))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, rows)
        results = {one: _apart(folder, one) for one in MEASURES}
    print(json.dumps({"benchmark": "batch", "results": results}))


def _apart(folder: Path, name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.batch", name, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
