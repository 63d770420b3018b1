"""The promotion gate: what a version must show before it may lead."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from riskloop.bundle.bundle import PARITY, Bundle
from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.choice import Contender
from riskloop.learn.evaluation.paired import PairedDifference, compare_costs
from riskloop.learn.evaluation.policies import TRIVIAL
from riskloop.learn.training import Trained
from riskloop.settings import GateSection


@dataclass(frozen=True)
class GateCheck:
    """One condition, whether it holds, and why."""

    name: str
    passed: bool
    message: str
    value: float | None = None
    limit: float | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


def passed(checks: Sequence[GateCheck]) -> bool:
    """Whether a version may lead."""
    return all(check.passed for check in checks)


def gate(
    trained: Trained,
    outcome: BoolArray,
    limits: GateSection,
    *,
    parity: float,
    latency_ms: float,
    champion_cost: FloatArray | None = None,
    seed: int = 0,
) -> list[GateCheck]:
    """Hold a trained model against the project's limits, the trivial policies and the champion.

    Parameters
    ----------
    trained : Trained
    outcome : bool array, shape (test rows,)
    limits : GateSection
    parity : float
        Largest difference between training and the packed bundle.
    latency_ms : float
        Median time to score one customer.
    champion_cost : float array, shape (test rows,), optional
        What the champion's decisions about the same rows cost.
    seed : int
    """
    checks = [
        _at_least("roc_auc", trained.test["roc_auc"].value, limits.min_roc_auc),
        _at_least("f1", trained.test["f1"].value, limits.min_f1),
        _at_most("calibration_error", trained.test["calibration_error"].value, limits.max_calibration_error),
        _at_most("parity", parity, PARITY),
        _at_most("latency_ms", latency_ms, limits.max_latency_ms),
        *_beats_trivial(trained, seed),
    ]
    if limits.max_cost_per_thousand is not None:
        checks.append(
            _at_most("cost_per_thousand", trained.test["cost_per_thousand"].value, limits.max_cost_per_thousand)
        )
    if limits.max_roc_auc is not None:
        checks.append(_not_too_good(trained, limits.max_roc_auc))
    if champion_cost is not None:
        checks.append(_not_worse_than_champion(trained, outcome, champion_cost, seed))
    return checks


def _at_least(name: str, value: float, limit: float) -> GateCheck:
    good = bool(np.isfinite(value) and value >= limit)
    return GateCheck(name, good, f"{name} {value:.4g} {'reaches' if good else 'is below'} {limit:g}", value, limit)


def _at_most(name: str, value: float, limit: float) -> GateCheck:
    good = bool(np.isfinite(value) and value <= limit)
    return GateCheck(name, good, f"{name} {value:.4g} {'is within' if good else 'exceeds'} {limit:g}", value, limit)


def _not_too_good(trained: Trained, limit: float) -> GateCheck:
    """The overfit alarm: on a problem that many have worked on, a record is a leak until shown otherwise."""
    check = _at_most("max_roc_auc", trained.test["roc_auc"].value, limit)
    if check.passed or check.value is None:
        return check
    message = (
        f"roc_auc {check.value:.4g} is better than anybody has managed ({limit:g}): look for a column that knows the "
        f"outcome, first {_first_features(trained)}"
    )
    return replace(check, message=message)


def _first_features(trained: Trained, count: int = 3) -> str:
    return ", ".join(repr(name) for name in list(trained.importance)[:count])


def _beats_trivial(trained: Trained, seed: int) -> list[GateCheck]:
    """Cheaper than every policy without a model on the test block, and significantly so out of fold (more rows)."""
    rows = {row.name: row for row in trained.policies}
    chosen = trained.choice.chosen
    checks = []
    for name, words in TRIVIAL.items():
        on_test = rows[name].difference
        out_of_fold = _against(chosen, name == "act_on_all", trained, seed)
        good = on_test.mean > 0 and out_of_fold.low > 0
        message = (
            f"{words} costs {on_test.mean:+.0f} per 1,000 against the model on the test block, "
            f"{out_of_fold.mean:+.0f} [{out_of_fold.low:.0f}, {out_of_fold.high:.0f}] out of fold"
        )
        if not good:
            message += ": the model does not earn its keep"
        checks.append(GateCheck(f"beats_{name}", good, message, on_test.mean, 0.0))
    return checks


def _against(chosen: Contender, act_on_all: bool, trained: Trained, seed: int) -> PairedDifference:
    costs, outcome = trained.training_costs, trained.training_outcome
    everyone = np.full(len(outcome), act_on_all)
    cost = chosen.policy.cost(outcome, chosen.probability, costs)
    return compare_costs(costs.each(outcome, everyone), cost, seed=seed)


def _not_worse_than_champion(trained: Trained, outcome: BoolArray, champion_cost: FloatArray, seed: int) -> GateCheck:
    cost = trained.policy.cost(outcome, trained.test_probability, trained.test_costs)
    difference = compare_costs(cost, champion_cost, seed=seed)
    good = difference.low <= 0
    message = (
        f"costs {difference.mean:+.0f} [{difference.low:.0f}, {difference.high:.0f}] per 1,000 against the champion "
        f"on the same customers: {'not worse' if good else 'worse'}"
    )
    return GateCheck("not_worse_than_champion", good, message, difference.mean, 0.0)


def latency_ms(bundle: Bundle, repeats: int = 50) -> float:
    """Median milliseconds to decode and score one golden request."""
    request = bundle.golden.requests[:1]
    spent = []
    for _ in range(repeats):
        started = time.perf_counter()
        bundle.score(request)
        spent.append(time.perf_counter() - started)
    return float(np.median(spent) * 1000)
