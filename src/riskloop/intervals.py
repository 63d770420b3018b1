"""Intervals: how far a number could be from what it estimates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

Z95 = 1.959963984540054
"""Standard errors to either side of a normal interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval. NaN where it is not defined (one class only, nobody acted on)."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """Plain JSON values: NaN becomes None, since JSON has no NaN."""
        return {"value": finite(self.value), "low": finite(self.low), "high": finite(self.high)}


def finite(value: float) -> float | None:
    """The value as a plain float, or None where JSON could not carry it."""
    return float(value) if math.isfinite(value) else None


def percentile(value: float, draws: FloatArray, level: float) -> Interval:
    """Percentile interval of bootstrap draws (Efron, 1979); draws where the metric is not defined are left out."""
    defined = draws[~np.isnan(draws)]
    if math.isnan(value) or not len(defined):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))


def normal(values: FloatArray, level: float = 0.95) -> Interval:
    """Mean of values, one per row, with its normal interval."""
    mean = float(values.mean())
    half = NormalDist().inv_cdf((1 + level) / 2) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def wilson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """Score interval of a proportion (Wilson, 1927); sound for small counts and near 0 and 1."""
    if trials <= 0:
        return Interval(math.nan, math.nan, math.nan)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def difference(one: Interval, other: Interval) -> Interval:
    """``one - other`` of two independent estimates, from their intervals (square and add: Zou and Donner, 2008)."""
    value = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Interval(value, value - below, value + above)


def relative_change(one: Interval, other: Interval) -> Interval:
    """``one / other - 1`` of two independent positive estimates: the difference of their logarithms; else NaN."""
    ends = (one.value, one.low, one.high, other.value, other.low, other.high)
    if not one.value > 0 or not other.value > 0:
        return Interval(math.nan, math.nan, math.nan)
    if not min(ends) > 0:
        return Interval(one.value / other.value - 1, math.nan, math.nan)
    logs = difference(Interval(*map(math.log, ends[:3])), Interval(*map(math.log, ends[3:])))
    return Interval(*(math.expm1(end) for end in (logs.value, logs.low, logs.high)))
