"""Realised performance of decisions whose outcomes are known: every metric with its interval, in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from riskloop.costs import FloatArray
from riskloop.intervals import Z95, Interval, wilson
from riskloop.scorer.log_odds import logit
from riskloop.watch.recalibration import line
from riskloop.watch.tally import TINY, Tally

_BINS = 10
_POINTS = 40


@dataclass(frozen=True, slots=True)
class Realised:
    """What came of n decisions.

    Attributes
    ----------
    n, positives : int
        Rows whose outcome is known; those of them that turned out positive.
    metrics : mapping of str to Interval
        ``prevalence``, ``act_rate``, ``accuracy``, ``precision``, ``recall``, ``f1``, ``roc_auc``, ``pr_auc``,
        ``brier``, ``log_loss``, ``calibration_in_the_large`` (positives less what was expected, as a share of the
        rows), ``calibration_slope``, ``calibration_intercept``, ``calibration_error`` (without an interval) and
        ``cost_per_thousand``, each with its 95 % interval.
    confusion : mapping of str to int
        ``tp``, ``fp``, ``fn`` and ``tn``.
    roc : tuple of (float, float, float)
        Points of the ROC and the precision-recall curve: false-positive rate, recall, precision.
    calibration : tuple of mapping
        Bins of equal mass: ``rows``, ``expected`` and ``observed``, a share with its interval.
    """

    n: int
    positives: int
    metrics: Mapping[str, Interval]
    confusion: Mapping[str, int]
    roc: tuple[tuple[float, float, float], ...] = ()
    calibration: tuple[Mapping[str, Any], ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not defined is None."""
        return {
            "n": self.n,
            "positives": self.positives,
            "metrics": {name: one.to_dict() for name, one in self.metrics.items()},
            "confusion": dict(self.confusion),
            "roc": [list(point) for point in self.roc],
            "calibration": [{**one, "observed": one["observed"].to_dict()} for one in self.calibration],
        }


def realise(tally: Tally) -> Realised | None:
    """Performance on the rows whose outcome is known; None where there are none.

    Notes
    -----
    Shares have score intervals (Wilson, 1927). F1 is a share in disguise: 2J / (1 + J) of the share J of right ones
    among all who were acted on or should have been. The ROC-AUC has the variance of DeLong, DeLong and Clarke-Pearson
    (1988), as the score interval of a share with that variance, which stays in [0, 1] and has a width even where every
    pair is in order. The PR-AUC is a share of the positives (Boyd, Eng and Page, 2013). Means of losses and costs have
    intervals that know their skewness (Hall, 1992), the calibration line those of maximum likelihood.
    """
    n = tally.known
    if not n:
        return None
    counts = tally.counts
    positive, known = counts.positive, counts.known
    tp, acted, positives = float(positive[1].sum()), float(known[1].sum()), float(positive.sum())
    fp, fn = acted - tp, positives - tp
    tn = n - tp - fp - fn
    good, bad = positive.sum(axis=0), (known - positive).sum(axis=0)
    jaccard = wilson(tp, tp + fp + fn)
    f1 = [2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high)]
    told = counts.known_probability.sum(axis=0)
    expected = float(told.sum())
    mean = told / np.maximum(good + bad, 1)
    off = np.array([positives - expected, tally.moments.brier[0], (good * (1 - mean) ** 3 - bad * mean**3).sum()])
    metrics = {
        "prevalence": wilson(positives, n),
        "act_rate": wilson(acted, n),
        "accuracy": wilson(tp + tn, n),
        "precision": wilson(tp, acted),
        "recall": wilson(tp, positives),
        "f1": Interval(*f1),
        "roc_auc": _roc_auc(good, bad),
        "pr_auc": _pr_auc(good, bad),
        "brier": _mean(tally.moments.brier, n),
        "log_loss": _mean(tally.moments.log_loss, n),
        "calibration_in_the_large": _mean(off, n),
        **_line(tally),
        "calibration_error": Interval(_calibration_error(tally), math.nan, math.nan),
        "cost_per_thousand": _mean(tally.moments.cost, n, 1000),
    }
    return Realised(
        n=n,
        positives=int(positives),
        metrics=metrics,
        confusion={"tp": int(tp), "fp": int(fp), "fn": int(fn), "tn": int(tn)},
        roc=_curve(good, bad),
        calibration=_calibration(tally),
    )


def _mean(sums: FloatArray, n: int, times: float = 1.0) -> Interval:
    """Mean of a quantity from the sums of its first powers; costs are skewed: few errors, and dear ones."""
    mean = float(sums[0]) / n
    if n < 2:
        return Interval(mean * times, math.nan, math.nan)
    square = float(sums[1]) / n
    variance = max(0.0, square - mean**2)
    error = math.sqrt(variance / (n - 1))
    cube = float(sums[2]) / n - 3 * mean * square + 2 * mean**3
    skew = cube / variance**1.5 / math.sqrt(n) if variance else 0.0
    low, high = (mean - error * _unskewed(z, skew) for z in (Z95, -Z95))
    return Interval(mean * times, low * times, high * times)


def _unskewed(z: float, skew: float) -> float:
    """The quantile of a studentised mean whose skewness, over the root of n, is so much (Hall, 1992)."""
    if abs(skew) < 1e-6:
        return z
    return 3 / skew * (math.cbrt(1 + skew * (z - skew / 6)) - 1)


def _roc_auc(good: FloatArray, bad: FloatArray) -> Interval:
    positives, negatives = float(good.sum()), float(bad.sum())
    if not positives or not negatives:
        return Interval(math.nan, math.nan, math.nan)
    below = (np.cumsum(bad) - bad / 2) / negatives
    above = 1 - (np.cumsum(good) - good / 2) / positives
    value = float((good * below).sum()) / positives
    spread = 0.0
    for mass, placed, of in ((good, below, positives), (bad, above, negatives)):
        if of > 1:
            spread += float((mass * (placed - value) ** 2).sum()) / (of - 1) / of
    trials = value * (1 - value) / spread if spread else min(positives, negatives)
    trials = min(trials, positives * negatives) or min(positives, negatives)
    return wilson(value * trials, trials)


def _pr_auc(good: FloatArray, bad: FloatArray) -> Interval:
    positives = float(good.sum())
    if not positives:
        return Interval(math.nan, math.nan, math.nan)
    found, acted = np.cumsum(good[::-1]), np.cumsum((good + bad)[::-1])
    precision = found / np.maximum(acted, 1)
    value = float((good[::-1] * precision).sum()) / positives
    return wilson(value * positives, positives)


def _line(tally: Tally) -> dict[str, Interval]:
    """Slope 1 and intercept 0 where calibration is perfect (Cox, 1958)."""
    counts = tally.counts
    known = counts.known.sum(axis=0)
    seen = known > 0
    known, positive = known[seen], counts.positive.sum(axis=0)[seen]
    log_odds = logit(counts.known_probability.sum(axis=0)[seen] / known, TINY)
    found = line(log_odds, positive / known, known)
    if found is None:
        nothing = Interval(math.nan, math.nan, math.nan)
        return {"calibration_slope": nothing, "calibration_intercept": nothing}
    ends = [(at, at - Z95 * error, at + Z95 * error) for at, error in zip(found.at, found.errors, strict=True)]
    return {"calibration_slope": Interval(*ends[0]), "calibration_intercept": Interval(*ends[1])}


def _binned(tally: Tally) -> list[tuple[float, float, float]]:
    """Rows, expected and observed positives of bins of equal mass, the lowest probabilities first."""
    counts = tally.counts
    known = counts.known.sum(axis=0)
    middle = np.cumsum(known) - known / 2
    bin_ = np.minimum((middle * _BINS / known.sum()).astype(int), _BINS - 1)
    sums = [
        np.bincount(bin_, one.sum(axis=0), _BINS) for one in (counts.known, counts.known_probability, counts.positive)
    ]
    return [(rows, told, came) for rows, told, came in zip(*(one.tolist() for one in sums), strict=True) if rows]


def _calibration_error(tally: Tally) -> float:
    """Expected calibration error over ten bins of equal mass (Naeini et al., 2015)."""
    return sum(abs(told - came) for _, told, came in _binned(tally)) / tally.known


def _calibration(tally: Tally) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {"rows": int(rows), "expected": told / rows, "observed": wilson(came, rows)}
        for rows, told, came in _binned(tally)
    )


def _curve(good: FloatArray, bad: FloatArray) -> tuple[tuple[float, float, float], ...]:
    """From acting on nobody to acting on everybody, thinned evenly along the ROC curve."""
    positives, negatives = float(good.sum()), float(bad.sum())
    if not positives or not negatives:
        return ()
    tp, fp = np.cumsum(good[::-1]), np.cumsum(bad[::-1])
    far = (tp / positives + fp / negatives) / 2
    at = np.unique(np.searchsorted(far, np.linspace(far[far > 0][0], 1.0 - 1e-12, _POINTS)))
    rest = ((f / negatives, t / positives, t / (t + f)) for t, f in zip(tp[at].tolist(), fp[at].tolist(), strict=True))
    return ((0.0, 0.0, 1.0), *rest)
