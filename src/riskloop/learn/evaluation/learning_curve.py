"""The learning curve: what more customers to learn from would be worth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.block import Block
from riskloop.learn.choice import Contender
from riskloop.learn.contending import contend
from riskloop.learn.crossfit import crossfit
from riskloop.learn.evaluation.intervals import Interval
from riskloop.learn.evaluation.paired import PairedDifference, compare_costs
from riskloop.learn.plan import Plan

SHARES = (0.125, 0.25, 0.5, 1.0)
FOLDS = 2
_FEWEST_PER_OUTCOME = 10
_FASTEST, _SLOWEST = 0.5, math.sqrt(0.5)
"""What a doubling saves, as a share of what the one before saved, where the excess falls as 1/n and as 1/sqrt(n)."""


@dataclass(frozen=True)
class LearningPoint:
    """What a family achieved on the same held-out rows, learning from fewer or more.

    Attributes
    ----------
    rows : int
        Rows learnt from, on average over the folds.
    log_loss : Interval
    cost_per_thousand : Interval
        In currency per 1,000 customers.
    """

    rows: int
    log_loss: Interval
    cost_per_thousand: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        cost = self.cost_per_thousand.to_dict()
        return {"rows": self.rows, "log_loss": self.log_loss.to_dict(), "cost_per_thousand": cost}


@dataclass(frozen=True)
class LearningCurve:
    """Points of a family, from few rows to all.

    Attributes
    ----------
    family : str
    points : tuple of LearningPoint
    last_doubling : PairedDifference
        Cost with half of the rows minus cost with all, on the same customers, per 1,000.
    next_doubling : float
        What twice the rows would save if savings go on shrinking as they did; 0 where the last doubling saved nothing
        beyond noise.
    currency : str
    """

    family: str
    points: tuple[LearningPoint, ...]
    last_doubling: PairedDifference
    next_doubling: float
    currency: str

    def words(self) -> str:
        """One sentence: would more rows pay?"""
        last = self.last_doubling
        saved = f"the last doubling saved {last.mean:,.1f} [{last.low:,.1f}, {last.high:,.1f}]"
        if last.high < 0:
            return f"More rows made decisions worse ({saved} {self.currency} per 1,000): they are unlike those judged."
        if not self.next_doubling:
            return f"More rows like these would save nothing beyond noise ({saved} {self.currency} per 1,000)."
        return (
            f"Twice the rows would save about {self.next_doubling:,.1f} {self.currency} per 1,000 customers ({saved})."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "family": self.family,
            "points": [one.to_dict() for one in self.points],
            "last_doubling": self.last_doubling.to_dict(),
            "next_doubling": self.next_doubling,
            "words": self.words(),
        }


def learning_curve(family: Contender, block: Block, plan: Plan) -> LearningCurve | None:
    """Fit a family on an eighth, a quarter, half and all of the rows that train for two folds.

    Smaller samples lie within larger ones, and all are judged on the same rows, calibrated and priced anew. The folds
    are the last two, where folds roll forward the latest.

    Returns
    -------
    LearningCurve or None
        None if half of the rows holds too few of the rarer outcome.
    """
    if family.candidate is None:
        raise ValueError(f"{family.name} is no single family")
    order = np.random.default_rng(plan.seed).permutation(len(block.outcome)) / len(block.outcome)
    judged = [_thinned(block, order, share) for share in SHARES]
    enough = [thin for thin in judged if min(_rarer(thin.outcome[mask]) for mask in thin.trains) >= _FEWEST_PER_OUTCOME]
    if len(enough) < 2:
        return None
    contenders = [_judged(family, thin, block.forward, plan) for thin in enough]
    points = tuple(
        LearningPoint(
            round(float(np.mean([mask.sum() for mask in thin.trains]))),
            one.evaluation["log_loss"],
            one.evaluation["cost_per_thousand"],
        )
        for thin, one in zip(enough, contenders, strict=True)
    )
    outcome, priced = enough[-1].outcome[enough[-1].judged], plan.costs_of(block.columns, enough[-1].judged)
    costs = [one.policy.cost(outcome, one.probability, priced) for one in contenders]
    last = compare_costs(costs[-2], costs[-1], seed=plan.seed)
    return LearningCurve(family.name, points, last, _next_doubling(costs, last), plan.costs.currency)


def _thinned(block: Block, order: FloatArray, share: float) -> Block:
    """The block with its last folds only, whose judges learn from a share of their rows."""
    kept = list(block.parts())[-FOLDS:]
    fold = np.full(len(block.outcome), -1, dtype=np.int8)
    for number, (_, held_out) in enumerate(kept):
        fold[held_out] = number
    return replace(block, fold=fold, trains=tuple(train & (order < share) for train, _ in kept))


def _judged(family: Contender, thin: Block, forward: bool, plan: Plan) -> Contender:
    result = crossfit(family.candidate, thin, seed=plan.seed)  # type: ignore[arg-type]  # checked by the caller
    return contend(family.name, family.complexity, result, thin if forward else replace(thin, trains=()), plan)


def _rarer(outcome: BoolArray) -> int:
    return int(min(outcome.sum(), (~outcome).sum()))


def _next_doubling(costs: list[FloatArray], last: PairedDifference) -> float:
    """Savings shrink as the last two doublings did, within what theory knows: between 1/n and 1/sqrt(n)."""
    if last.low <= 0:
        return 0.0
    before = float((costs[-3] - costs[-2]).mean() * 1000) if len(costs) > 2 else 0.0
    return last.mean * float(np.clip(last.mean / before if before > 0 else _FASTEST, _FASTEST, _SLOWEST))
