"""Logistic regression."""

from __future__ import annotations

from typing import Any

from riskloop.learn.candidates.candidate import Candidate, Fitting, Range


def _fit(data: Fitting) -> Any:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=data.number("C"), max_iter=2_000)
    return model.fit(data.matrix, data.outcome, sample_weight=data.weight)


LOGISTIC_REGRESSION = Candidate(
    "logistic_regression",
    0,
    "scaled",
    _fit,
    parameters={"C": 1.0},
    space={"C": Range(1e-3, 100, log=True)},
    additive=True,
)
