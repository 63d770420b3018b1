"""Expected performance of a tally before its outcomes are known: plain, or with a calibration moved along (CBPE)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import FloatArray
from riskloop.intervals import Z95, Interval
from riskloop.watch.performance import Estimated
from riskloop.watch.recalibration import Recalibration
from riskloop.watch.tally import Tally

_NAN = (math.nan, math.nan)


def expect(tally: Tally, recalibration: Recalibration | None = None) -> Estimated:
    """What is to be expected of the decisions of a tally, outcomes known or not.

    The same as `riskloop.watch.performance.estimate`, from counts. With a recalibration, the probabilities of outcomes
    are moved, never the decisions; its bootstrap variance is added to that of the outcomes.
    """
    cells = _Cells.of(tally)
    told = cells.probability if recalibration is None else recalibration.apply(cells.probability)
    found = cells.measure(told)
    variance = {name: error**2 for name, (_, error) in found.items()}
    if recalibration is not None:
        drawn = [cells.measure(recalibration.apply(cells.probability, at)) for at in range(len(recalibration.draws))]
        for name in variance:
            values = np.array([one[name][0] for one in drawn])
            variance[name] += float(values.var()) if np.isfinite(values).all() else math.nan
    metrics = {}
    for name, (value, _) in found.items():
        half = Z95 * math.sqrt(variance[name]) if math.isfinite(variance[name]) else math.nan
        low, high = value - half, value + half
        bounded = name != "cost_per_thousand"
        metrics[name] = Interval(value, max(0.0, low), min(1.0, high)) if bounded else Interval(value, low, high)
    return Estimated(tally.rows, metrics, cells.confusion(told))


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The cells that hold rows, shape (k,)."""

    rows: FloatArray
    probability: FloatArray
    act: FloatArray
    level: NDArray[np.int64]  # cells of the same log-odds, acted on or not, share a number
    costs: tuple[FloatArray, FloatArray, FloatArray, FloatArray]  # sums and sums of squares, if positive and if not

    @classmethod
    def of(cls, tally: Tally) -> _Cells:
        counts = tally.counts
        act, level = np.nonzero(counts.rows)
        level = level.astype(np.int64)
        rows = counts.rows[act, level]
        costs = (
            counts.if_positive[act, level],
            counts.if_negative[act, level],
            counts.if_positive_squared[act, level],
            counts.if_negative_squared[act, level],
        )
        return cls(rows, counts.probability[act, level] / rows, act.astype(np.float64), level, costs)

    def measure(self, p: FloatArray) -> dict[str, tuple[float, float]]:
        """Each metric with the standard error that the outcomes alone give it."""
        act, one = self.act, np.ones_like(p)
        nothing = 0 * one
        return {
            "prevalence": self._ratio(p, (one, nothing), (one, one)),
            "act_rate": self._ratio(p, (act, act), (one, one)),
            "accuracy": self._ratio(p, (act, 1 - act), (one, one)),
            "precision": self._ratio(p, (act, nothing), (act, act)),
            "recall": self._ratio(p, (act, nothing), (one, nothing)),
            "f1": self._ratio(p, (2 * act, nothing), (act + 1, act)),
            "roc_auc": self._roc_auc(p),
            "cost_per_thousand": self._cost(p),
        }

    def _ratio(
        self, p: FloatArray, over: tuple[FloatArray, FloatArray], under: tuple[FloatArray, FloatArray]
    ) -> tuple[float, float]:
        good, bad = self.rows * p, self.rows * (1 - p)
        whole = float((good * under[0] + bad * under[1]).sum())
        if not whole:
            return _NAN
        value = float((good * over[0] + bad * over[1]).sum()) / whole
        square = good * (over[0] - value * under[0]) ** 2 + bad * (over[1] - value * under[1]) ** 2
        return value, math.sqrt(float(square.sum())) / whole

    def _cost(self, p: FloatArray) -> tuple[float, float]:
        n = float(self.rows.sum())
        if not n:
            return _NAN
        good, bad, good_squared, bad_squared = self.costs
        value = float((p * good + (1 - p) * bad).sum()) / n
        square = p * (good_squared - 2 * value * good) + (1 - p) * (bad_squared - 2 * value * bad)
        variance = max(0.0, float(square.sum()) + n * value**2)
        return value * 1000, math.sqrt(variance) / n * 1000

    def _roc_auc(self, p: FloatArray) -> tuple[float, float]:
        good, bad = self.rows * p, self.rows * (1 - p)
        positives, negatives = float(good.sum()), float(bad.sum())
        if not positives or not negatives:
            return _NAN
        levels, group = np.unique(self.level, return_inverse=True)
        of_good = np.bincount(group, good, len(levels)) / positives
        of_bad = np.bincount(group, bad, len(levels)) / negatives
        below = (np.cumsum(of_bad) - of_bad / 2)[group]
        above = (1 - np.cumsum(of_good) + of_good / 2)[group]
        value = float((good * below).sum()) / positives
        square = good * ((below - value) / positives) ** 2 + bad * ((above - value) / negatives) ** 2
        n = float(self.rows.sum())
        return value, math.sqrt(float(square.sum()) * n / max(n - 1, 1))

    def confusion(self, p: FloatArray) -> dict[str, float]:
        good, bad = self.rows * p, self.rows * (1 - p)
        return {
            "tp": float((good * self.act).sum()),
            "fp": float((bad * self.act).sum()),
            "fn": float((good * (1 - self.act)).sum()),
            "tn": float((bad * (1 - self.act)).sum()),
        }
