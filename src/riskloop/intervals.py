"""Intervals: how far a number could be from what it estimates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


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
