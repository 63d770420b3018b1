"""Calibrating: which map from log-odds to probability holds on rows it has not seen, if any is needed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.errors import DataError
from riskloop.learn.evaluation.calibration import CalibrationLine, fit_logistic
from riskloop.learn.evaluation.intervals import finite
from riskloop.learn.evaluation.metrics import log_loss
from riskloop.learn.evaluation.paired import by_stretch
from riskloop.learn.evaluation.ranking import Ranking
from riskloop.learn.levels import Forecast, Rows
from riskloop.scorer.calibration import LIMIT, Calibration, Kind

KINDS: tuple[Kind, ...] = ("none", "sigmoid", "beta", "isotonic")
"""From the simplest on."""

ISOTONIC_NEEDS = 500
"""Rows of the rarer class below which a step function would follow noise (Niculescu-Mizil and Caruana, 2005)."""


@dataclass(frozen=True, slots=True)
class CalibrationEvidence:
    """How one kind did on rows it was not fitted to.

    Attributes
    ----------
    log_loss, brier, calibration_error : float
        Held-out; log loss in nats per row.
    slope, intercept : float
        Of the calibration line (1 and 0 are perfect); NaN where not defined.
    gain, standard_error : float
        Log loss of ``none`` minus that of this kind, paired by row, and its standard error.
    """

    kind: Kind
    log_loss: float
    brier: float
    calibration_error: float
    slope: float
    intercept: float
    gain: float
    standard_error: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: finite(value) if isinstance(value, float) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationChoice:
    """The calibration chosen, fitted on all rows, with its evidence.

    Attributes
    ----------
    calibration : Calibration
        Fitted on all rows; a forecast is that of the last fold's model.
    evidence : tuple of CalibrationEvidence
        One per kind tried.
    probability : array of float, shape (n,)
        Cross-fitted probabilities of the chosen kind: no row saw its own outcome. Choose thresholds on these.
    why : str
        One sentence on the choice.
    forecast : Forecast or None
        Where time passes: what makes the calibration of a model out of what that model has seen.
    """

    calibration: Calibration
    evidence: tuple[CalibrationEvidence, ...]
    probability: FloatArray
    why: str
    forecast: Forecast | None = None

    def of(self, margin: FloatArray, outcome: BoolArray, stretch: NDArray[np.integer]) -> Calibration:
        """The calibration of a model that was fitted anew to rows of these margins, shape (n,)."""
        if self.forecast is None:
            return self.calibration
        return self.forecast.calibration(Rows(np.clip(margin, -LIMIT, LIMIT), outcome, stretch))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the rows."""
        return {
            "kind": self.calibration.kind,
            "why": self.why,
            "evidence": [evidence.to_dict() for evidence in self.evidence],
        }


def choose_calibration(
    margin: FloatArray,
    outcome: BoolArray,
    *,
    seed: int,
    folds: int = 5,
) -> CalibrationChoice:
    """Choose a calibration by held-out log loss.

    Every kind is cross-fitted on the out-of-fold margins. From the simplest on (none, sigmoid, beta, isotonic), a kind
    replaces the one before only where it lowers the log loss by more than one standard error of the paired difference;
    so a model that is calibrated already is left alone.

    Parameters
    ----------
    margin : array of float, shape (n,)
        Out-of-fold log-odds.
    outcome : array of bool, shape (n,)
        True for a positive.
    seed : int
        Of the folds.
    folds : int
        At most; never more than rows in the rarer class.

    Raises
    ------
    DataError
        If there are fewer than two rows in a class: nothing can be held out.
    """
    rarer = int(min(outcome.sum(), (~outcome).sum()))
    if rarer < 2:
        raise DataError(
            f"Calibration needs two rows of each class, and the rarer class has {rarer}.",
            where="calibration",
            next_step="bring rows with both outcomes",
        )
    weights = np.ones(len(margin))
    margin = np.clip(margin, -LIMIT, LIMIT)
    fold = _stratified_folds(outcome, min(folds, rarer), seed)
    tried = [kind for kind in KINDS if kind != "isotonic" or rarer >= ISOTONIC_NEEDS]
    held_out = {kind: _cross_fitted(kind, margin, outcome, weights, fold) for kind in tried}
    loss = {kind: log_loss(outcome, probability) for kind, probability in held_out.items()}
    chosen = _simplest_best(loss, weights)
    return CalibrationChoice(
        calibration=fit_calibration(chosen, margin, outcome, weights),
        evidence=tuple(_evidence(kind, outcome, held_out[kind], loss, weights) for kind in tried),
        probability=held_out[chosen],
        why=_why(chosen, loss, weights),
    )


def choose_forward_calibration(
    margin: FloatArray,
    hindsight: FloatArray,
    outcome: BoolArray,
    fold: NDArray[np.integer],
    weight: FloatArray,
) -> CalibrationChoice:
    """Choose a calibration where folds roll forward in time: leave the model as it is, or forecast.

    The forecast (`riskloop.learn.levels.Forecast`) holds the slope of models that are asked about what comes after
    them, and the level that the model itself has come to know, with how far it may have moved since. It is judged as it
    will be used: for every fold it is learnt from the folds before. It is taken unless the model as it is has a
    significantly lower log loss (paired t-test, 5 % level). Folds are the units of that test, not rows: all rows of a
    stretch share its level, and a model that is right about one level may be so by luck. The first fold has no past and
    does not judge; a single fold cannot forecast.

    Parameters
    ----------
    margin : array of float, shape (judged rows,)
        Out-of-fold log-odds.
    hindsight : array of float, shape (folds, n)
        Log-odds of the rows that each fold's model learnt from, NaN for the others.
    outcome : array of bool, shape (n,)
    fold : array of int, shape (n,)
        From 0, in order of time, each with both outcomes; -1 for rows that only train.
    weight : array of float, shape (judged rows,)
    """
    from scipy.special import stdtrit

    judged = fold >= 0
    came = Rows(np.clip(margin, -LIMIT, LIMIT), outcome[judged], fold[judged])
    seen = [Rows(np.clip(told, -LIMIT, LIMIT), outcome, fold).take(~np.isnan(told)) for told in hindsight]
    held_out = {kind: Calibration().probability(came.margin) for kind in KINDS[:2]}
    for number in range(1, len(seen)):
        now = came.stretch == number
        foretold = Forecast.learn(came.take(came.stretch < number), seen[:number]).calibration(seen[number])
        held_out["sigmoid"][now] = foretold.probability(came.margin[now])
    several = len(seen) > 1
    judging = weight * (came.stretch > 0) if several else weight
    loss = {kind: log_loss(came.outcome, probability) for kind, probability in held_out.items()}
    gain, error, count = by_stretch(loss["none"] - loss["sigmoid"], came.stretch, judging)
    lucky = math.isinf(error) or gain > -error * float(stdtrit(count - 1, 0.95))
    chosen: Kind = "sigmoid" if several and lucky else "none"
    plain, other = (_evidence(kind, came.outcome, held_out[kind], loss, judging) for kind in held_out)
    mean = {kind: float(np.average(each, weights=judging)) for kind, each in loss.items()}
    forecast = Forecast.learn(came, seen) if chosen == "sigmoid" else None
    return CalibrationChoice(
        calibration=Calibration() if forecast is None else forecast.calibration(seen[-1]),
        evidence=(plain, replace(other, standard_error=error)),
        probability=held_out[chosen],
        why=_why_forward(chosen, mean) if several else _why(chosen, loss, judging),
        forecast=forecast,
    )


def _why_forward(chosen: Kind, mean: dict[Kind, float]) -> str:
    if chosen == "none":
        return (
            f"Left alone: on the stretches that followed the model as it is had a log loss of {mean['none']:.5f}, "
            f"forecasts of the level {mean['sigmoid']:.5f}, beyond what differs from stretch to stretch."
        )
    return (
        f"Forecast: slope of models of the past, level of the last stretch and how far it may move; log loss "
        f"{mean['sigmoid']:.5f} on the stretches that followed, against {mean['none']:.5f} for the model as it is."
    )


def _stratified_folds(outcome: BoolArray, folds: int, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    fold = np.empty(len(outcome), dtype=np.int64)
    for group in (outcome, ~outcome):
        rows = rng.permutation(np.flatnonzero(group))
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def _cross_fitted(
    kind: Kind, margin: FloatArray, outcome: BoolArray, weight: FloatArray, fold: NDArray[np.int64]
) -> FloatArray:
    if kind == "none":
        return Calibration().probability(margin)
    probability = np.empty(len(margin))
    for out in range(int(fold.max()) + 1):
        rest, held = fold != out, fold == out
        probability[held] = fit_calibration(kind, margin[rest], outcome[rest], weight[rest]).probability(margin[held])
    return probability


def _simplest_best(loss: dict[Kind, FloatArray], weight: FloatArray) -> Kind:
    best: Kind = "none"
    for kind, each in loss.items():
        gain, error = _paired(loss[best] - each, weight)
        if gain > error:
            best = kind
    return best


def _paired(difference: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """Weighted mean of a paired difference and its standard error."""
    mean = float(np.average(difference, weights=weight))
    spread = float(np.square(weight * (difference - mean)).sum())
    return mean, math.sqrt(spread) / float(weight.sum())


def _evidence(
    kind: Kind, outcome: BoolArray, probability: FloatArray, loss: dict[Kind, FloatArray], weight: FloatArray
) -> CalibrationEvidence:
    ranking = Ranking.of(outcome, probability)
    line = CalibrationLine.of(outcome, probability, weight)
    gain, error = _paired(loss["none"] - loss[kind], weight)
    return CalibrationEvidence(
        kind=kind,
        log_loss=float(np.average(loss[kind], weights=weight)),
        brier=float(np.average((probability - outcome) ** 2, weights=weight)),
        calibration_error=ranking.counted(weight[ranking.order]).calibration_error(),
        slope=line.slope,
        intercept=line.intercept,
        gain=gain,
        standard_error=error,
    )


def _why(chosen: Kind, loss: dict[Kind, FloatArray], weight: FloatArray) -> str:
    mean = {kind: float(np.average(each, weights=weight)) for kind, each in loss.items()}
    if chosen == "none":
        return f"Left alone: no calibration lowers the held-out log loss ({mean['none']:.5f}) beyond noise."
    return (
        f"{chosen.capitalize()} lowers the held-out log loss from {mean['none']:.5f} to {mean[chosen]:.5f}; nothing "
        f"more flexible is better beyond noise."
    )


def fit_calibration(kind: Kind, margin: FloatArray, outcome: BoolArray, weight: FloatArray) -> Calibration:
    """Fit one kind of calibration on log-odds of shape (n,)."""
    margin = np.clip(margin, -LIMIT, LIMIT)
    if kind == "none":
        return Calibration()
    if kind == "isotonic":
        return _fit_isotonic(margin, outcome, weight)
    if kind == "sigmoid":
        slope, intercept = _fit_monotone(margin[:, None], outcome, weight)
        return Calibration("sigmoid", (max(slope, 1e-9), intercept))
    return Calibration("beta", _fit_monotone(_beta_features(margin), outcome, weight))


def _beta_features(margin: FloatArray) -> FloatArray:
    return np.column_stack([-np.logaddexp(0, -margin), np.logaddexp(0, margin)])


def _fit_monotone(features: FloatArray, outcome: BoolArray, weight: FloatArray) -> tuple[float, ...]:
    """Slopes and intercept of a logistic regression; a feature with a negative slope is dropped (Kull et al., 2017)."""
    kept = list(range(features.shape[1]))
    target = _softened(outcome, weight)
    while True:
        fitted = fit_logistic(np.column_stack([features[:, kept], np.ones(len(target))]), target, weight)
        if fitted is not None and (not kept or fitted[:-1].min() >= 0):
            break
        kept.pop(len(kept) - 1 if fitted is None else int(np.argmin(fitted[:-1])))
    slopes = np.zeros(features.shape[1])
    slopes[kept] = fitted[:-1]
    return (*slopes.tolist(), float(fitted[-1]))


def _softened(outcome: BoolArray, weight: FloatArray) -> FloatArray:
    """Platt's targets (1999): a little short of 0 and 1, so that separable classes have a finite fit."""
    positives, negatives = float(weight[outcome].sum()), float(weight[~outcome].sum())
    return np.where(outcome, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _fit_isotonic(margin: FloatArray, outcome: BoolArray, weight: FloatArray) -> Calibration:
    from scipy.optimize import isotonic_regression

    at, group = np.unique(margin, return_inverse=True)
    mass = np.bincount(group, weights=weight)
    positives = np.bincount(group, weights=weight * outcome)
    # Half a positive below and half a negative above keep the outer blocks short of certainty.
    mass[0], positives[0], mass[-1] = mass[0] + 0.5, positives[0] + 0.5, mass[-1] + 0.5
    fitted = isotonic_regression(positives / mass, weights=mass)
    start = fitted.blocks[:-1]
    share = fitted.x[start]
    centre = np.add.reduceat(at * mass, start) / np.add.reduceat(mass, start)
    rising = np.diff(centre, prepend=-np.inf) > 0
    levels = np.log(share[rising]) - np.log1p(-share[rising])
    return Calibration("isotonic", knots=tuple(centre[rising].tolist()), levels=tuple(levels.tolist()))
