"""Recalibration: the line from log-odds to outcomes, on rows that weigh differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.scorer.log_odds import logistic, logit
from riskloop.watch.tally import TINY

LEAST_ROWS = 200.0
LEAST_POSITIVES = 20.0
"""Effective reference rows, and positives among them, below which a calibration is not moved."""
LEAST_OVERLAP = 0.5
DRAWS = 200

_NEARLY_SINGULAR = 1e13
_HOLD = 1.0  # pull towards "as it is", worth about one row


class Line(NamedTuple):
    """Slope and intercept, and their standard errors."""

    at: tuple[float, float]
    errors: tuple[float, float]


def line(
    log_odds: FloatArray,
    target: FloatArray,
    weight: FloatArray,
    *,
    hold: float = 0.0,
) -> Line | None:
    """Logistic regression of outcomes on log-odds (Cox, 1958; Platt, 1999), by Newton's method.

    Parameters
    ----------
    log_odds, target, weight : float array, shape (n,)
        ``target`` is 0, 1, or a share of a cell.
    hold : float
        Strength of a pull towards slope 1 and intercept 0.

    Returns
    -------
    Line or None
        None where there is no finite optimum.
    """
    design = np.stack([log_odds, np.ones_like(log_odds)])
    home = np.array([1.0, 0.0])
    beta = home
    for _ in range(30):
        fitted = logistic(beta @ design)
        curvature = np.einsum("an,bn,n->ab", design, design, weight * fitted * (1 - fitted)) + hold * np.eye(2)
        if not np.isfinite(curvature).all() or np.linalg.cond(curvature) > _NEARLY_SINGULAR:
            return None
        gradient = np.einsum("an,n->a", design, weight * (target - fitted)) - hold * (beta - home)
        step = np.clip(np.linalg.solve(curvature, gradient), -2.0, 2.0)
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            errors = np.sqrt(np.diag(np.linalg.inv(curvature)))
            return Line((float(beta[0]), float(beta[1])), (float(errors[0]), float(errors[1])))
    return None


@dataclass(frozen=True, slots=True)
class Weights:
    """How much reference rows count for the current ones.

    Attributes
    ----------
    each : float array, shape (n,)
        Density of current rows over that of reference rows; 1 for all where they are alike.
    rows, positives : float
        Effective numbers (Kish, 1965): as many equal rows know as much.
    overlap : float
        Share of the current rows that have reference rows like them.
    """

    each: FloatArray
    rows: float
    positives: float
    overlap: float = 1.0

    @classmethod
    def of(cls, each: FloatArray, outcome: BoolArray, overlap: float = 1.0) -> Weights:
        """Weights of n rows, with the numbers of rows and of positives that they are worth (Kish, 1965)."""
        return cls(each, _effective(each), _effective(each[outcome]), overlap)

    @property
    def enough(self) -> bool:
        return min(self.rows / LEAST_ROWS, self.positives / LEAST_POSITIVES, self.overlap / LEAST_OVERLAP) >= 1


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A calibration moved to where the current rows are.

    Attributes
    ----------
    slope, intercept : float
        Of the new log-odds over the old ones; 1 and 0 leave them as they are.
    draws : float array, shape (draws, 2)
        The same, on bootstrap samples of the reference rows.
    """

    slope: float
    intercept: float
    draws: FloatArray

    def apply(self, probability: FloatArray, draw: int | None = None) -> FloatArray:
        """Probabilities, recalibrated; by the line of a bootstrap sample if named."""
        slope, intercept = (self.slope, self.intercept) if draw is None else self.draws[draw]
        return logistic(slope * logit(probability, TINY) + intercept)


def recalibrate(
    probability: FloatArray, outcome: BoolArray, weights: Weights, *, seed: int, draws: int = DRAWS
) -> Recalibration | None:
    """Fit the calibration line on weighted reference rows, and on bootstrap samples of them.

    A slope below 0 is taken as 0: that scores rank backwards is more than reference rows can promise of others.

    None where the reference rows cannot tell (too few count, or no line fits).
    """
    if not weights.enough:
        return None
    log_odds, target = logit(probability, TINY), outcome.astype(np.float64)
    each = weights.each * (weights.rows / weights.each.sum())
    found = line(log_odds, target, each, hold=_HOLD)
    if found is None:
        return None
    lines = _redrawn(found.at, log_odds, target, each, np.random.default_rng(seed), draws)
    slope, intercept = found.at
    if slope < 0:
        flat = float(logit(np.array([np.average(target, weights=each)]), TINY)[0])
        return Recalibration(0.0, flat, np.column_stack([np.zeros(draws), lines[:, 1] - intercept + flat]))
    return Recalibration(slope, intercept, np.maximum(lines, [0.0, -np.inf]))


def _redrawn(
    at: tuple[float, float],
    log_odds: FloatArray,
    target: FloatArray,
    weight: FloatArray,
    rng: np.random.Generator,
    draws: int,
) -> FloatArray:
    """Lines of bootstrap samples, shape (draws, 2): one Newton step from the whole (Kline and Santos, 2012)."""
    fitted = logistic(at[0] * log_odds + at[1])
    residual, curve = weight * (target - fitted), weight * fitted * (1 - fitted)
    terms = np.stack([residual * log_odds, residual, curve * log_odds**2, curve * log_odds, curve])
    pull = -_HOLD * (np.array(at) - np.array([1.0, 0.0]))
    lines = np.empty((draws, 2))
    for one in range(draws):
        drawn = np.bincount(rng.integers(0, len(weight), len(weight)), minlength=len(weight))
        along, level, steep, mixed, flat = np.einsum("kn,n->k", terms, drawn.astype(np.float64))
        curvature = np.array([[steep + _HOLD, mixed], [mixed, flat + _HOLD]])
        lines[one] = at + np.linalg.solve(curvature, pull + np.array([along, level]))
    return lines


def _effective(weight: FloatArray) -> float:
    square = float((weight**2).sum())
    return float(weight.sum()) ** 2 / square if square else 0.0
