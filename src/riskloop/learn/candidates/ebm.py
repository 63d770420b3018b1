"""Explainable boosting machine (the extra ``ebm``): a boosted sum of curves, one per column, and a few pairs."""

from __future__ import annotations

import warnings
from typing import Any

from riskloop.learn.candidates.candidate import Candidate, Fitting, Range


def _fit(data: Fitting) -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier  # type: ignore[import-not-found, import-untyped, unused-ignore]

    kinds = ["nominal" if at in data.categorical else "continuous" for at in range(data.matrix.shape[1])]
    model = ExplainableBoostingClassifier(
        feature_types=kinds,
        learning_rate=data.number("learning_rate"),
        interactions=0 if any(data.monotone) else data.whole("pairs"),
        outer_bags=data.whole("bags"),
        monotone_constraints=data.monotone or None,
        random_state=data.seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that its own pictures leave out missing values
        return model.fit(data.matrix, data.outcome, sample_weight=data.weight)


EBM = Candidate(
    "ebm",
    2.5,
    "native",
    _fit,
    max_rows=0,
    parameters={"learning_rate": 0.015, "pairs": 10, "bags": 4},
    space={"learning_rate": Range(0.005, 0.1, log=True), "pairs": Range(0, 30, whole=True)},
    additive=True,
    monotone=True,
    readable=True,
)
