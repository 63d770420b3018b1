"""A table of a hundred columns, monitored from Parquet to verdict: seconds and peak memory by rows.

Everything `riskloop monitor --batch FILE` does: read, decode by the contract, score with a LightGBM champion, decide,
count, compare. Eighty float32 numbers (normal, heavy-tailed, counts, half zeros; one in ten with missing cells) and
twenty dictionary-coded categories. Each measure is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskloop.costs import Costs
from riskloop.data.source import Source
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.monitor import monitor_batch
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project

SIZES = (1_000_000, 3_000_000, 10_000_000)
PART = 100_000
TRAINING_ROWS = 20_000
NUMBERS, CATEGORIES, LEVELS = 80, 20, tuple("abcdefgh")
SHARES = (0.4, 0.3, 0.1, 0.1, 0.05, 0.03, 0.015, 0.005)


def part(rng: np.random.Generator, rows: int) -> pa.Table:
    """So many customers."""
    columns: dict[str, Any] = {}
    for place in range(NUMBERS):
        normal = rng.standard_normal(rows, dtype=np.float32)
        made = (
            normal,
            np.exp(2 * normal),
            np.floor(np.abs(3 * normal)),
            np.where(normal < -0.25, np.float32(0), np.abs(normal)),
        )[place % 4]
        missing = rng.random(rows, dtype=np.float32) < 0.05 if place % 10 == 0 else None
        columns[f"x{place}"] = pa.array(made, mask=missing)
    cuts = np.cumsum(SHARES)[:-1]
    for place in range(CATEGORIES):
        codes = np.searchsorted(cuts, rng.random(rows)).astype(np.int8)
        columns[f"c{place}"] = pa.DictionaryArray.from_arrays(codes, LEVELS)
    return pa.table(columns)


def prepare(folder: Path) -> None:
    """A trained project."""
    rng = np.random.default_rng(0)
    table = part(rng, TRAINING_ROWS)
    score = sum(np.nan_to_num(table[f"x{place}"].to_numpy()) for place in (4, 8, 12)) - 1.5
    outcome = np.where(rng.random(TRAINING_ROWS) < 1 / (1 + np.exp(-score)), "yes", "no")
    pq.write_table(table.append_column("churned", pa.array(outcome)), folder / "training.parquet")
    source = Source(str(folder / "training.parquet"))
    initialise(folder / "p", source, "churned", positive="yes", costs=Costs(fp=10, fn=100))
    train(open_project(folder / "p"), candidates=("lightgbm",), promote_reason="benchmark")


def write(path: Path, rows: int) -> None:
    """A batch, part by part; the same four parts in turn, so that drawing them takes no time."""
    parts = [part(np.random.default_rng(seed), PART) for seed in range(1, 5)]
    with pq.ParquetWriter(path, parts[0].schema, compression="NONE") as writer:
        for number in range(rows // PART):
            writer.write_table(parts[number % 4], row_group_size=PART)


def measure(folder: str, batch: str) -> dict[str, Any]:
    """In this process."""
    project = open_project(Path(folder) / "p")
    project.bundle()
    held, started, worked = peak_mb(), time.perf_counter(), time.process_time()
    found = monitor_batch(project, batch)
    return {
        "rows": found.drift.rows,
        "columns": len(found.drift.columns),
        "verdict": found.drift.verdict,
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - worked, 1),
        "peak_mb": peak_mb(),
        "before_mb": held,
        "file_mb": round(Path(batch).stat().st_size / 2**20),
    }


def peak_mb() -> int:
    """Of this program: what getrusage says began with the parent's."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return round(int(found[1]) / 1024)


def wide(sizes: tuple[int, ...] = SIZES) -> list[dict[str, Any]]:
    """Every size, one after the other, as far as the disk goes."""
    told = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for rows in sizes:
            if shutil.disk_usage(folder).free < rows * (4 * NUMBERS + CATEGORIES) * 1.5:
                print(f"{rows:,} rows are left out: the disk is too full", file=sys.stderr)
                continue
            batch = folder / "batch.parquet"
            write(batch, rows)
            command = [sys.executable, "-m", "benchmarks.monitoring", "measure", str(folder), str(batch)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            told.append(json.loads(done.stdout.strip().splitlines()[-1]))
            print(told[-1], file=sys.stderr, flush=True)
    return told
