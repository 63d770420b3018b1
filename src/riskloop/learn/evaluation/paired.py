"""Paired comparison of two models, or two policies, on the same customers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import FloatArray
from riskloop.errors import DataError
from riskloop.learn.evaluation.intervals import finite, percentile

FEW_VALUES = 1000
"""Up to so many distinct values, a resample of rows is drawn as a multinomial of the values: the same law, faster."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Mean of a minus b, in currency per 1,000 customers, with its interval.

    ``p_value`` is two-sided, for no difference.
    """

    mean: float
    low: float
    high: float
    p_value: float

    def to_dict(self) -> dict[str, float | None]:
        """Plain JSON values."""
        return {name: finite(value) for name, value in asdict(self).items()}


def compare_costs(
    cost_a: FloatArray, cost_b: FloatArray, *, seed: int, resamples: int = 2000, level: float = 0.95
) -> PairedDifference:
    """Paired bootstrap of the difference in cost between two ways to decide about the same n customers.

    Parameters
    ----------
    cost_a, cost_b : array of float, shape (n,)
        Cost of every customer's decision, in currency; row i is the same customer in both.

    Raises
    ------
    DataError
        If there are no rows or the shapes differ.
    """
    if not len(cost_a) or cost_a.shape != cost_b.shape:
        raise DataError(
            f"Costs of {len(cost_a)} and {len(cost_b)} customers cannot be compared in pairs.",
            where="evaluation",
            next_step="score the same customers with both",
        )
    difference = (cost_a - cost_b) * 1000
    draws = mean_draws(difference, seed=seed, resamples=resamples)
    interval = percentile(float(difference.mean()), draws, level)
    rarer = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return PairedDifference(interval.value, interval.low, interval.high, min(1.0, 2 * (rarer + 1) / (resamples + 1)))


def by_stretch(difference: FloatArray, stretch: NDArray[np.integer], weight: FloatArray) -> tuple[float, float, int]:
    """Weighted mean of a paired difference, its standard error with stretches of time as units, and their number.

    All rows of a stretch share its level, so that who is nearer to it by luck is so in every row: rows counted one by
    one would take that for evidence. Stretches without weight do not count; with fewer than two the error is infinite.

    Parameters
    ----------
    difference, weight : float array, shape (n,)
    stretch : int array, shape (n,)
        From 0.
    """
    mass = np.bincount(stretch, weights=weight)
    judged = mass > 0
    mean = np.bincount(stretch, weights=weight * difference)[judged] / mass[judged]
    share = mass[judged] / mass[judged].sum()
    whole, count = float(share @ mean), len(mean)
    if count < 2:
        return whole, math.inf, count
    return whole, math.sqrt(float(np.square(share * (mean - whole)).sum()) * count / (count - 1)), count


def compare_costs_by_stretch(
    cost_a: FloatArray, cost_b: FloatArray, stretch: NDArray[np.integer], weight: FloatArray, *, level: float = 0.95
) -> PairedDifference:
    """Paired t-test of the difference in cost, with stretches of time as units (see `by_stretch`).

    Parameters
    ----------
    cost_a, cost_b : array of float, shape (n,)
        Cost of every customer's decision, in currency; row i is the same customer in both.
    stretch : int array, shape (n,)
    weight : float array, shape (n,)
    """
    from scipy.special import stdtr, stdtrit

    mean, error, count = by_stretch((cost_a - cost_b) * 1000, stretch, weight)
    if error == 0:
        return PairedDifference(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    if math.isinf(error):
        return PairedDifference(mean, -math.inf, math.inf, 1.0)
    reach = error * float(stdtrit(count - 1, (1 + level) / 2))
    return PairedDifference(mean, mean - reach, mean + reach, 2 * float(stdtr(count - 1, -abs(mean) / error)))


def mean_draws(values: FloatArray, *, seed: int, resamples: int) -> FloatArray:
    """Bootstrap draws of the mean of n values, shape (resamples,)."""
    rng = np.random.default_rng(seed)
    n = len(values)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) == 1:
        return np.full(resamples, distinct[0])
    if len(distinct) <= FEW_VALUES:
        return np.asarray(rng.multinomial(n, counts / n, size=resamples) @ distinct / n)
    return np.array([values[rng.integers(0, n, n)].mean() for _ in range(resamples)])
