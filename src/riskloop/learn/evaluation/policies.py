"""A policy beside those that need no choice, or no model at all: is the model worth its keep?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from riskloop.costs import NEVER, BoolArray, Costs, FloatArray
from riskloop.decide.policy import Policy
from riskloop.learn.evaluation.intervals import Interval, finite, percentile
from riskloop.learn.evaluation.metrics import Confusion
from riskloop.learn.evaluation.paired import PairedDifference, compare_costs, mean_draws

Decided = tuple[float, BoolArray, FloatArray]
"""A threshold, whom it acts on, and what each of those decisions cost, in currency; arrays of shape (n,)."""

TRIVIAL = {"act_on_all": "Acting on everyone", "act_on_none": "Acting on nobody"}


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What one policy would have cost on the same customers.

    Attributes
    ----------
    name : str
        ``chosen``, ``act_on_all``, ``act_on_none``, ``at_0.5``, ``bayes``, ``champion``, or who else was named.
    threshold : float
        2 for acting on nobody.
    act_rate : float
        Share of customers acted on.
    f1 : float
        NaN without positives. "Always act" has an F1 of its own, which a gate must know.
    cost_per_thousand : Interval
        In currency per 1,000 customers.
    total_cost : float
        In currency, on these rows.
    difference : PairedDifference
        This policy minus the chosen one, per 1,000 customers: positive where the chosen one is cheaper.
    """

    name: str
    threshold: float
    act_rate: float
    confusion: Confusion
    f1: float
    cost_per_thousand: Interval
    total_cost: float
    difference: PairedDifference

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"f1": finite(self.f1)}


def compare_policies(
    outcome: BoolArray,
    probability: FloatArray,
    policy: Policy,
    costs: Costs,
    *,
    seed: int,
    resamples: int = 2000,
    champion: Decided | None = None,
    others: Mapping[str, Decided] | None = None,
) -> list[PolicyRow]:
    """The chosen policy beside acting on all, on none, at 0.5 and at the Bayes threshold, on rows none has seen.

    `costs` are those of the rows. The Bayes threshold is each customer's own where they differ. `champion` is the
    threshold of the version that leads, whom of the same rows it acts on, and what its decisions cost; `others` are the
    same of anybody else, by name.
    """
    decided = {
        "chosen": (policy.threshold, policy.act(probability, costs)),
        "act_on_all": (0.0, np.ones(len(outcome), dtype=bool)),
        "act_on_none": (NEVER, np.zeros(len(outcome), dtype=bool)),
        "at_0.5": (0.5, probability >= 0.5),
        "bayes": (costs.bayes_threshold, probability >= costs.thresholds()),
    }
    cost_of = {name: costs.each(outcome, act) for name, (_, act) in decided.items()}
    cost_of["chosen"] = chosen = policy.cost(outcome, probability, costs)
    beside = dict(others or {}) | ({} if champion is None else {"champion": champion})
    for name, (threshold, act, cost) in beside.items():
        decided[name], cost_of[name] = (threshold, act), cost

    def row(name: str, threshold: float, act: BoolArray) -> PolicyRow:
        cost = cost_of[name]
        confusion = Confusion.of(outcome, act)
        draws = mean_draws(cost, seed=seed, resamples=resamples)
        return PolicyRow(
            name=name,
            threshold=threshold,
            act_rate=float(act.mean()),
            confusion=confusion,
            f1=confusion.f1,
            cost_per_thousand=percentile(float(cost.mean()) * 1000, draws * 1000, 0.95),
            total_cost=float(cost.sum()),
            difference=compare_costs(cost, chosen, seed=seed, resamples=resamples),
        )

    return [row(name, threshold, act) for name, (threshold, act) in decided.items()]


def verdict(rows: list[PolicyRow], currency: str) -> str:
    """One sentence: does the chosen policy beat the cheaper of acting on everyone and acting on nobody?

    The sentence says so when it does not: a model that cannot be told from a policy without a model saves nothing.
    """
    best = min((row for row in rows if row.name in TRIVIAL), key=lambda row: row.difference.mean)
    difference = best.difference
    evidence = (
        f"(difference {_amount(difference.mean)} [{_amount(difference.low)}, {_amount(difference.high)}] {currency} "
        f"per 1,000 customers)"
    )
    if difference.low > 0:
        return f"The model is cheaper than {TRIVIAL[best.name].lower()} {evidence}."
    if difference.high < 0:
        return f"{TRIVIAL[best.name]} is cheaper than the model {evidence}."
    return f"{TRIVIAL[best.name]} is as cheap as the model {evidence}."


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value + 0.0:.3g}"
