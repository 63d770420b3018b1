"""How far two counted distributions are apart, and how likely that is by chance: on counts, never on rows.

Each function takes the counts of a reference and of current rows by the same cells, shape (k,). On rows that take only
values at edges they equal SciPy's on the rows themselves; else they see what lies between edges as one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import FloatArray

Counts = NDArray[np.int64]
_SMALLEST = 1e-300


def pooled(reference: Counts, current: Counts, least: float, *, ordered: bool) -> tuple[Counts, Counts]:
    """Cells put together until each holds so many rows of the smaller sample, in expectation.

    Neighbours where the cells are ``ordered``; the rarest with each other otherwise.
    """
    group = grouping(reference, current, least, ordered=ordered)
    return summed(group, reference), summed(group, current)


def grouping(reference: Counts, current: Counts, least: float, *, ordered: bool) -> Counts:
    """To which of the cells that are put together each cell goes, shape (k,); see `pooled`."""
    together = reference + current
    total = int(together.sum())
    if not total:
        return together[:0]
    expected = together * (min(int(reference.sum()), int(current.sum())) / total)
    group, held = np.zeros(len(together), dtype=np.int64), 0.0
    order = np.arange(len(together)) if ordered else np.argsort(expected, kind="stable")
    number = 0
    for cell in order:
        if held >= least:
            number, held = number + 1, 0.0
        group[cell] = number
        held += float(expected[cell])
    if held < least and number:
        group[group == number] = number - 1
    return group


def summed(group: Counts, counts: Counts) -> Counts:
    """Counts by group; of no group, none."""
    if not len(group):
        return counts[:0]
    return np.bincount(group, weights=counts, minlength=int(group.max()) + 1).astype(np.int64)


def shares(counts: Counts, smoothing: float = 0.0) -> FloatArray:
    """Of the whole, with so many rows added to every cell."""
    return np.asarray((counts + smoothing) / max(counts.sum() + smoothing * len(counts), 1e-12))


def psi(reference: Counts, current: Counts) -> float:
    """Population stability index, with half a row in every cell so that an empty one has a logarithm."""
    p, q = shares(reference, 0.5), shares(current, 0.5)
    return float(((q - p) * np.log(q / p)).sum())


def psi_by_chance(cells: int, reference: int, current: int, quantile: float | None = None) -> float:
    """PSI of samples of these sizes from one distribution: its mean, or a quantile.

    PSI is then the chi-square statistic of the two samples, times (1/n + 1/m), to first order (Yurdakul, 2018).
    """
    from scipy.special import chdtri

    scale = 1 / max(reference, 1) + 1 / max(current, 1)
    if cells < 2:
        return 0.0
    return scale * (cells - 1 if quantile is None else float(chdtri(cells - 1, 1 - quantile)))


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """Distance in [0, 1]: the square root of the divergence to base 2 (Lin, 1991)."""
    p, q = shares(reference), shares(current)
    middle = (p + q) / 2
    return math.sqrt(max(0.0, (_divergence(p, middle) + _divergence(q, middle)) / 2))


def _divergence(p: FloatArray, q: FloatArray) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())


def chi_square(reference: Counts, current: Counts) -> tuple[float, int, float]:
    """Homogeneity of two samples (Pearson): statistic, degrees of freedom, p-value."""
    from scipy.special import chdtrc

    both = np.array([reference, current], dtype=np.float64)
    both = both[:, both.sum(axis=0) > 0]
    if both.shape[1] < 2 or not both.sum(axis=1).all():
        return 0.0, 0, 1.0
    expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0) / both.sum()
    statistic, freedom = float(((both - expected) ** 2 / expected).sum()), both.shape[1] - 1
    return statistic, freedom, float(chdtrc(freedom, statistic))


def kolmogorov_smirnov(reference: Counts, current: Counts) -> tuple[float, float]:
    """Largest difference of the distribution functions at the edges, and its p-value.

    Never above the statistic of the rows, and below it by at most the share of the largest bin: the p-value is on the
    safe side.
    """
    from scipy.special import kolmogorov

    n, m = int(reference.sum()), int(current.sum())
    if not n or not m:
        return 0.0, 1.0
    statistic = float(np.abs(np.cumsum(reference) / n - np.cumsum(current) / m).max())
    return statistic, float(kolmogorov(statistic * math.sqrt(n * m / (n + m))))


def wasserstein(
    reference: Counts, current: Counts, edges: FloatArray, low: float, high: float, shift: float | None = None
) -> float:
    """Area between the distribution functions, in units of the column, as if rows lay evenly within a bin.

    The signed area is the ``shift`` of the mean. Where that is known, it tells what the two open ends hold, of which
    bins know least; if the distribution functions do not cross at the edges, the distance is the shift itself.
    """
    n, m = int(reference.sum()), int(current.sum())
    if not n or not m or not high > low:
        return 0.0
    inside = (edges > low) & (edges < high)
    difference = np.cumsum(reference)[:-1] / n - np.cumsum(current)[:-1] / m
    at = np.concatenate([[low], edges[inside], [high]])
    gap = np.concatenate([[0.0], difference[inside], [0.0]])
    left, right, width = gap[:-1], gap[1:], np.diff(at)
    size = np.abs(left) + np.abs(right)
    crossing = (left * right < 0) & (size > 0)
    area = np.where(crossing, (left**2 + right**2) / np.where(size > 0, size, 1.0), size) / 2 * width
    if shift is not None and (gap.min() >= 0 or gap.max() <= 0):
        return abs(shift)
    if shift is None or gap[1] * gap[-2] < 0:  # ends that pull in opposite ways hide each other in the mean
        return float(area.sum())
    signed = (left + right) / 2 * width
    return float(area[1:-1].sum()) + abs(shift - float(signed[1:-1].sum()))


def rank_tests(reference: Counts, current: Counts) -> tuple[float, float]:
    """p-values for a shift (Wilcoxon, 1945) and for a change of spread (Mood, 1954), ties counted exactly.

    On the ranks of the bins: a heavy tail cannot raise a false alarm.
    """
    from scipy.special import ndtr

    shift, spread = rank_scores(reference, current)
    return tuple(2 * float(ndtr(-abs(rank_z(score, reference, current)))) for score in (shift, spread))  # type: ignore[return-value]


def rank_scores(reference: Counts, current: Counts) -> tuple[FloatArray, FloatArray]:
    """For every bin its mean rank among all rows, and the square of its distance to the middle one."""
    together = reference + current
    rank = np.cumsum(together) - together + (together + 1) / 2
    return rank, (rank - (together.sum() + 1) / 2) ** 2


def rank_z(score: FloatArray, reference: Counts, current: Counts) -> float:
    """The sum of the current rows' scores, standardised: given all rows, any of them could be the current ones."""
    together = reference + current
    total, n, m = int(together.sum()), int(reference.sum()), int(current.sum())
    if not n or not m or total < 3:
        return 0.0
    mean = float((together * score).sum()) / total
    variance = n * m / (total * (total - 1)) * float((together * (score - mean) ** 2).sum())
    return (float((current * score).sum()) - m * mean) / math.sqrt(variance) if variance > 0 else 0.0


def share_test(reference: int, rows: int, current: int, current_rows: int) -> float:
    """p-value of two shares being one, given how many there are in all; exact for rare events, small samples or not."""
    from scipy.special import bdtr, bdtrc

    events, all_rows = reference + current, rows + current_rows
    if not events or not rows or not current_rows:
        return 1.0
    if 2 * events > all_rows:  # ask about the rest, which is rarer
        return share_test(rows - reference, rows, current_rows - current, current_rows)
    chance = current_rows / all_rows
    below = float(bdtr(current, events, chance))
    above = float(bdtrc(current - 1, events, chance)) if current else 1.0
    return min(1.0, 2 * min(below, above))


def combined(p_values: Iterable[float]) -> float:
    """One p-value of several tests of the same rows, however they hang together (Liu and Xie, 2020: Cauchy)."""
    # a p-value of 1, which exact and conservative tests give often, must not silence the others
    many = [min(max(p, _SMALLEST), 0.99) for p in p_values]
    if not many:
        return 1.0
    # tan((1/2 - p) pi) is 1 / (p pi) for small p, where the difference would be lost
    terms = [1 / (p * math.pi) if p < 1e-12 else math.tan((0.5 - p) * math.pi) for p in many]
    mean = sum(terms) / len(terms)
    return 1 / (mean * math.pi) if mean > 1e12 else 0.5 - math.atan(mean) / math.pi


def benjamini_hochberg(p_values: FloatArray) -> FloatArray:
    """Adjusted p-values: at or below a level, that is the expected share of false ones among them."""
    count = len(p_values)
    order = np.argsort(p_values)[::-1]
    scaled = p_values[order] * count / np.arange(count, 0, -1)
    adjusted = np.empty(count)
    adjusted[order] = np.minimum.accumulate(np.minimum(scaled, 1.0))
    return adjusted
