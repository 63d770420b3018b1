"""What every contestant does: read a split, fit, decide, and be timed. Plain NumPy and pandas: it runs anywhere.

Called as ``SCRIPT FOLDER SECONDS SEED``; the folder holds train.parquet (with the column ``__outcome__``) and
test.parquet, and receives answer.json and answer.npz.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

ONE_ROW_CALLS = 30
BATCH_ROWS = 2000


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def run(fit) -> None:
    """``fit(train, outcome, seconds, seed)`` gives probability(rows), decide(rows), megabytes, what to do at the end,
    and, where it tells, what it chose."""
    warnings.simplefilter("ignore")
    folder, seconds, seed = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    train, test = (pd.read_parquet(folder / f"{name}.parquet") for name in ("train", "test"))
    outcome = train.pop("__outcome__").to_numpy().astype(int)
    started = time.perf_counter()
    probability, decide, size, done, *chosen = fit(train, outcome, seconds, seed)
    took = time.perf_counter() - started
    answer = np.asarray(probability(test), dtype=float)
    act = np.asarray(decide(test), dtype=bool)
    one_row, computed = [], []
    for number in range(ONE_ROW_CALLS):
        row = test.iloc[[number % len(test)]]
        before, spent = time.perf_counter(), time.process_time()
        probability(row)
        one_row.append(time.perf_counter() - before)
        computed.append(time.process_time() - spent)
    batch = test.iloc[:BATCH_ROWS]
    before = time.perf_counter()
    probability(batch)
    batch_seconds = time.perf_counter() - before
    done()
    np.savez(folder / "answer.npz", probability=answer, act=act)
    facts = {
        "train_seconds": took,
        "one_row_ms": float(np.median(one_row)) * 1000,
        "one_row_cpu_ms": float(np.median(computed)) * 1000,
        "batch_ms_per_1000": batch_seconds / len(batch) * 1e6,
        "size_mb": size,
        **({"chosen": chosen[0]} if chosen else {}),
    }
    (folder / "answer.json").write_text(json.dumps(facts))
