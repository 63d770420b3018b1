"""Whether a number has shifted, spread, or moved otherwise: tests on the ranks of its bins.

As `riskloop.watch.distances`, on counts of a reference and of current rows by the same bins in order, shape (k,).
Nothing depends on the values, so that a heavy tail cannot raise a false alarm; rows of one bin are tied, and ties count
exactly.
"""

from __future__ import annotations

import math

import numpy as np

from riskloop.costs import FloatArray
from riskloop.watch.distances import Counts

_STEPS = 60


def rank_tests(reference: Counts, current: Counts) -> tuple[float, float]:
    """p-values for a shift (van der Waerden, 1952) and for a change of spread (Klotz, 1962)."""
    from scipy.special import ndtr

    shift, spread = (rank_z(score, reference, current) for score in rank_scores(reference, current))
    return 2 * float(ndtr(-abs(shift))), 2 * float(ndtr(-abs(spread)))


def rank_scores(reference: Counts, current: Counts) -> tuple[FloatArray, FloatArray]:
    """For every bin the mean normal score of its ranks among all rows, and the mean of their squares.

    The scores of a bin lie between two quantiles of the normal distribution, and both means have a formula. They lose
    nothing where the column is normal, and elsewhere no more than a test of means does (Chernoff and Savage, 1958).
    """
    from scipy.special import ndtri

    together = (reference + current).astype(np.float64)
    total = max(float(together.sum()), 1.0)
    ends = np.concatenate([[0.0], np.cumsum(together) / total])
    inside = (ends > 0) & (ends < 1 - 0.5 / total)
    quantile = np.zeros(len(ends))
    quantile[inside] = ndtri(ends[inside])
    density = np.where(inside, np.exp(-(quantile**2) / 2) / math.sqrt(2 * math.pi), 0.0)
    share = np.where(together > 0, together / total, 1.0)
    first, second = -np.diff(density) / share, 1 - np.diff(quantile * density) / share
    return np.where(together > 0, first, 0.0), np.where(together > 0, second, 0.0)


def rank_z(score: FloatArray, reference: Counts, current: Counts) -> float:
    """The sum of the current rows' scores, standardised: given all rows, any of them could be the current ones."""
    together = reference + current
    total, n, m = int(together.sum()), int(reference.sum()), int(current.sum())
    if not n or not m or total < 3:
        return 0.0
    mean = float((together * score).sum()) / total
    variance = n * m / (total * (total - 1)) * float((together * (score - mean) ** 2).sum())
    return (float((current * score).sum()) - m * mean) / math.sqrt(variance) if variance > 0 else 0.0


def anderson_darling(reference: Counts, current: Counts) -> float:
    """p-value of one distribution, by squared differences of the distribution functions at the edges, tails no less.

    Each is divided by its variance (Anderson and Darling, 1952; of two samples Pettitt, 1976), and weighs as much as
    the rows beside its edge. It sees what lies between a shift and a shape, such as more rows at one value.
    """
    together = reference + current
    seen = together > 0
    before, now, share = reference[seen], current[seen], together[seen] / max(int(together.sum()), 1)
    n, m = int(before.sum()), int(now.sum())
    if not n or not m or len(share) < 2:
        return 1.0
    below = np.cumsum(share)[:-1]
    weight = (share[:-1] + share[1:]) / 2 / (below * (1 - below))
    apart = (np.cumsum(now)[:-1] / m - np.cumsum(before)[:-1] / n) ** 2 * (n * m / (n + m))
    root = np.sqrt(weight)
    bridge = np.minimum.outer(below, below) - np.outer(below, below)
    return beyond(float((weight * apart).sum()), np.linalg.eigvalsh(bridge * np.outer(root, root)))


def beyond(value: float, weights: FloatArray) -> float:
    """Chance that a weighted sum of squared normal numbers exceeds a value (Kuonen, 1999: saddlepoint)."""
    from scipy.special import chdtrc, ndtr

    weights = weights[weights > 1e-12 * weights.max(initial=0.0)]
    if value <= 0 or not len(weights):
        return 1.0
    if len(weights) == 1:
        return float(chdtrc(1, value / weights[0]))
    most = float(weights.max())
    at = (1 - most / value) / (2 * most)  # not below the solution: Newton's steps lead down to it
    for _ in range(_STEPS):
        scaled = weights / (1 - 2 * at * weights)
        step = (float(scaled.sum()) - value) / (2 * float((scaled**2).sum()))
        at -= step
        if abs(step) <= 1e-12 * (abs(at) + 1 / most):
            break
    scaled = weights / (1 - 2 * at * weights)
    cumulant, curvature = -0.5 * float(np.log1p(-2 * at * weights).sum()), 2 * float((scaled**2).sum())
    w, v = math.copysign(math.sqrt(max(0.0, 2 * (at * value - cumulant))), at), at * math.sqrt(curvature)
    if abs(w) < 1e-3:  # at the mean, where the formula below is 0 / 0
        return 0.5 - float((8 * weights**3).sum()) / (6 * math.sqrt(2 * math.pi) * math.pow(curvature, 1.5))
    return min(1.0, max(0.0, float(ndtr(-w - math.log(v / w) / w))))
