"""Reasons: do they add up to the score, and do they hang on whom customers are compared with?

Run: ``python -m benchmarks.reasons [TABLE ...]``. Each table is split and trained as by `riskloop train`, with the
families named below; reasons are those of test rows whose decision is adverse, against baselines drawn anew.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.datasets import FN_TEN_FP, load
from riskloop.bundle.bundle import Bundle, raw_rows
from riskloop.data.dataset import Dataset
from riskloop.decide.reasons import Reason, Rules, overlap
from riskloop.explain.flip import nearest_flip
from riskloop.explain.reasoner import Reasoner
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.explaining import BASELINE_ROWS, baseline_rows, business_reasons, nobodys
from riskloop.learn.plan import Plan, training_block
from riskloop.learn.training import Trained, train

TABLES = ("telco_churn", "uci_credit_card", "bankchurners")
FAMILIES = ("logistic_regression", "gam", "scorecard", "lightgbm", "catboost")
BASELINES = 20
CUSTOMERS = 500
FLIPPED = 50


def measure(dataset: Dataset, family: str) -> dict[str, Any]:
    """One family on one table."""
    plan = Plan(select_candidates([family], len(dataset)), FN_TEN_FP)
    trained = train(dataset, plan)
    bundle = _bundle(dataset, trained)
    test = dataset.take(trained.split.test)
    adverse = np.flatnonzero(trained.policy.act(trained.test_probability, FN_TEN_FP))[:CUSTOMERS]
    columns = {name: values[adverse] for name, values in test.items()}
    started = time.perf_counter()
    nobody = [_reasons(bundle, columns, drawn) for drawn in _baselines(dataset, trained, plan, real=False)]
    took = time.perf_counter() - started
    real = [_reasons(bundle, columns, drawn) for drawn in _baselines(dataset, trained, plan, real=True)]
    return {
        "customers": len(adverse),
        "additivity": trained.attributions.additivity,
        "reasons_each": round(float(np.mean([len(one) for one in nobody[0]])), 2),
        "stability": _agreement(combinations(nobody, 2)),
        "stability_of_records": _agreement(combinations(real, 2)),
        "nobody_beside_records": _agreement((one, other) for one in nobody for other in real),
        "same_first": _same_first(nobody),
        "ms_per_customer": round(took / BASELINES / max(1, len(adverse)) * 1000, 3),
        **_flips(bundle, columns),
    }


def _bundle(dataset: Dataset, trained: Trained) -> Bundle:
    groups = business_reasons(
        trained.attributions, trained.scorer, dataset.take(trained.split.train), {}, correlated=0.8
    )
    rules = Rules(groups=groups)
    return Bundle("reasons", trained.scorer, trained.policy, trained.golden, rules=rules, baseline=trained.baseline)


def _baselines(dataset: Dataset, trained: Trained, plan: Plan, *, real: bool) -> list[tuple[dict[str, Any], ...]]:
    """Twenty baselines from the rows that were left alone out of fold: of nobody, or of real records."""
    block = training_block(dataset, trained.split.train, plan)
    columns, chosen = block.rows(block.judged), trained.choice.chosen
    favoured = ~chosen.policy.act(chosen.probability, trained.training_costs)
    rows = baseline_rows(chosen.probability, favoured, adverse_is_act=True)
    drawn = []
    for seed in range(BASELINES):
        rng = np.random.default_rng(1_000 + seed)
        if real:
            drawn.append(tuple(raw_rows(block.contract, columns, rng.permutation(rows)[:BASELINE_ROWS].tolist())))
        else:
            drawn.append(nobodys(block.contract, columns, rows, BASELINE_ROWS, rng)[1])
    return drawn


Told = list[tuple[Reason, ...]]


def _reasons(bundle: Bundle, columns: dict[str, Any], baseline: tuple[dict[str, Any], ...]) -> Told:
    return Reasoner(replace(bundle, baseline=baseline)).reasons(columns)


def _agreement(pairs: Any) -> float:
    """Mean overlap of the first four business reasons."""
    found = [overlap(*both) for one, other in pairs for both in zip(one, other, strict=True)]
    return round(float(np.mean(found)), 4)


def _same_first(told: list[Told]) -> float:
    """Share of pairs of baselines under which a customer's first reason is the same."""
    firsts = [[reasons[0].group if reasons else None for reasons in one] for one in told]
    same = [a == b for one, other in combinations(firsts, 2) for a, b in zip(one, other, strict=True)]
    return round(float(np.mean(same)), 4)


def _flips(bundle: Bundle, columns: dict[str, Any]) -> dict[str, Any]:
    """How often a change that turns the decision is found, of how many columns, and how long that takes."""
    rows = min(FLIPPED, len(next(iter(columns.values()))))
    started = time.perf_counter()
    found = [nearest_flip(bundle, {name: values[[row]] for name, values in columns.items()}) for row in range(rows)]
    took = time.perf_counter() - started
    changed = [len(one.changes) for one in found if one is not None]
    return {
        "flips_found": round(len(changed) / rows, 3) if rows else None,
        "flips_of_one_column": round(changed.count(1) / rows, 3) if rows else None,
        "flip_ms": round(took / max(1, rows) * 1000, 1),
    }


def main() -> None:
    results = {name: {family: measure(load(name), family) for family in FAMILIES} for name in sys.argv[1:] or TABLES}
    print(json.dumps({"benchmark": "reasons", "results": results}))


if __name__ == "__main__":
    main()
