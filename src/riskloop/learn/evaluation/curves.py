"""Curves: what plots and reports draw, thinned to about 200 points."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import NEVER, BoolArray, Costs, FloatArray
from riskloop.decide.cuts import Cuts
from riskloop.learn.evaluation.intervals import finite
from riskloop.learn.evaluation.ranking import Counted, Ranking

POINTS = 200
BRIEF_POINTS = 60
SCORE_BINS = 20


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Customers whose probability lies in ``[low, high)``, the last bin includes 1, by what was decided about them."""

    low: float
    high: float
    tp: int
    fn: int
    fp: int
    tn: int


@dataclass(frozen=True, slots=True)
class Curves:
    """ROC, precision-recall and cost by threshold, as columns that share their points, from nobody to everybody.

    ``threshold`` falls from 2 (act on nobody) to the lowest score (act on everybody); acting means to reach it.
    ``precision`` is None where nobody is acted on, rates are None where there is no such class.
    ``cost_per_thousand`` is in currency per 1,000 customers; its lowest point is never thinned away.
    ``scores`` has twenty bins of equal width, rising.
    """

    threshold: list[float]
    fpr: list[float | None]
    recall: list[float | None]
    precision: list[float | None]
    act_rate: list[float]
    cost_per_thousand: list[float]
    scores: list[ScoreBin]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def brief(self) -> dict[str, Any]:
        """Enough to draw costs and decisions from, in about two kilobytes.

        ``cost``: at most 60 pairs of threshold and cost per 1,000 customers, six digits each, from nobody to everybody,
        with the cheapest. ``decided``: right and wrong decisions in twenty bins of equal width, as tp, fn, fp, tn.
        """
        last, best = len(self.threshold) - 1, int(np.argmin(self.cost_per_thousand))
        spaced = np.linspace(0, last, min(BRIEF_POINTS, last + 1) - 1).round().astype(int)
        kept = np.unique(np.append(spaced, [best, last])).tolist()
        return {
            "cost": [[_digits(self.threshold[at]), _digits(self.cost_per_thousand[at])] for at in kept],
            "decided": [[one.tp, one.fn, one.fp, one.tn] for one in self.scores],
        }


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def curves(outcome: BoolArray, probability: FloatArray, costs: Costs, act: BoolArray) -> Curves:
    """Every curve of n rows with these costs, and where the decisions of a policy are right and wrong."""
    counted = Ranking.of(outcome, probability).counted(np.ones(len(outcome)))
    positives, negatives, n = counted.positives, counted.negatives, len(outcome)
    cost = Cuts.of(outcome, probability).cost(costs) / n * 1000
    at = _thinned(counted, int(np.argmin(cost)))
    tp, fp = counted.tp[at], counted.fp[at]
    return Curves(
        threshold=np.append(NEVER, counted.score)[at].tolist(),
        fpr=_shares(fp, negatives),
        recall=_shares(tp, positives),
        precision=_shares(tp, tp + fp),
        act_rate=((tp + fp) / n).tolist(),
        cost_per_thousand=cost[at].tolist(),
        scores=_scores(outcome, probability, act),
    )


def _thinned(counted: Counted, keep: int) -> NDArray[np.intp]:
    """Points spaced evenly along the ROC curve, so that rare positives are drawn as finely as negatives."""
    length = counted.tp / max(counted.positives, 1) + counted.fp / max(counted.negatives, 1)
    if len(length) <= POINTS:
        return np.arange(len(length))
    spaced = np.searchsorted(length, np.linspace(0, length[-1], POINTS - 1))
    return np.unique(np.append(np.minimum(spaced, len(length) - 1), keep))


def _shares(part: FloatArray, whole: FloatArray | float) -> list[float | None]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return [finite(share) for share in part / whole]


def _scores(outcome: BoolArray, probability: FloatArray, act: BoolArray) -> list[ScoreBin]:
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    kinds = (outcome & act, outcome & ~act, ~outcome & act, ~outcome & ~act)
    counts = np.array([np.histogram(probability[rows], edges)[0] for rows in kinds]).T.tolist()
    return [ScoreBin(low, high, *bin_) for (low, high), bin_ in zip(pairwise(edges.tolist()), counts, strict=True)]
