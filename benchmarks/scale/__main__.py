"""Beyond one machine: a dataset in partitions here and on Dask, a worker killed; PostgreSQL; profiles added.

Run: ``python -m benchmarks.scale [--rows N] [--ledger N]``. Every road over the dataset is a process of its own, so
that its peak memory is known; all must write the same bytes. Ten million customers are 130 MB of Parquet, and the
output of each road, removed before the next, 330 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.batch import _peak_megabytes
from benchmarks.scale.ledger import ledgers
from benchmarks.scale.merging import merging
from riskloop.costs import Costs
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.engines.engine import Local
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.score_partitions import manifest_of, score_partitions
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_engine, open_project

ROWS, LEDGER, TRAINING, FILE = 10_000_000, 200_000, 20_000, 500_000
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""As each Dask worker has it: what its efficiency is held against."""
ROADS: dict[str, tuple[int, bool, dict[str, str]]] = {
    "local": (0, False, {}),
    "local, one thread": (0, False, ONE_THREAD),
    "dask, 1 worker": (1, False, {}),
    "dask, 2 workers": (2, False, {}),
    "dask, 2 workers, one killed": (2, True, {}),
}


def prepare(folder: Path, rows: int) -> None:
    """A trained project, and files of half a million customers: a million different ones, over and over."""
    apart = min(rows, 1_000_000)
    simulate("churn", rows=TRAINING + apart, seed=3, out=folder / "data", linked=False)
    frame = pl.read_csv(folder / "data" / "customers.csv")
    frame[:TRAINING].write_csv(folder / "training.csv")
    customers = frame[TRAINING:].drop("churned")
    (folder / "new").mkdir()
    for number, start in enumerate(range(0, rows, FILE)):
        some = customers[start % apart :][: min(FILE, rows - start)]
        ids = pl.format("{}-{}", "customer_id", pl.lit(number)).alias("customer_id")
        some.with_columns(ids).write_parquet(folder / "new" / f"{number:03d}.parquet")
    initialise(
        folder / "p",
        Source(str(folder / "training.csv")),
        "churned",
        costs=Costs(fp=10, fn=100),
        id_column="customer_id",
    )
    train(open_project(folder / "p"), candidates=("lightgbm",), promote_reason="benchmark")


def measure(folder: Path, road: str) -> dict[str, Any]:
    """One road over the dataset; in this process and those that it starts."""
    workers, kill, _ = ROADS[road]
    project, out = open_project(folder / "p"), folder / f"out-{road.replace(', ', '-').replace(' ', '-')}"
    began = time.perf_counter()
    if not workers:
        started, worked = began, time.process_time()
        done = score_partitions(project, str(folder / "new"), out, engine=Local(), reopen=open_project, log=False)
        seconds, peak = time.perf_counter() - started, _peak_megabytes()
        worked = time.process_time() - worked
    else:
        with open_engine("dask", workers, environ={}) as engine:
            client = engine.client  # type: ignore[attr-defined]
            started, killed, worked = time.perf_counter(), [], _processor_time(client)

            def progress(rows: int) -> None:
                if kill and not killed and rows > 0.4 * total:
                    killed.append(client.run(os.getpid, workers=[min(client.nthreads())]).popitem()[1])
                    os.kill(killed[0], signal.SIGKILL)

            total = sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in (folder / "new").iterdir())
            done = score_partitions(
                project, str(folder / "new"), out, engine=engine, reopen=open_project, log=False, progress=progress
            )
            seconds = time.perf_counter() - started
            worked = _processor_time(client) - worked
            peak = max(_peak_megabytes(), *client.run(_peak_megabytes).values())
    files = json.loads(manifest_of(out).read_text())["partitions"]
    same = hashlib.sha256("".join(one["sha256"] for one in files).encode()).hexdigest()
    megabytes = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    shutil.rmtree(out)  # of many roads over many rows: so the disk holds one output at a time
    return {
        "rows": done.rows,
        "scored": done.scored,
        "seconds": round(seconds, 2),
        "start_up_seconds": round(started - began, 2),
        "rows_per_second": round(done.rows / seconds),
        "cpu_seconds": round(worked, 2),
        "peak_mb_of_a_process": peak,
        "output_mb": round(megabytes),
        "bytes": same,
    }


def _processor_time(client: Any) -> float:
    """Seconds of the processor that this process, with the scheduler in it, and the workers took."""
    return time.process_time() + sum(client.run(time.process_time).values())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--rows", type=int, default=ROWS, help="customers to score")
    parser.add_argument("--ledger", type=int, default=LEDGER, help="predictions to keep")
    parser.add_argument("--road", choices=list(ROADS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.road:
        print(json.dumps(measure(given.folder, given.road)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, given.rows)
        found = {road: _apart(folder, road) for road in ROADS}
        results = {
            "scoring": found,
            "same_bytes": len({one.pop("bytes") for one in found.values()}) == 1,
            "rows_per_partition": 200_000,
            "load_average": round(os.getloadavg()[0], 1),
            "ledger": ledgers(folder, given.ledger),
            "merging": merging(folder / "p", 1_000),
        }
    print(json.dumps({"benchmark": "scale", "results": results}))


def _apart(folder: Path, road: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scale", "--road", road, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | ROADS[road][2])
    print(road, done.stdout.strip(), file=sys.stderr, flush=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
