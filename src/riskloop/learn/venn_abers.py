"""Venn-Abers: the interval on a probability, learnt from rows that the model had not seen."""

from __future__ import annotations

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.scorer.interval import VennAbers

MOST_ROWS = 50_000
"""Calibration rows; with more, ends are a hundredth of a percentage point apart anyway."""
MOST_KNOTS = 500
_FINEST = 1e-4
_COARSER = 1.25

Point = tuple[float, float]


def fit_venn_abers(probability: FloatArray, outcome: BoolArray, *, seed: int) -> VennAbers:
    """Learn the interval of a calibrated probability.

    Inductive Venn-Abers (Vovk and Petej, 2014), for every calibration row at once by moving one extra row through the
    cumulative sum diagram (Vovk, Petej and Fedorova, 2015). The steps are then thinned to at most 500 knots; what lies
    between two knots gets the low end of the one below and the high end of the one above, so that thinning only
    widens. The calibration rows are scored out of fold and the customers by the model refitted on all rows: the
    guarantee is that of cross-fitting, good and not exact; and it is one for customers like those of the training.

    Parameters
    ----------
    probability : float array, shape (n,)
        Calibrated, from log-odds out of fold.
    outcome : bool array, shape (n,)
    seed : int
        Of the rows taken where there are more than 50,000.
    """
    if len(outcome) > MOST_ROWS:
        taken = np.random.default_rng(seed).permutation(len(outcome))[:MOST_ROWS]
        probability, outcome = probability[taken], outcome[taken]
    knots, group = np.unique(probability, return_inverse=True)
    rows = np.bincount(group).astype(np.float64)
    positives = np.bincount(group, weights=outcome).astype(np.float64)
    high = with_one_positive(rows, positives)
    low = 1 - with_one_positive(rows[::-1], (rows - positives)[::-1])[::-1]
    low = np.clip(np.minimum(low, high), 0, 1)
    kept = _thinned(low, high)
    return VennAbers(tuple(knots[kept].tolist()), tuple(low[kept].tolist()), tuple(high[kept].tolist()))


def with_one_positive(rows: FloatArray, positives: FloatArray) -> FloatArray:
    """Isotonic regression at each of k scores with one more positive there, shape (k,), in linear time.

    Parameters
    ----------
    rows, positives : float array, shape (k,)
        Weights at the scores, the lowest first.
    """
    diagram = list(zip(np.cumsum(rows).tolist(), np.cumsum(positives).tolist(), strict=True))
    hull: list[Point] = []
    for corner in [(-1.0, -1.0), (0.0, 0.0), *diagram]:
        _push(hull, corner, 1.0)
    hull.reverse()  # the lowest scores on top
    fitted = np.empty(len(diagram))
    first, before = (-1.0, -1.0), (0.0, 0.0)
    for place, here in enumerate(diagram):
        fitted[place] = _slope(hull[-1], hull[-2])
        # The extra row moves past this score: the corner between them slides along the diagram.
        first, before = (first[0] + here[0] - before[0], first[1] + here[1] - before[1]), here
        if _turn(hull[-1], first, hull[-2]) > 0:
            hull.pop()
            _push(hull, first, -1.0)
    return np.clip(np.maximum.accumulate(fitted), 0, 1)


def _push(hull: list[Point], corner: Point, side: float) -> None:
    """Add a corner to a greatest convex minorant, from the left (side 1) or from the right (-1)."""
    while len(hull) > 1 and side * _turn(hull[-2], hull[-1], corner) <= 0:
        hull.pop()
    hull.append(corner)


def _turn(a: Point, b: Point, c: Point) -> float:
    """Positive where the way from a over b to c turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _slope(a: Point, b: Point) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])


def _thinned(low: FloatArray, high: FloatArray) -> list[int]:
    """Places of the knots to keep: the finest steps, on a scale where noise is even, that need no more than 500."""
    scaled = np.arcsin(np.sqrt(low)), np.arcsin(np.sqrt(high))
    step = _FINEST
    while len(kept := _steps(*scaled, step)) > MOST_KNOTS:
        step *= _COARSER
    return kept


def _steps(low: FloatArray, high: FloatArray, step: float) -> list[int]:
    kept, last = [0], len(low) - 1
    while kept[-1] < last and len(kept) <= MOST_KNOTS:
        here = kept[-1]
        further = min(np.searchsorted(ends, ends[here] + step, side="right") - 1 for ends in (low, high))
        kept.append(min(max(int(further), here + 1), last))
    return kept
