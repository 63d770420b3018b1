"""Calibration measured: do customers with a probability of .2 turn out positive one time in five?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.scorer.log_odds import logistic, logit

_EPSILON = float(np.finfo(np.float64).eps)


def fit_logistic(design: FloatArray, target: FloatArray, weight: FloatArray | None = None) -> FloatArray | None:
    """Coefficients of a logistic regression, shape (k,), by Newton's method with halved steps.

    ``target`` may hold fractions. None where there is no finite or unique optimum (one class, separable, collinear).
    """
    weights = np.ones(len(target)) if weight is None else weight
    beta, loss = np.zeros(design.shape[1]), math.inf
    for _ in range(50):
        fitted = logistic(design @ beta)
        curvature = (design * (weights * fitted * (1 - fitted))[:, None]).T @ design
        gradient = design.T @ (weights * (target - fitted))
        if np.linalg.cond(curvature) > 1e13:
            return None
        step = np.linalg.solve(curvature, gradient)
        loss = _loss(design @ beta, target, weights)
        while _loss(design @ (beta + step), target, weights) > loss + 1e-12 * abs(loss):
            step = step / 2
        beta = beta + step
        if np.abs(step).max() < 1e-9 * (1 + np.abs(beta).max()):
            return np.asarray(beta)
    return None


def calibration_p_value(outcome: BoolArray, probability: FloatArray) -> float:
    """How likely a calibration line so far from slope 1 and intercept 0 is by chance, if the probabilities are right.

    Likelihood ratio test of two degrees of freedom (Cox, 1958); NaN where there is no line.
    """
    log_odds, ones = logit(probability, _EPSILON), np.ones(len(outcome))
    design, target = np.column_stack([log_odds, ones]), outcome.astype(np.float64)
    beta = fit_logistic(design, target)
    if beta is None:
        return math.nan
    return math.exp(min(0.0, _loss(design @ beta, target, ones) - _loss(log_odds, target, ones)))


def _loss(log_odds: FloatArray, target: FloatArray, weight: FloatArray) -> float:
    return float(np.dot(weight, np.logaddexp(0, log_odds) - target * log_odds))


def weighted_sums(terms: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted sum of each of k terms, shape (k,), from terms of shape (k, n)."""
    # einsum, because a matrix product this small spends its time waiting for BLAS threads on a busy machine
    return np.asarray(np.einsum("kn,n->k", terms, weight))


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationLine:
    """Logistic regression of the outcome on the log-odds of the probability (Cox, 1958).

    Slope 1 and intercept 0 for a calibrated model; a slope below 1 means probabilities too extreme. NaN where the
    line is not defined.
    """

    slope: float
    intercept: float
    terms: FloatArray  # (5, n): score and curvature of every row at the optimum

    @classmethod
    def of(cls, outcome: BoolArray, probability: FloatArray, weight: FloatArray | None = None) -> CalibrationLine:
        """Fit by logistic regression of the outcome on the log-odds (Cox, 1958); NaN where it does not converge."""
        log_odds = logit(probability, _EPSILON)
        design = np.column_stack([log_odds, np.ones_like(log_odds)])
        beta = fit_logistic(design, outcome.astype(np.float64), weight)
        if beta is None:
            return cls(math.nan, math.nan, np.empty((5, 0)))
        fitted = logistic(design @ beta)
        residual, curvature = outcome - fitted, fitted * (1 - fitted)
        terms = (residual * log_odds, residual, curvature * log_odds**2, curvature * log_odds, curvature)
        return cls(float(beta[0]), float(beta[1]), np.stack(terms))

    def refitted(self, weight: FloatArray) -> tuple[float, float]:
        """Slope and intercept on a resample, one Newton step from the whole sample (Kline and Santos, 2012)."""
        if math.isnan(self.slope):
            return math.nan, math.nan
        along, level, h_ss, h_si, h_ii = (float(total) for total in weighted_sums(self.terms, weight))
        determinant = h_ss * h_ii - h_si * h_si
        if determinant <= 1e-12 * h_ss * h_ii:
            return math.nan, math.nan
        slope = (h_ii * along - h_si * level) / determinant
        intercept = (h_ss * level - h_si * along) / determinant
        return self.slope + slope, self.intercept + intercept
