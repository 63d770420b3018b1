"""The family that the system itself chooses, beside each family alone, on repeated stratified folds.

Run: ``python -m benchmarks.families [DATASET ...] [--repeats N]``. Outer folds judge and are never seen by choice,
calibration or threshold. Costs: FN = 10 FP, per 1,000 customers, at the system's own threshold.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import numpy as np

from benchmarks.datasets import FN_TEN_FP, load, outer_folds
from riskloop.data.leakage import auc
from riskloop.learn.candidates.families import select_blends, select_candidates
from riskloop.learn.plan import Plan, training_block
from riskloop.learn.refitting import refit
from riskloop.learn.selecting import select

REFERENCES = {
    "bankchurners": {"roc_auc_at_least": 0.9940, "cost_at_most": 80.0},
    "telco_churn": {"roc_auc_at_least": 0.843, "cost_at_most": 525.0},
}


def measure(name: str, repeats: int, folds: int = 5, seed: int = 0) -> dict[str, object]:
    """Mean and standard error over the outer folds, for the system and for every family alone."""
    dataset = load(name)
    scores: dict[str, list[tuple[float, float]]] = {}
    chosen: list[str] = []
    started = time.perf_counter()
    for number, (train, test) in enumerate(outer_folds(dataset, folds=folds, repeats=repeats, seed=seed)):
        plan = Plan(select_candidates([], len(train)), FN_TEN_FP, select_blends([]), seed=42 + number)
        block = training_block(dataset, train, plan)
        choice, contenders = select(block, plan)
        chosen.append(choice.chosen.name)
        for contender in contenders:
            scorer = refit(block, plan, contender, contenders).scorer
            probability = scorer.probability(dataset.take(test))
            outcome = dataset.outcome[test]
            figures = (
                auc(outcome, probability),
                FN_TEN_FP.per_thousand(outcome, contender.policy.act(probability, FN_TEN_FP)),
            )
            scores.setdefault(contender.name, []).append(figures)
            if contender is choice.chosen:
                scores.setdefault("riskloop", []).append(figures)
        print(f"{name} fold {number + 1}: {chosen[-1]} {scores['riskloop'][-1]}", file=sys.stderr, flush=True)
    return {
        "rows": len(dataset),
        "outer_folds": len(chosen),
        "chosen": {family: chosen.count(family) for family in dict.fromkeys(chosen)},
        "seconds": round(time.perf_counter() - started, 1),
        "act_on_all": round(FN_TEN_FP.per_thousand(dataset.outcome, np.ones(len(dataset), dtype=bool)), 1),
        "scores": {family: _summary(pairs) for family, pairs in scores.items()},
        "targets": REFERENCES.get(name),
    }


def _summary(pairs: list[tuple[float, float]]) -> dict[str, float]:
    values = np.array(pairs)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    mean = values.mean(axis=0)
    return {
        "roc_auc": round(float(mean[0]), 5),
        "roc_auc_se": round(float(error[0]), 5),
        "cost_per_thousand": round(float(mean[1]), 2),
        "cost_se": round(float(error[1]), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="*", default=["bankchurners", "telco_churn"])
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.repeats) for name in arguments.datasets}
    print(json.dumps({"benchmark": "families", "results": results}))


if __name__ == "__main__":
    main()
