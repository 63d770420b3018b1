"""Logistic regression, and the same with numbers piece by piece."""

from __future__ import annotations

from typing import Any

from riskloop.learn.candidates.candidate import Candidate, Fitting, Range


def _fit(data: Fitting) -> Any:
    return _logistic(data, "lbfgs")


def _fit_pieces(data: Fitting) -> Any:
    return _logistic(data, "newton-cholesky")  # hundreds of columns, and few steps


def _logistic(data: Fitting, solver: str) -> Any:
    if any(data.monotone):
        from riskloop.learn.logistic import bounded_logistic

        penalty = 1 / data.number("C")
        return bounded_logistic(data.matrix, data.outcome, data.monotone, penalty=penalty, weight=data.weight)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=data.number("C"), solver=solver, max_iter=2_000)
    return model.fit(data.matrix, data.outcome, sample_weight=data.weight)


LOGISTIC_REGRESSION = Candidate(
    "logistic_regression",
    0,
    "scaled",
    _fit,
    parameters={"C": 1.0},
    space={"C": Range(1e-3, 100, log=True)},
    additive=True,
    monotone=True,
    readable=True,
)
GAM = Candidate(
    "gam",
    0.75,
    "pieces",
    _fit_pieces,
    max_rows=100_000,
    parameters={"C": 0.2},
    space={"C": Range(1e-3, 100, log=True)},
    additive=True,
    monotone=True,
    readable=True,
)
"""A generalised additive model (Hastie and Tibshirani, 1986): every number has a polyline of its own, drawn towards a
straight line by the ridge."""
