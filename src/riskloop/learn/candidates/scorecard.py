"""The scorecard: weights of evidence, a logistic regression that no column contradicts, and points to add by hand."""

from __future__ import annotations

from typing import Any

from riskloop.learn.candidates.candidate import Candidate, Fitting, Range


def _fit(data: Fitting) -> Any:
    from riskloop.learn.scorecard import fit_scorecard_model

    return fit_scorecard_model(data.matrix, data.outcome, penalty=1 / data.number("C"), weight=data.weight)


SCORECARD = Candidate(
    "scorecard",
    0.5,
    "woe",
    _fit,
    parameters={"C": 1.0},
    space={"C": Range(1e-3, 100, log=True)},
    additive=True,
    monotone=True,
    readable=True,
)
