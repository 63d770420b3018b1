"""Days as blocks: rows of one day resemble each other, so that n of them tell less than n independent rows.

The variance of what is counted is that of a bootstrap which draws whole days, in closed form: no draw is made. By how
much it exceeds the variance of independent rows is the design effect; tests are divided by it (Rao and Scott, 1981),
and refer to F and t with as many degrees of freedom as there are days, less one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import FloatArray
from riskloop.watch.moments import Moments

FEWEST_DAYS = 5

Matrix = NDArray[np.int64]
"""Rows by day and cell, shape (days, cells)."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """How surely days tell the shares of k cells.

    Attributes
    ----------
    effect : float
        Design effect: mean over the directions in which shares can differ, at least 1.
    freedom : float
        Of the chi-square that has the same mean and variance (Satterthwaite, 1946), at most k - 1.
    days : int
    """

    effect: float
    freedom: float
    days: int

    @property
    def below(self) -> float:
        """Degrees of freedom of the estimate."""
        return self.freedom * (self.days - 1)

    def p_value(self, statistic: float, cells: int) -> float:
        """Of a chi-square statistic of the cells."""
        from scipy.special import fdtrc

        if cells < 2:
            return 1.0
        return float(fdtrc(self.freedom, self.below, statistic / (self.effect * (cells - 1))))

    def noise(self, cells: int, scale: float, quantile: float) -> float:
        """Quantile of the PSI by chance; ``scale`` is 1/n + 1/m."""
        from scipy.special import fdtri

        if cells < 2:
            return 0.0
        return scale * self.effect * (cells - 1) * float(fdtri(self.freedom, self.below, quantile))


def blocked(counts: Matrix) -> Blocked:
    """The design effect of cells that are counted by day, each of them with rows."""
    sizes, now = counts.sum(axis=1), counts.sum(axis=0)
    rows, days = int(sizes.sum()), len(counts)
    seen = now > 0
    share = now[seen] / max(rows, 1)
    cells = int(seen.sum())
    if cells < 2 or days < 2:
        return Blocked(1.0, max(cells - 1.0, 1.0), days)
    apart = (counts[:, seen] - sizes[:, None] * share) / np.sqrt(share)
    gram = apart @ apart.T * (days / ((days - 1) * rows))  # its eigenvalues are those of the cells, and it is smaller
    trace, square, free = float(np.trace(gram)), float((gram * gram).sum()), days - 1
    # the mean of a square of few days' variances is too large: without its bias, under normal errors
    square = free**2 / ((free - 1) * (free + 2)) * (square - trace**2 / free) if free > 1 else square
    freedom = trace**2 / max(square, trace**2 / (cells - 1)) if trace > 0 else cells - 1.0
    return Blocked(max(1.0, trace / (cells - 1)), min(max(freedom, 1.0), cells - 1.0), days)


def inflation(scores: FloatArray, counts: Matrix) -> float:
    """Design effect of the mean of a score that every cell has, shape (cells,); at least 1."""
    sizes, now = counts.sum(axis=1), counts.sum(axis=0)
    rows, days = int(sizes.sum()), len(counts)
    if days < 2 or rows < 2:
        return 1.0
    mean = float((now * scores).sum()) / rows
    variance = float((now * (scores - mean) ** 2).sum()) / rows
    apart = counts @ scores - sizes * mean
    return _ratio(float((apart**2).sum()) * days / (days - 1), rows * variance)


def inflation_of_mean(days: Sequence[Moments]) -> float:
    """Design effect of the mean of values whose moments are known by day; at least 1."""
    with_rows = [one for one in days if one.count]
    if len(with_rows) < 2:
        return 1.0
    together = with_rows[0]
    for one in with_rows[1:]:
        together = together + one
    apart = sum((one.count * (one.mean - together.mean)) ** 2 for one in with_rows)
    return _ratio(apart * len(with_rows) / (len(with_rows) - 1), together.count * together.variance)


def _ratio(seen: float, independent: float) -> float:
    return max(1.0, seen / independent) if independent > 0 else 1.0


def two_sided(z: float, days: int) -> float:
    """p-value of a standardised difference whose error was estimated from days."""
    from scipy.special import stdtr

    return 2 * float(stdtr(days - 1, -abs(z)))


def half_width(days: int) -> float:
    """Of a 95 % interval, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(days - 1, 0.975))


def share_by_day(before: int, rows: int, events: Sequence[int], sizes: Sequence[int]) -> float:
    """p-value of a share in a reference of rows and in days being one."""
    counts = np.array([events, np.subtract(sizes, events)], dtype=np.int64).T
    now, current = int(counts[:, 0].sum()), int(counts.sum())
    share = (before + now) / max(rows + current, 1)
    variance = share * (1 - share) * (1 / max(rows, 1) + 1 / max(current, 1))
    if not rows or not current or variance <= 0:
        return 1.0
    effect = inflation(np.array([1.0, 0.0]), counts)
    z = (now / current - before / rows) / math.sqrt(variance * effect)
    return two_sided(z, len(counts))


def pair_inflation(counts: Matrix) -> FloatArray:
    """Design effect of the dependence of pairs of columns, beyond their margins of the day, shape (pairs,).

    Parameters
    ----------
    counts : int array, shape (days, pairs, cells * cells)
    """
    days, pairs, size = counts.shape
    side = math.isqrt(size)
    tables = counts.reshape(days, pairs, side, side).astype(np.float64)
    total = tables.sum(axis=0)
    rows = np.maximum(total.sum(axis=(1, 2), keepdims=True), 1.0)
    share, left, right = total / rows, total.sum(axis=2, keepdims=True) / rows, total.sum(axis=1, keepdims=True) / rows
    sizes = tables.sum(axis=(2, 3), keepdims=True)
    margins = (tables.sum(axis=3, keepdims=True) - sizes * left) * right
    margins = margins + (tables.sum(axis=2, keepdims=True) - sizes * right) * left
    apart = tables - sizes * share - margins
    alone = left * right
    seen = (apart**2).sum(axis=0) / np.where(alone > 0, alone, 1.0) * (days / (days - 1))
    free = np.maximum(((left > 0).sum(axis=(1, 2)) - 1) * ((right > 0).sum(axis=(1, 2)) - 1), 1)
    return np.asarray(np.maximum(1.0, (seen.sum(axis=(1, 2)) / rows[:, 0, 0]) / free))
