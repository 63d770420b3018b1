"""Ranking: rows in the order of their score, from which every threshold-free metric is a few cumulative sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray

BINS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Rows sorted by score, the highest first, with equal scores in one group.

    Attributes
    ----------
    order : array of int, shape (n,)
        Positions of the rows in the caller's order.
    positive : array of float, shape (n,)
        1 for a positive, sorted.
    last : array of int, shape (groups,)
        Position of the last row of every group of equal scores.
    score : array of float, shape (groups,)
        The score of every group, strictly decreasing.
    """

    order: NDArray[np.intp]
    positive: FloatArray
    last: NDArray[np.intp]
    score: FloatArray

    @classmethod
    def of(cls, outcome: BoolArray, score: FloatArray) -> Self:
        """Sort n outcomes by score, the highest first."""
        order = np.argsort(-score, kind="stable")
        ranked = score[order]
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        return cls(order, outcome[order].astype(np.float64), last, ranked[last])

    def counted(self, weight: FloatArray) -> Counted:
        """Cumulative weights of positives and negatives at the end of every group; ``weight`` in sorted order."""
        tp = np.cumsum(weight * self.positive)[self.last]
        acted = np.cumsum(weight)[self.last]
        return Counted(self.score, _from_zero(tp), _from_zero(acted))


def _from_zero(values: NDArray[np.generic]) -> FloatArray:
    return np.concatenate(([0.0], values))


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """True positives and rows acted on, shape (groups + 1,), as the threshold falls from above every score."""

    score: FloatArray
    tp: FloatArray
    acted: FloatArray

    @property
    def fp(self) -> FloatArray:
        return self.acted - self.tp

    @property
    def positives(self) -> float:
        return float(self.tp[-1])

    @property
    def negatives(self) -> float:
        return float(self.acted[-1] - self.tp[-1])

    def roc_auc(self) -> float:
        """Area under the ROC curve; a tie counts one half (Hanley and McNeil, 1982)."""
        area = (np.diff(self.fp) * (self.tp[1:] + self.tp[:-1])).sum() / 2
        return ratio(float(area), self.positives * self.negatives)

    def average_precision(self) -> float:
        """PR-AUC as the mean precision over positives, without interpolation (as scikit-learn defines it)."""
        precision = self.tp[1:] / np.maximum(self.acted[1:], 1e-300)
        return ratio(float((np.diff(self.tp) * precision).sum()), self.positives)

    def ks(self) -> float:
        """Kolmogorov-Smirnov distance between the scores of positives and negatives."""
        gap = np.abs(self.tp * self.acted[-1] - self.acted * self.positives).max()
        return ratio(float(gap), self.positives * self.negatives)

    def lift(self, share: float) -> float:
        """Positive rate among the ``share`` of highest scores, over the positive rate; ties are shared out evenly."""
        found = float(np.interp(share * self.acted[-1], self.acted, self.tp))
        return ratio(found, share * self.positives)

    def calibration_error(self, bins: int = BINS) -> float:
        """Expected calibration error over bins of equal mass; equal scores stay in one bin (Naeini et al., 2015)."""
        _, expected, observed = self.binned(bins)
        return ratio(float(np.abs(expected - observed).sum()), float(self.acted[-1]))

    def binned(self, bins: int = BINS) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mass, summed score and summed positives of every bin, each of shape (bins,), the highest scores first."""
        mass = np.diff(self.acted)
        middle = self.acted[1:] - mass / 2
        inner = np.searchsorted(middle, self.acted[-1] * np.arange(1, bins) / bins)
        edges = np.concatenate(([0], inner, [len(middle)]))
        summed = _from_zero(np.cumsum(mass * self.score))
        return np.diff(self.acted[edges]), np.diff(summed[edges]), np.diff(self.tp[edges])


def ratio(part: float, whole: float) -> float:
    """``part / whole``, NaN where the whole is nothing."""
    return float(part / whole) if whole else math.nan
