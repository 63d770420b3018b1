"""Levels: where time passes, how far the risk rises and falls from one stretch to the next, and what comes after."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.evaluation.calibration import fit_logistic
from riskloop.scorer.calibration import LIMIT, Calibration

_FLATTEST = 1e-9
"""The slope of a model that ranks no better than chance: its order survives, and says nothing."""
_STEPS = [(number / 20) ** 2 for number in range(41)]
"""Variances tried for the step of the level, in squared log-odds."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What the margins of models of the past meant in each stretch of time: log-odds ``slope * margin + level``.

    Attributes
    ----------
    slope : float
        Common to all stretches: what ranks belongs to the model.
    level : float array, shape (stretches,)
        In order of time: how common the outcome is belongs to the time.
    variance : float array, shape (stretches,)
        Squared standard error of each level.
    """

    slope: float
    level: FloatArray
    variance: FloatArray

    @classmethod
    def of(cls, margin: FloatArray, outcome: BoolArray, stretch: NDArray[np.integer]) -> Levels:
        """Fit on rows of several stretches, numbered from 0 in order of time, each with both outcomes.

        A logistic regression with one intercept per stretch; a slope below zero is held at (almost) zero.
        """
        centre = float(np.median(margin))
        member = stretch[:, None] == np.arange(int(stretch.max()) + 1)
        design = np.column_stack([margin - centre, member]).astype(np.float64)
        fitted = fit_logistic(design, outcome.astype(np.float64))
        slope = _FLATTEST if fitted is None else max(float(fitted[0]), _FLATTEST)
        level = np.array([shift(slope * (margin - centre)[here], outcome[here]) for here in member.T])
        chance = 1 / (1 + np.exp(-(slope * (margin - centre) + level[stretch])))
        variance = 1 / (member.T @ (chance * (1 - chance)))
        return cls(slope, level - slope * centre, variance)

    def forecast(self) -> tuple[float, float]:
        """The level of the next stretch, and the standard deviation of that forecast.

        The level walks at random, and is seen with error (the local level model: Harvey, 1989); the variance of its
        steps is the likeliest one. Where nothing moves this is the mean of all stretches, where much moves the last.
        """
        return max((self._filtered(step) for step in _STEPS), key=lambda found: found[0])[1:]

    def _filtered(self, step: float) -> tuple[float, float, float]:
        """Log-likelihood of a variance of the steps, and the forecast under it, by the Kalman filter."""
        mean, variance, likelihood = float(self.level[0]), float(self.variance[0]), 0.0
        for level, error in zip(self.level[1:].tolist(), self.variance[1:].tolist(), strict=True):
            variance += step
            spread, surprise = variance + error, level - mean
            likelihood -= (math.log(spread) + surprise**2 / spread) / 2
            mean += variance / spread * surprise
            variance *= error / spread
        return likelihood, mean, math.sqrt(variance + step)

    def calibration(self) -> Calibration:
        """The map for the next stretch: the probability expected over all levels that may come.

        The expectation of a logistic function of a normal variable is one of a narrower argument (MacKay, 1992).
        """
        level, deviation = self.forecast()
        narrower = 1 / math.sqrt(1 + math.pi * deviation**2 / 8)
        return Calibration("sigmoid", (max(narrower * self.slope, _FLATTEST), narrower * level))


def shift(margin: FloatArray, outcome: BoolArray) -> float:
    """What to add to log-odds of shape (n,) so that as many positives are expected as there are, of both outcomes."""
    from scipy.optimize import brentq

    def excess(added: float) -> float:
        return float((1 / (1 + np.exp(-np.clip(margin + added, -500, 500)))).mean() - outcome.mean())

    reach = float(np.abs(margin).max()) + 50.0
    return float(brentq(excess, -reach, reach, xtol=1e-10))


def levelled(margin: FloatArray, outcome: BoolArray, stretch: NDArray[np.integer]) -> FloatArray:
    """Margins of shape (n,), each stretch shifted to its own level: what is left to compare is how they rank."""
    held = np.clip(margin, -LIMIT, LIMIT)
    for number in np.unique(stretch):
        here = stretch == number
        held[here] += shift(held[here], outcome[here])
    return held
