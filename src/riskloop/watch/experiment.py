"""What a challenger saves, from customers split at random: a confidence sequence that may be looked at every day.

Each customer brings z = w (cost - expected), where w is 1 / share in the challenger's arm and -1 / (1 - share) in the
champion's, and ``expected`` is any number known before the customer was assigned. Because chance alone assigns, the
mean of z is the difference in cost per customer, whatever costs look like. A gambler who bets on z being above (or
below) m, with stakes fixed in advance, multiplies the capital by 1 + stake (z - m) at each customer; if m is the true
difference, the capital reaches 2 / level with probability level / 2 at most, at any time (Ville, 1939). The m at which
neither gambler has ever got rich are the confidence sequence (Waudby-Smith and Ramdas, "Estimating means of bounded
random variables by betting", JRSS B 2024, the method of mixtures over stakes). It needs bounded costs and nothing else:
no large sample, no variance, no fixed number of looks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from riskloop.costs import FloatArray
from riskloop.errors import UsageError
from riskloop.intervals import Interval

_STAKES = 24
_STEP = 0.6  # from one stake to the next
_MOST = 0.8  # of what a gambler may stake without ever owing
_HALVINGS = 45


@dataclass(frozen=True)
class Design:
    """What is fixed before the first customer, so that nothing can be chosen by looking.

    Attributes
    ----------
    share : float
        Of the customers in the challenger's arm.
    low, high : float
        Between which cost - expected lies, in currency; beyond them it counts as the bound.
    span : float
        Largest difference between two costs of one customer.
    spread : float
        A guess of the standard deviation of cost - expected, customers decided alike counting 0: right or wrong, the
        sequence holds; the better the guess, the narrower.
    level : float
        Chance that the sequence ever leaves out the true difference.
    planned : int
        Customers at which the sequence is to be narrowest.

    Raises
    ------
    UsageError
        If one of them makes no sense.
    """

    share: float
    low: float
    high: float
    span: float
    spread: float
    level: float = 0.05
    planned: int = 10_000

    def __post_init__(self) -> None:
        sane = 0 < self.share < 1 and self.low < self.high and 0 < self.level < 1 and self.planned > 0
        if not (sane and self.span > 0 and self.spread > 0):
            raise UsageError(f"An experiment cannot be designed so: {self.to_dict()}.", where="design")

    @property
    def weights(self) -> tuple[float, float]:
        """Of a customer in the champion's and in the challenger's arm."""
        return -1 / (1 - self.share), 1 / self.share

    @cached_property
    def stakes(self) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """Stakes and the logarithm of their weights: of who bets on more, and of who bets on less."""
        ends = [weight * end for weight in self.weights for end in (self.low, self.high)]
        wide = self.spread / math.sqrt(self.share * (1 - self.share))
        best = math.sqrt(2 * math.log(2 / self.level) / self.planned) / wide
        return self._mixed(self.span - min(ends), best), self._mixed(self.span + max(ends), best)

    @staticmethod
    def _mixed(reach: float, best: float) -> tuple[FloatArray, FloatArray]:
        stakes: FloatArray = _MOST / reach * _STEP ** np.arange(_STAKES, dtype=np.float64)
        away = np.log(stakes / min(best, float(stakes[0]))) / math.log(1 / _STEP)
        weights: FloatArray = 1 / (1 + (away / 2) ** 2)
        return stakes, np.log(weights / weights.sum())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Design:
        """Inverse of `to_dict`."""
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


@dataclass
class Tally:
    """Customers whose outcome is final, counted by arm (0 champion, 1 challenger).

    Attributes
    ----------
    residuals : Counter
        Customers by arm and cost - expected; those on whom both versions decide alike are not among them.
    alike : list of int
        Customers on whom both decide alike: their cost is the same in either arm.
    cost : list of float
        Total of each arm, in currency.
    """

    residuals: Counter[tuple[int, float]] = field(default_factory=Counter)
    alike: list[int] = field(default_factory=lambda: [0, 0])
    cost: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, arm: int, residual: float | None, cost: float, customers: int = 1) -> None:
        """Count customers; with ``residual`` None both versions decide alike."""
        if residual is None:
            self.alike[arm] += customers
        else:
            self.residuals[arm, residual] += customers
        self.cost[arm] += cost * customers

    def __iadd__(self, other: Tally) -> Tally:
        self.residuals.update(other.residuals)
        for arm in (0, 1):
            self.alike[arm] += other.alike[arm]
            self.cost[arm] += other.cost[arm]
        return self

    @property
    def customers(self) -> tuple[int, int]:
        """In each arm."""
        told = [sum(count for (arm, _), count in self.residuals.items() if arm == one) for one in (0, 1)]
        return told[0] + self.alike[0], told[1] + self.alike[1]

    @property
    def differing(self) -> int:
        """Customers on whom the two decide differently."""
        return self.residuals.total()

    def mean_cost(self, arm: int) -> float:
        """Per customer of an arm, in currency; NaN without customers."""
        customers = self.customers[arm]
        return self.cost[arm] / customers if customers else math.nan


def difference(tally: Tally, design: Design) -> Interval:
    """Cost per customer under the challenger less that under the champion, in currency, and where it surely lies.

    The interval at any one time of the confidence sequence: it may be looked at as often as one likes. NaN without
    customers.
    """
    z, count, total = _cells(tally, design)
    if not total:
        return Interval(math.nan, -design.span, design.span)
    value = float(z @ count) / total
    more, less = design.stakes
    rich = math.log(2 / design.level)
    low = _edge(lambda m: _capital(z, count, m, *more) >= rich, -design.span, value)
    high = -_edge(lambda m: _capital(-z, count, m, *less) >= rich, -design.span, -value)
    return Interval(value, low, high)


def _cells(tally: Tally, design: Design) -> tuple[FloatArray, FloatArray, int]:
    """What customers bring, by how many; those decided alike bring 0."""
    weights = design.weights
    told = sorted(tally.residuals.items())
    z = [weights[arm] * min(max(residual, design.low), design.high) for (arm, residual), _ in told]
    alike = sum(tally.alike)
    count = [float(count) for _, count in told]
    return np.array([*z, 0.0]), np.array([*count, float(alike)]), tally.differing + alike


def _capital(z: FloatArray, count: FloatArray, m: float, stakes: FloatArray, log_weights: FloatArray) -> float:
    """Logarithm of the capital of who bets that z is more than m in the mean."""
    logs = count @ np.log1p(np.outer(z - m, stakes)) + log_weights
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).sum()))


def _edge(refuted: Any, low: float, high: float) -> float:
    """Up to where values are refuted: they are from ``low`` on, or nowhere, since capital falls as m grows."""
    if not refuted(low):
        return low
    high = max(low, high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if refuted(middle):
            low = middle
        else:
            high = middle
    return low


@dataclass(frozen=True, slots=True)
class Look:
    """The comparison at the end of a day: what is known by then, in either arm."""

    day: date
    customers: tuple[int, int]
    cost: tuple[float, float]
    difference: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        means = [None if math.isnan(one) else one for one in self.cost]
        return {
            "day": self.day.isoformat(),
            "customers": list(self.customers),
            "cost": means,
            "difference": self.difference.to_dict(),
        }


def looks(days: Iterable[tuple[date, Tally]], design: Design) -> tuple[Look, ...]:
    """A look a day, each over all customers so far.

    What one look has refuted stays refuted, so that the sequence only narrows. Should nothing be left, costs or the
    split have changed on the way: then the last look stands for itself.
    """
    total, found = Tally(), []
    low, high = -math.inf, math.inf
    for day, tally in days:
        total += tally
        now = difference(total, design)
        low, high = max(low, now.low), min(high, now.high)
        if low > high:
            low, high = now.low, now.high
        kept = Interval(now.value, low, high)
        found.append(Look(day, total.customers, (total.mean_cost(0), total.mean_cost(1)), kept))
    return tuple(found)


def rounded(residuals: FloatArray, span: float, dice: FloatArray) -> FloatArray:
    """Residuals on a grid that is finer near 0, so that they can be counted: right in the mean.

    Parameters
    ----------
    span : float
        Of the costs: steps are 3 % of a value, and a ten-thousandth of the span near 0.
    dice : float array
        Evenly between 0 and 1, one for each: each residual goes to the point below or above it, with the chances that
        keep its mean.
    """
    grid = _grid(span)
    size = np.minimum(np.abs(residuals), grid[-1])
    above = np.clip(np.searchsorted(grid, size), 1, len(grid) - 1)
    low, high = grid[above - 1], grid[above]
    up = dice < (size - low) / (high - low)
    return np.asarray(np.sign(residuals) * np.where(up, high, low))


def _grid(span: float) -> FloatArray:
    small = span * 1e-4
    steps = math.ceil(math.log(2 * span / small) / math.log(1.03))
    return np.array([0.0, *(small * 1.03**step for step in range(steps + 1))])


def days_more(look: Look, design: Design, a_day: float) -> float | None:
    """About how many days until the difference is told, if it is what it seems; None if it cannot be said.

    The interval shrinks about with the square root of the customers.
    """
    now, seen = look.difference, sum(look.customers)
    if not seen or a_day <= 0 or math.isnan(now.value) or not now.value:
        return None
    half = (now.high - now.value) if now.value < 0 else (now.value - now.low)
    if half >= design.span / 2:
        return None
    return max(0.0, seen * ((half / abs(now.value)) ** 2 - 1)) / a_day


def grouped(tallies: Mapping[date, Tally], until: date) -> Sequence[tuple[date, Tally]]:
    """Those of each day in order, none after ``until``."""
    return [(day, tallies[day]) for day in sorted(tallies) if day <= until]
