"""How many customers a comparison needs, before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from riskloop.costs import FloatArray
from riskloop.watch.experiment import Design

_MOST_CUSTOMERS = 1e9
_CELLS = 400


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a customer brings to an experiment (see `riskloop.watch.experiment`), as it is expected to be.

    Attributes
    ----------
    z, chance : float array, shape (k,)
        Values and their probabilities.
    """

    z: FloatArray
    chance: FloatArray

    @classmethod
    def of(cls, z: FloatArray, chance: FloatArray) -> Drawn:
        """Of many values: those near each other are put together."""
        order = np.argsort(z)
        cell = np.minimum(np.arange(len(z)) * _CELLS // max(len(z), 1), _CELLS - 1)
        values, first = np.unique(z, return_inverse=True)
        if len(values) <= _CELLS:
            return cls(values, np.asarray(np.bincount(first, weights=chance), dtype=np.float64))
        weight = np.asarray(np.bincount(cell, weights=chance[order]), dtype=np.float64)
        mean = np.bincount(cell, weights=(chance * z)[order]) / np.where(weight > 0, weight, 1)
        return cls(mean, weight)

    @classmethod
    def guessed(cls, design: Design) -> Drawn:
        """Where nothing is known but the spread."""
        spread = design.spread / math.sqrt(design.share * (1 - design.share))
        return cls(np.array([-spread, spread]), np.array([0.5, 0.5]))

    @property
    def mean(self) -> float:
        return float(self.z @ self.chance)

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return math.sqrt(float((self.z - self.mean) ** 2 @ self.chance))


@dataclass(frozen=True, slots=True)
class Needed:
    """Customers in both arms together that tell a difference, with the power asked for.

    Attributes
    ----------
    customers : float
        With the confidence sequence, looked at every day; infinity if a thousand million do not suffice.
    fixed : float
        With one look at the end and a test of means, for comparison.
    """

    customers: float
    fixed: float


def needed(effect: float, design: Design, power: float = 0.8, drawn: Drawn | None = None) -> Needed:
    """Customers needed to tell that the challenger is cheaper.

    Parameters
    ----------
    effect : float
        Difference in cost per customer, in currency.
    drawn : Drawn, optional
        What customers bring; as the design guesses if not known. Rare and dear misses need more than a spread says.
    """
    drawn, z = drawn or Drawn.guessed(design), NormalDist().inv_cdf
    effect = abs(effect)
    if not effect or not math.isfinite(effect):
        return Needed(math.inf, math.inf)
    fixed = ((z(1 - design.level / 2) + z(power)) * drawn.deviation / effect) ** 2
    customers = 50.0
    while not _told(customers, effect, design, drawn, power):
        customers *= 1.02
        if customers > _MOST_CUSTOMERS:
            return Needed(math.inf, fixed)
    return Needed(customers, fixed)


def detectable(customers: float, design: Design, power: float = 0.8, drawn: Drawn | None = None) -> float:
    """The smallest difference in cost per customer that so many customers tell, in currency; the span if none."""
    drawn = drawn or Drawn.guessed(design)
    low, high = 0.0, design.span
    if not _told(customers, high, design, drawn, power):
        return high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if _told(customers, middle, design, drawn, power) else (middle, high)
    return high


def _told(customers: float, effect: float, design: Design, drawn: Drawn, power: float) -> bool:
    """Whether who bets that the challenger is cheaper gets rich, if the mean turns out as unlucky as it may.

    The capital grows by the mean of log(1 + stake (0 - z)) a customer, where z lies around minus the difference.
    """
    seen = effect - NormalDist().inv_cdf(power) * drawn.deviation / math.sqrt(customers)
    if seen <= 0:
        return False
    stakes, log_weights = design.stakes[1]
    wins = np.maximum(np.outer(seen - (drawn.z - drawn.mean), stakes), -0.99)
    logs = customers * (drawn.chance @ np.log1p(wins)) + log_weights
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).sum())) >= math.log(2 / design.level)
