"""Trees and forests of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskloop.learn.candidates.candidate import Candidate, Fitting, Range
from riskloop.learn.threads import openmp_threads

_MOST_LEVELS = 255
"""scikit-learn's histograms take no category with more: its codes enter as a number."""


def _directions(data: Fitting) -> list[int] | None:
    return data.monotone or None


def _decision_tree(data: Fitting) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(
        max_depth=data.whole("max_depth"),
        min_samples_leaf=max(20, round(len(data.outcome) * data.number("leaf_share"))),
        monotonic_cst=_directions(data),
        random_state=data.seed,
    )
    return model.fit(data.matrix, data.outcome, sample_weight=data.weight)


def _random_forest(data: Fitting) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(
        n_estimators=data.whole("trees"),
        min_samples_leaf=max(3, round(len(data.outcome) * data.number("leaf_share"))),
        max_features=data.number("feature_share") or "sqrt",
        monotonic_cst=_directions(data),
        random_state=data.seed,
        n_jobs=data.threads,
    )
    return model.fit(data.matrix, data.outcome, sample_weight=data.weight)


def _gradient_boosting(data: Fitting) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(
        n_estimators=data.whole("rounds"),
        learning_rate=data.number("learning_rate"),
        max_depth=data.whole("max_depth"),
        subsample=data.number("row_share"),
        max_features=data.number("feature_share"),
        random_state=data.seed,
    )
    return model.fit(data.matrix, data.outcome, sample_weight=data.weight)


def _hist_gradient_boosting(data: Fitting) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    largest = np.fmax.reduce(data.matrix, axis=0, initial=0)
    categorical = [position for position in data.categorical if largest[position] < _MOST_LEVELS]
    model = HistGradientBoostingClassifier(
        max_iter=data.whole("rounds"),
        learning_rate=data.number("learning_rate"),
        max_leaf_nodes=data.whole("leaves"),
        l2_regularization=data.number("l2"),
        max_features=data.number("feature_share"),
        categorical_features=categorical or None,
        monotonic_cst=_directions(data),
        early_stopping=False,
        random_state=data.seed,
    )
    empty = np.isnan(data.matrix).all(axis=0)  # scikit-learn cannot bin them; as constants they are never split on
    matrix = np.where(empty, 0.0, data.matrix) if empty.any() else data.matrix
    with openmp_threads(data.few_threads):
        return model.fit(matrix, data.outcome, sample_weight=data.weight)


_RATE = Range(0.02, 0.2, log=True)

DECISION_TREE = Candidate(
    "decision_tree",
    1,
    "onehot",
    _decision_tree,
    parameters={"max_depth": 8, "leaf_share": 0.005},
    space={"max_depth": Range(3, 12, whole=True), "leaf_share": Range(0.001, 0.03, log=True)},
    monotone=True,
    readable=True,
)
HIST_GRADIENT_BOOSTING = Candidate(
    "hist_gradient_boosting",
    2,
    "native",
    _hist_gradient_boosting,
    parameters={"rounds": 500, "learning_rate": 0.05, "leaves": 15, "l2": 1.0, "feature_share": 0.5},
    space={
        "learning_rate": _RATE,
        "leaves": Range(4, 63, log=True, whole=True),
        "l2": Range(1e-3, 100, log=True),
        "feature_share": Range(0.2, 1),
    },
    additive=True,
    monotone=True,
)
GRADIENT_BOOSTING = Candidate(
    "gradient_boosting",
    5,
    "imputed",
    _gradient_boosting,
    max_rows=100_000,
    parameters={"rounds": 300, "learning_rate": 0.06, "max_depth": 3, "row_share": 0.8, "feature_share": 0.5},
    space={
        "learning_rate": _RATE,
        "max_depth": Range(2, 5, whole=True),
        "row_share": Range(0.5, 1),
        "feature_share": Range(0.2, 1),
    },
    additive=True,
)
RANDOM_FOREST = Candidate(
    "random_forest",
    7,
    "onehot",
    _random_forest,
    max_rows=200_000,
    parameters={"trees": 300, "leaf_share": 0.0005, "feature_share": 0.0},
    space={"leaf_share": Range(1e-4, 0.02, log=True), "feature_share": Range(0.1, 0.8)},
    monotone=True,
)
