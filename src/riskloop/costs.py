"""Costs: what each outcome of a decision is worth, in currency per customer.

A *positive* is a customer who churns or defaults; to *act* is to contact or to decline. Benefits are negative
costs. The four outcomes are true/false positives/negatives of the decision to act.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import ConfigError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Amount = float | FloatArray
"""One amount for everybody, or one for each customer, shape (n,)."""

NEVER = 2.0
"""The threshold of acting on nobody: finite, because JSON has no infinity."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost of each outcome, in ``currency`` per customer: the same for everybody, or arrays of shape (n,).

    Costs that are declared as formulas over a customer's columns are `riskloop.decide.prices.Prices`.

    Attributes
    ----------
    fp, fn, tp, tn : float or float array, shape (n,)
        Of a needless action, a missed positive, acting on a positive, and leaving a negative alone.
    currency : str

    Raises
    ------
    ConfigError
        If costs are the same for everybody and one is not finite, or acting on a positive or leaving a negative alone
        is not the cheaper choice: then no probability could change the decision.

    Examples
    --------
    >>> Costs(fp=10, fn=100).bayes_threshold
    0.09090909090909091
    """

    fp: Amount
    fn: Amount
    tp: Amount = 0.0
    tn: Amount = 0.0
    currency: str = "EUR"

    names: ClassVar[tuple[str, ...]] = ()
    """Columns that are needed to know the costs: none."""

    def __post_init__(self) -> None:
        if self.varies:
            return
        if not all(math.isfinite(cost) for cost in self._amounts):
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
    def _amounts(self) -> tuple[Amount, Amount, Amount, Amount]:
        return self.fp, self.fn, self.tp, self.tn

    @property
    def varies(self) -> bool:
        """Whether customers cost differently."""
        several = np.ndarray
        return (
            isinstance(self.fp, several)
            or isinstance(self.fn, several)
            or isinstance(self.tp, several)
            or isinstance(self.tn, several)
        )

    @property
    def needless(self) -> Amount:
        """What acting on a negative costs more than leaving it alone."""
        return self.fp - self.tn

    @property
    def missed(self) -> Amount:
        """What leaving a positive alone costs more than acting on it."""
        return self.fn - self.tp

    @property
    def bayes_threshold(self) -> float:
        """The probability above which acting is cheaper in expectation (Elkan, 2001).

        Where customers cost differently: the best one for all of them, if costs tell nothing about the outcome.
        """
        needless, missed = float(np.mean(self.needless)), float(np.mean(self.missed))
        return needless / (needless + missed)

    def thresholds(self, least_gain: float = 0.0) -> Amount:
        """The probability from which acting on a customer gains at least so much in expectation.

        0 where it always does, 2 where it never can.
        """
        stake = np.asarray(self.needless + self.missed, dtype=np.float64)
        asked = np.asarray(self.needless + least_gain, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(stake > 0, asked / stake, np.where(asked < 0, 0.0, NEVER))
        found = np.where(np.isnan(stake), np.nan, np.clip(found, 0.0, NEVER))
        return found if self.varies else float(found)

    def gain(self, probability: FloatArray) -> FloatArray:
        """What acting on each of n customers saves in expectation, shape (n,)."""
        return np.asarray(probability * self.missed - (1 - probability) * self.needless)

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

    def of(self, _columns: Mapping[str, NDArray[Any]]) -> Costs:
        """The costs of customers with these columns: the same for everybody."""
        return self

    def take(self, rows: NDArray[Any]) -> Costs:
        """The costs of some customers, by position or mask."""
        return self._each(lambda cost: cost[rows] if isinstance(cost, np.ndarray) else cost)

    def mean(self) -> Costs:
        """The mean customer's."""
        return self._each(lambda cost: float(np.mean(cost)))

    def _each(self, change: Any) -> Costs:
        if not self.varies:
            return self
        return replace(self, fp=change(self.fp), fn=change(self.fn), tp=change(self.tp), tn=change(self.tn))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)
