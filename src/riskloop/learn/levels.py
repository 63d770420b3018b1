"""Levels: where time passes, how far the risk rises and falls from one stretch to the next, and what comes after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.evaluation.calibration import fit_logistic
from riskloop.scorer.calibration import LIMIT, Calibration

_FLATTEST = 1e-9
"""The slope of a model that ranks no better than chance: its order survives, and says nothing."""
_STEPS = [(number / 20) ** 2 for number in range(61)]
"""Variances tried for the step of the level, in squared log-odds."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What one model says of rows in several stretches of time.

    Attributes
    ----------
    margin : float array, shape (n,)
        Log-odds.
    outcome : bool array, shape (n,)
    stretch : int array, shape (n,)
        Rising with time.
    """

    margin: FloatArray
    outcome: BoolArray
    stretch: NDArray[np.integer]

    def take(self, mask: BoolArray) -> Rows:
        """Some of the rows."""
        return Rows(self.margin[mask], self.outcome[mask], self.stretch[mask])


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """How far outcomes lay above a model's log-odds in each stretch that holds both, in order of time.

    Attributes
    ----------
    level : float array, shape (stretches,)
        What to add to the log-odds there.
    variance : float array, shape (stretches,)
        Squared standard error of each level.
    """

    level: FloatArray
    variance: FloatArray

    @classmethod
    def of(cls, rows: Rows, slope: float) -> Levels:
        """Levels beside ``slope * margin``."""
        level, variance = [], []
        for number in np.unique(rows.stretch):
            here = rows.stretch == number
            margin, outcome = slope * rows.margin[here], rows.outcome[here]
            if outcome.all() or not outcome.any():
                continue
            level.append(shift(margin, outcome))
            chance = 1 / (1 + np.exp(-(margin + level[-1])))
            variance.append(1 / float((chance * (1 - chance)).sum()))
        return cls(np.array(level), np.array(variance))

    def followed(self, step: float) -> tuple[float, float]:
        """The level of the last stretch and its variance, by the Kalman filter.

        The level walks at random and is seen with error (the local level model: Harvey, 1989). With steps of variance 0
        this is the mean of all stretches, with large steps the last one.
        """
        mean, variance = float(self.level[0]), float(self.variance[0])
        for level, error in zip(self.level[1:].tolist(), self.variance[1:].tolist(), strict=True):
            variance += step
            gain = variance / (variance + error)
            mean, variance = mean + gain * (level - mean), gain * error
        return mean, variance


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of a model's log-odds in the stretch after the last that it has seen.

    Attributes
    ----------
    slope : float
        Of all stretches that came after a model: what ranks belongs to the model.
    step : float
        Variance of what the level moves by from one stretch to the next, in squared log-odds: how common the outcome is
        belongs to the time.
    """

    slope: float
    step: float

    @classmethod
    def learn(cls, came: Rows, seen: Sequence[Rows]) -> Forecast:
        """Learn from models that each saw the stretches before one and were asked about it.

        Parameters
        ----------
        came : Rows
            Rows of all stretches that came after, each as the model of its past tells it; both outcomes in each.
        seen : sequence of Rows
            For each of these stretches, in the same order, the rows that its model had learnt from.
        """
        slope = _common_slope(came)
        arrived = Levels.of(came, slope)
        known = [Levels.of(rows, slope) for rows in seen]

        def likelihood(step: float) -> float:
            total = 0.0
            for levels, level, error in zip(known, arrived.level, arrived.variance, strict=True):
                mean, variance = levels.followed(step)
                spread = variance + step + error
                total -= (math.log(spread) + (level - mean) ** 2 / spread) / 2
            return total

        return cls(slope, max(_STEPS, key=likelihood))

    def calibration(self, seen: Rows) -> Calibration:
        """The map for the stretch after these, of a model that has learnt from them.

        The probability is the one expected over all levels that may come. The expectation of a logistic function of a
        normal variable is one of a narrower argument (MacKay, 1992).
        """
        level, deviation = self.level(seen)
        narrower = 1 / math.sqrt(1 + math.pi * deviation**2 / 8)
        return Calibration("sigmoid", (max(narrower * self.slope, _FLATTEST), narrower * level))

    def level(self, seen: Rows) -> tuple[float, float]:
        """The level expected of the stretch after these, and its standard deviation."""
        mean, variance = Levels.of(seen, self.slope).followed(self.step)
        return mean, math.sqrt(variance + self.step)


def _common_slope(rows: Rows) -> float:
    """Of a logistic regression with one intercept per stretch; below zero it is held at (almost) zero."""
    centre = float(np.median(rows.margin))
    member = rows.stretch[:, None] == np.unique(rows.stretch)
    design = np.column_stack([rows.margin - centre, member]).astype(np.float64)
    fitted = fit_logistic(design, rows.outcome.astype(np.float64))
    return _FLATTEST if fitted is None else max(float(fitted[0]), _FLATTEST)


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
