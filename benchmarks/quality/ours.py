"""riskloop as a contestant: ``python -m benchmarks.quality.ours FOLDER SECONDS SEED``.

The folder holds task.json (table, kind of split) and rows.npz; it receives an answer for the default choice and one for
the cheapest candidate.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.datasets import FN_TEN_FP, load
from riskloop.bundle.bundle import Bundle, Golden, raw_rows
from riskloop.bundle.pack import contents
from riskloop.learn.candidates.families import select_blends, select_candidates
from riskloop.learn.choice import choose
from riskloop.learn.contending import recency
from riskloop.learn.plan import Plan, training_block
from riskloop.learn.refitting import refit
from riskloop.learn.selecting import select

ONE_ROW_CALLS = 200
BATCH_ROWS = 2000


def main() -> None:
    folder, seconds, seed = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    task = json.loads((folder / "task.json").read_text())
    rows = np.load(folder / "rows.npz")
    dataset = load(task["table"])
    plan = Plan(
        select_candidates([], len(rows["train"])),
        FN_TEN_FP,
        select_blends([]),
        seed=seed,
        split=task["split"],
        seconds=seconds,
    )
    started = time.perf_counter()
    block = training_block(dataset, rows["train"], plan)
    choice, contenders = select(block, plan)
    selecting = time.perf_counter() - started
    outcome, weight = block.outcome[block.judged], recency(block) if block.forward else None
    stretch = block.fold[block.judged] if block.forward else None
    cheap = choose(contenders, outcome, FN_TEN_FP, seed=seed, weight=weight, stretch=stretch, prefer="cheap")
    test = dataset.take(rows["test"])
    for name, chosen in (("riskloop", choice.chosen), ("riskloop, cheap", cheap.chosen)):
        started = time.perf_counter()
        scorer = refit(block, plan, chosen, contenders).scorer
        took = selecting + time.perf_counter() - started
        bundle = Bundle("benchmark", scorer, chosen.policy, Golden((), ()))
        probability = scorer.probability(test)
        np.savez(folder / f"{name}.npz", probability=probability, act=chosen.policy.act(probability, FN_TEN_FP))
        facts = {
            "train_seconds": took,
            "one_row_ms": _one_row_ms(bundle, test),
            "batch_ms_per_1000": _batch_ms(bundle, test),
            "size_mb": sum(map(len, contents(bundle).values())) / 1e6,
            "chosen": chosen.name,
            "recipe": chosen.recipe.describe() if chosen.recipe else "",
            "calibration": chosen.calibration.calibration.kind,
        }
        (folder / f"{name}.json").write_text(json.dumps(facts))


def _requests(bundle: Bundle, test: dict[str, np.ndarray], count: int) -> list[dict[str, object]]:
    """Rows as a caller sends them; an unknown category is left out by asking for other rows."""
    contract = bundle.contract
    known = np.ones(len(next(iter(test.values()))), dtype=bool)
    for column in contract.used:
        if column.type == "category":
            known &= test[column.name] < len(column.levels)
    return raw_rows(contract, test, np.flatnonzero(known)[:count].tolist())


def _one_row_ms(bundle: Bundle, test: dict[str, np.ndarray]) -> float:
    """From a request's fields to its probability: decode, check, encode, predict, calibrate."""
    times = []
    for row in _requests(bundle, test, ONE_ROW_CALLS):
        before = time.perf_counter()
        bundle.score([row])
        times.append(time.perf_counter() - before)
    return float(np.median(times)) * 1000


def _batch_ms(bundle: Bundle, test: dict[str, np.ndarray]) -> float:
    batch = {name: values[:BATCH_ROWS] for name, values in test.items()}
    before = time.perf_counter()
    bundle.scorer.probability(batch)
    return (time.perf_counter() - before) / len(next(iter(batch.values()))) * 1e6


if __name__ == "__main__":
    main()
