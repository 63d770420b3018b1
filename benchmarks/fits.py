"""What fits side by side save, and what the number of rounds is worth.

Run: ``python -m benchmarks.fits``. Five folds of every family: one after the other on all threads, and side by side on
one thread each; then the log loss out of fold after all rounds, and after the best number of them. No test rows.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np

from benchmarks.datasets import FN_TEN_FP, load
from riskloop.learn.block import Block
from riskloop.learn.candidates import candidate as room
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.candidates.families import FAMILIES
from riskloop.learn.crossfit import OutOfFold, crossfit, fit
from riskloop.learn.evaluation.metrics import log_loss
from riskloop.learn.plan import Plan, training_block
from riskloop.learn.rounds import best_rounds

TIMED = ("churn_modelling", "adult")
JUDGED = ("churn_modelling", "telco_churn", "bankchurners", "uci_credit_card")
SHARE = 0.7


def block_of(table: str) -> Block:
    """A random 70 % of a table, in folds."""
    dataset = load(table)
    rows = np.random.default_rng(7).permutation(len(dataset))[: int(SHARE * len(dataset))]
    return training_block(dataset, np.sort(rows), Plan([], FN_TEN_FP))


def in_turn(candidate: Candidate, block: Block) -> tuple[float, np.ndarray]:
    """Seconds, and log-odds out of fold, of five fits one after the other, each on all threads."""
    few, room._FEW_ROWS = room._FEW_ROWS, 0
    margin = np.empty(len(block.outcome))
    try:
        started = time.perf_counter()
        for train, held_out in block.parts():
            fitted = fit(candidate, block, train, seed=42, threads=os.cpu_count())
            margin[held_out] = fitted.model.margin(fitted.encoding.matrix(block.rows(held_out)))
        return time.perf_counter() - started, margin
    finally:
        room._FEW_ROWS = few


def timed(table: str) -> dict[str, object]:
    """Both ways, family by family."""
    block, found = block_of(table), {}
    for candidate in FAMILIES:
        alone, margin = in_turn(candidate, block)
        started = time.perf_counter()
        together = crossfit(candidate, block, seed=42)
        took = time.perf_counter() - started
        found[candidate.name] = {
            "in_turn": round(alone, 2),
            "side_by_side": round(took, 2),
            "equal": bool(np.array_equal(margin, together.margin)),
        }
        print(table, candidate.name, found[candidate.name], file=sys.stderr, flush=True)
    return {"rows": len(block.outcome), "families": found}


def judged(table: str) -> dict[str, object]:
    """Log loss out of fold after all rounds and after the best number of them."""
    block, found = block_of(table), {}
    for candidate in FAMILIES:
        if "rounds" in candidate.parameters:
            result = crossfit(candidate, block, seed=42)
            best, shorter = best_rounds(candidate, result, block, np.ones(len(block.outcome)))
            found[candidate.name] = {
                "rounds": candidate.parameters["rounds"],
                "best": best.parameters["rounds"],
                "log_loss": [round(_loss(one, block), 5) for one in (result, shorter)],
                "megabytes": [round(one.megabytes, 3) for one in (result, shorter)],
            }
    return {"rows": len(block.outcome), "families": found}


def _loss(result: OutOfFold, block: Block) -> float:
    return float(log_loss(block.outcome, 1 / (1 + np.exp(-result.margin))).mean())


def main() -> None:
    results = {"timed": {table: timed(table) for table in TIMED}, "judged": {name: judged(name) for name in JUDGED}}
    print(json.dumps({"benchmark": "fits", "results": results}))


if __name__ == "__main__":
    main()
