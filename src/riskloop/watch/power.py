"""How many customers a comparison needs, before it starts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from riskloop.watch.experiment import Design

_MOST_CUSTOMERS = 1e9


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


def needed(effect: float, design: Design, power: float = 0.8) -> Needed:
    """Customers needed to tell a difference.

    Parameters
    ----------
    effect : float
        Difference in cost per customer, in currency.
    design : Design
        Its ``spread`` is taken for the truth.
    """
    spread_z = _spread(design)
    z = NormalDist().inv_cdf
    fixed = ((z(1 - design.level / 2) + z(power)) * spread_z / effect) ** 2 if effect else math.inf

    def told(customers: float) -> bool:
        seen = abs(effect) - z(power) * spread_z / math.sqrt(customers)
        return seen > 0 and half_width(customers, spread_z, design) <= seen

    return Needed(_least(told), fixed)


def detectable(customers: float, design: Design, power: float = 0.8) -> float:
    """The smallest difference in cost per customer that so many customers tell, in currency."""
    spread_z = _spread(design)
    return half_width(customers, spread_z, design) + NormalDist().inv_cdf(power) * spread_z / math.sqrt(customers)


def _spread(design: Design) -> float:
    """Standard deviation of what a customer brings."""
    return design.spread / math.sqrt(design.share * (1 - design.share))


def half_width(customers: float, spread_z: float, design: Design) -> float:
    """About how far the sequence reaches above what it is around, after so many customers, in currency.

    A gambler's capital at a distance d grows by about stake d - stake² variance / 2 a customer.
    """
    rich = math.log(2 / design.level)
    stakes, log_weights = design.stakes[1]
    square = spread_z**2

    def capital(distance: float) -> float:
        drift = np.where(stakes * spread_z < 1, stakes * distance - stakes**2 * square / 2, -math.inf)
        logs = customers * drift + log_weights
        top = float(logs.max())
        return top + math.log(float(np.exp(logs - top).sum())) if math.isfinite(top) else -math.inf

    low, high = 0.0, design.span
    if capital(high) < rich:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if capital(middle) >= rich else (middle, high)
    return high


def _least(told: Callable[[float], bool]) -> float:
    """The fewest customers at which it is told, to 2 %."""
    customers = 50.0
    while not told(customers):
        customers *= 1.02
        if customers > _MOST_CUSTOMERS:
            return math.inf
    return customers
