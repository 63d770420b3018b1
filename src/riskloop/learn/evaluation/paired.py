"""Paired comparison of two models, or two policies, on the same customers."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from riskloop.costs import FloatArray
from riskloop.errors import DataError
from riskloop.learn.evaluation.intervals import percentile

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

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


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
