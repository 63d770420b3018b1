"""Metrics of a model and its decisions, each with a bootstrap interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.errors import DataError
from riskloop.learn.evaluation.calibration import CalibrationLine, weighted_sums
from riskloop.learn.evaluation.intervals import Interval, percentile
from riskloop.learn.evaluation.ranking import Ranking, ratio

COMPOSITE = {"roc_auc": 0.35, "f1": 0.30, "recall": 0.25, "precision": 0.10}
"""Weights of the composite score."""

ROWS_DRAWN = 100_000_000
"""The bootstrap of a very large table stops at so many rows."""

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many decisions were right and wrong, in rows."""

    tp: int
    fp: int
    fn: int
    tn: int

    @classmethod
    def of(cls, outcome: BoolArray, act: BoolArray) -> Confusion:
        """Count n outcomes and decisions."""
        tp, acted, positives = int((outcome & act).sum()), int(act.sum()), int(outcome.sum())
        return cls(tp, acted - tp, positives - tp, len(outcome) - acted - positives + tp)

    @property
    def f1(self) -> float:
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model and its decisions achieved on rows they had not seen.

    Attributes
    ----------
    metrics : dict of Interval
        ``accuracy``, ``precision``, ``recall``, ``f1``, ``roc_auc``, ``pr_auc``, ``brier``, ``log_loss``, ``ks``,
        ``gini``, ``lift_10``, ``calibration_error``, ``calibration_slope``, ``calibration_intercept``,
        ``cost_per_thousand`` (currency per 1,000 customers), ``act_rate``, ``composite``. The value is NaN where a
        metric is not defined.
    n, positives : int
        Rows.
    level : float
        Confidence level of the intervals.
    resamples : int
        Bootstrap resamples behind them.
    """

    metrics: dict[str, Interval]
    n: int
    positives: int
    confusion: Confusion
    level: float
    resamples: int

    @property
    def prevalence(self) -> float:
        return self.positives / self.n

    def __getitem__(self, metric: str) -> Interval:
        return self.metrics[metric]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not defined is None."""
        return {
            "metrics": {name: interval.to_dict() for name, interval in self.metrics.items()},
            "n": self.n,
            "positives": self.positives,
            "prevalence": self.prevalence,
            "confusion": asdict(self.confusion),
            "level": self.level,
            "resamples": self.resamples,
        }


def evaluate(
    outcome: BoolArray,
    probability: FloatArray,
    act: BoolArray,
    costs: Costs,
    *,
    seed: int,
    resamples: int = 500,
    level: float = 0.95,
    cost: FloatArray | None = None,
) -> Evaluation:
    """Measure probabilities and the decisions made with them.

    Intervals are percentile bootstrap intervals over rows (Efron, 1979): all metrics see the same resamples. Precision
    is not defined when nobody is acted on, and then counts 0 in the composite. The calibration error is never
    negative, so its bootstrap draws lie above the value when calibration is good. The calibration line is refitted in
    one Newton step per resample (Kline and Santos, 2012). Above 200,000 rows, where intervals are narrow, resamples are
    fewer: 100 million rows are drawn in all, but never less than 200 resamples.

    Parameters
    ----------
    outcome, act : array of bool, shape (n,)
        True for a positive; True where the policy acts.
    probability : array of float, shape (n,)
        Of the positive class, in [0, 1].
    costs : Costs
        Prices the decisions.
    seed : int
        Of the resamples.
    cost : float array, shape (n,), optional
        Of every decision, where some are neither to act nor to leave alone.

    Raises
    ------
    DataError
        If there are no rows, the shapes differ, or a probability is not in [0, 1].
    """
    _check(outcome, probability, act)
    n = len(outcome)
    resamples = min(resamples, max(200, ROWS_DRAWN // n))
    sample = _Sample.of(outcome, probability, act, costs.each(outcome, act) if cost is None else cost)
    values = sample.measure(np.ones(n))
    draws = [sample.measure(weight) for weight in bootstrap_weights(n, seed=seed, resamples=resamples)]
    return Evaluation(
        metrics={
            name: percentile(value, np.array([draw[name] for draw in draws]), level) for name, value in values.items()
        },
        n=n,
        positives=int(outcome.sum()),
        confusion=Confusion.of(outcome, act),
        level=level,
        resamples=resamples,
    )


def bootstrap_weights(n: int, *, seed: int, resamples: int) -> Iterator[FloatArray]:
    """How often each of n rows is drawn, one array of shape (n,) per resample."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(rng.integers(0, n, n, dtype=np.int32), minlength=n).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Rows prepared once, so that a resample costs two cumulative sums and one matrix product."""

    ranking: Ranking
    line: CalibrationLine
    terms: FloatArray  # (6, n) in the order of the ranking: whatever is a plain mean over rows

    @classmethod
    def of(cls, outcome: BoolArray, probability: FloatArray, act: BoolArray, cost: FloatArray) -> _Sample:
        ranking = Ranking.of(outcome, probability)
        terms = (
            outcome & act,
            act,
            outcome,
            (probability - outcome) ** 2,
            log_loss(outcome, probability),
            cost,
        )
        line = CalibrationLine.of(outcome[ranking.order], probability[ranking.order])
        return cls(ranking, line, np.array([term[ranking.order] for term in terms], dtype=np.float64))

    def measure(self, weight: FloatArray) -> dict[str, float]:
        n = float(weight.sum())
        tp, acted, positives, brier, loss, cost = (float(total) for total in weighted_sums(self.terms, weight))
        counted = self.ranking.counted(weight)
        slope, intercept = self.line.refitted(weight)
        auc = counted.roc_auc()
        metrics = {
            "accuracy": (n - acted - positives + 2 * tp) / n,
            "precision": ratio(tp, acted),
            "recall": ratio(tp, positives),
            "f1": ratio(2 * tp, acted + positives),
            "roc_auc": auc,
            "pr_auc": counted.average_precision(),
            "brier": brier / n,
            "log_loss": loss / n,
            "ks": counted.ks(),
            "gini": 2 * auc - 1,
            "lift_10": counted.lift(0.1),
            "calibration_error": counted.calibration_error(),
            "calibration_slope": slope,
            "calibration_intercept": intercept,
            "cost_per_thousand": cost / n * 1000,
            "act_rate": acted / n,
        }
        return metrics | {"composite": composite(metrics)}


def composite(metrics: dict[str, float]) -> float:
    """Weighted sum of ROC-AUC, F1, recall and precision; acting on nobody has precision 0."""
    counts = metrics | {"precision": 0.0 if math.isnan(metrics["precision"]) else metrics["precision"]}
    return sum(weight * counts[name] for name, weight in COMPOSITE.items())


def log_loss(outcome: BoolArray, probability: FloatArray) -> FloatArray:
    """Minus the log-likelihood of every row, shape (n,), in nats; finite even at 0 and 1."""
    likelihood = np.where(outcome, probability, 1 - probability)
    return np.asarray(-np.log(np.clip(likelihood, _EPSILON, 1 - _EPSILON)))


def _check(outcome: BoolArray, probability: FloatArray, act: BoolArray) -> None:
    if not len(outcome) or not outcome.shape == probability.shape == act.shape:
        raise DataError(
            f"An evaluation needs rows, as many outcomes as probabilities and decisions "
            f"(got {len(outcome)}, {len(probability)}, {len(act)}).",
            where="evaluation",
            next_step="pass arrays of the same length",
        )
    if not ((probability >= 0) & (probability <= 1)).all():
        raise DataError(
            "A probability is missing or outside [0, 1].",
            where="evaluation",
            next_step="pass probabilities, not log-odds or scores",
        )
