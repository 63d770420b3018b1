"""XGBoost."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskloop.learn.candidates.candidate import Candidate, Fitting, Range


def kinds_of(data: Fitting) -> list[str]:
    """Of the matrix columns: category codes or quantities."""
    return ["c" if position in data.categorical else "q" for position in range(data.matrix.shape[1])]


def parameters_of(data: Fitting) -> dict[str, Any]:
    """What XGBoost is told, but for the rows and the number of rounds."""
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "eta": data.number("learning_rate"),
        "max_depth": data.whole("max_depth"),
        "min_child_weight": data.number("leaf_weight"),
        "subsample": data.number("row_share"),
        "colsample_bytree": data.number("feature_share"),
        "lambda": data.number("l2"),
        "seed": data.seed,
        "nthread": data.few_threads,
    }
    if data.monotone:
        parameters["monotone_constraints"] = "(" + ",".join(map(str, data.monotone)) + ")"
    return parameters


def _fit(data: Fitting) -> Any:
    import xgboost

    rows = xgboost.DMatrix(
        data.matrix,
        data.outcome.astype(np.float64),
        weight=data.weight,
        feature_types=kinds_of(data),
        enable_categorical=True,
        nthread=data.few_threads,
    )
    return xgboost.train(parameters_of(data), rows, num_boost_round=data.whole("rounds"))


XGBOOST = Candidate(
    "xgboost",
    4,
    "native",
    _fit,
    parameters={
        "rounds": 600,
        "learning_rate": 0.05,
        "max_depth": 4,
        "leaf_weight": 3.0,
        "row_share": 0.8,
        "feature_share": 0.6,
        "l2": 1.0,
    },
    space={
        "learning_rate": Range(0.02, 0.2, log=True),
        "max_depth": Range(2, 8, whole=True),
        "leaf_weight": Range(0.5, 50, log=True),
        "row_share": Range(0.5, 1),
        "feature_share": Range(0.2, 1),
        "l2": Range(1e-2, 100, log=True),
    },
    portfolio=({"max_depth": 3, "leaf_weight": 10.0},),
    additive=True,
    monotone=True,
)
