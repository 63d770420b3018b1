"""Costs: what each outcome of a decision is worth, in currency per customer.

A *positive* is a customer who churns or defaults; to *act* is to contact or to decline. Benefits are negative
costs. The four outcomes are true/false positives/negatives of the decision to act.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import ConfigError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost of each outcome, in ``currency`` per customer.

    Raises
    ------
    ConfigError
        If a cost is not finite, or if acting on a positive or leaving a negative alone is not the cheaper choice:
        then no probability could change the decision.

    Examples
    --------
    >>> Costs(fp=10, fn=100).bayes_threshold
    0.09090909090909091
    """

    fp: float
    fn: float
    tp: float = 0.0
    tn: float = 0.0
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if not all(math.isfinite(cost) for cost in (self.fp, self.fn, self.tp, self.tn)):
            raise ConfigError(
                "Costs must be finite numbers.", where="costs", next_step="set costs.fp and costs.fn to amounts"
            )
        if self.fn <= self.tp or self.fp <= self.tn:
            raise ConfigError(
                f"These costs make one action best for everyone (fn={self.fn:g} must exceed tp={self.tp:g}, "
                f"fp={self.fp:g} must exceed tn={self.tn:g}).",
                where="costs",
                next_step="give the cost of a missed positive (fn) and of a needless action (fp)",
            )

    @property
    def bayes_threshold(self) -> float:
        """The probability above which acting is cheaper in expectation (Elkan, 2001)."""
        needless = self.fp - self.tn
        missed = self.fn - self.tp
        return needless / (needless + missed)

    def each(self, outcome: BoolArray, act: BoolArray) -> FloatArray:
        """Cost of every decision, shape (n,), once the outcome is known."""
        acted = np.where(outcome, self.tp, self.fp)
        left = np.where(outcome, self.fn, self.tn)
        return np.where(act, acted, left)

    def per_thousand(self, outcome: BoolArray, act: BoolArray) -> float:
        """Mean cost per 1,000 customers."""
        return float(self.each(outcome, act).mean() * 1000)

    def expected(self, probability: FloatArray, act: BoolArray) -> FloatArray:
        """Expected cost of every decision, shape (n,), before the outcome is known."""
        acted = probability * self.tp + (1 - probability) * self.fp
        left = probability * self.fn + (1 - probability) * self.tn
        return np.where(act, acted, left)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
