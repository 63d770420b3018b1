"""Candidates: the model families riskloop compares, each with sound defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import did_you_mean
from riskloop.errors import ConfigError
from riskloop.learn.features import Style

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_MOST_LEVELS = 255
"""scikit-learn's histograms take no category with more: its codes enter as a number."""


@dataclass(frozen=True)
class Fitting:
    """What a family is given to learn from.

    Attributes
    ----------
    matrix : float array, shape (n, p)
    outcome : bool array, shape (n,)
    categorical : list of int
        Matrix columns that hold category codes.
    seed, threads : int
    """

    matrix: FloatArray
    outcome: BoolArray
    categorical: list[int]
    seed: int
    threads: int


@dataclass(frozen=True)
class Candidate:
    """A named model family.

    Attributes
    ----------
    name : str
    complexity : int
        Rank; among candidates that are equally good the simplest is chosen.
    style : Style
        The encoding it needs.
    fit : callable
        ``Fitting -> estimator`` of a kind that `riskloop.learn.export` can turn into plain arrays.
    max_rows : int or None
        Beyond so many rows the family is too slow to try by default.
    """

    name: str
    complexity: int
    style: Style
    fit: Callable[[Fitting], Any]
    max_rows: int | None = None


def _logistic_regression(data: Fitting) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=2_000).fit(data.matrix, data.outcome)


def _decision_tree(data: Fitting) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    leaf = max(20, len(data.outcome) // 200)
    return DecisionTreeClassifier(max_depth=8, min_samples_leaf=leaf, random_state=data.seed).fit(
        data.matrix, data.outcome
    )


def _random_forest(data: Fitting) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    leaf = max(3, len(data.outcome) // 2_000)
    forest = RandomForestClassifier(
        n_estimators=300, min_samples_leaf=leaf, max_features="sqrt", random_state=data.seed, n_jobs=data.threads
    )
    return forest.fit(data.matrix, data.outcome)


def _gradient_boosting(data: Fitting) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    boosting = GradientBoostingClassifier(
        n_estimators=250, learning_rate=0.06, max_depth=3, subsample=0.8, max_features=0.5, random_state=data.seed
    )
    return boosting.fit(data.matrix, data.outcome)


def _hist_gradient_boosting(data: Fitting) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    largest = np.fmax.reduce(data.matrix, axis=0, initial=0)
    categorical = [position for position in data.categorical if largest[position] < _MOST_LEVELS]
    boosting = HistGradientBoostingClassifier(
        max_iter=250,
        learning_rate=0.05,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        max_features=0.5,
        categorical_features=categorical or None,
        early_stopping=False,
        random_state=data.seed,
    )
    empty = np.isnan(data.matrix).all(axis=0)  # scikit-learn cannot bin them; as constants they are never split on
    return boosting.fit(np.where(empty, 0.0, data.matrix) if empty.any() else data.matrix, data.outcome)


def _lightgbm(data: Fitting) -> Any:
    import lightgbm

    # with so many rows half the steps, twice as large, reach the same ROC-AUC (measured on freMTPL2)
    stride = 2 if len(data.outcome) > 100_000 else 1
    parameters = {
        "objective": "binary",
        "learning_rate": 0.03 * stride,
        "num_leaves": 15,
        "min_child_samples": 20,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "cat_smooth": 20.0,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": data.threads,
        "seed": data.seed,
        "verbosity": -1,
    }
    rows = lightgbm.Dataset(
        data.matrix, data.outcome.astype(np.float64), categorical_feature=data.categorical, free_raw_data=True
    )
    return lightgbm.train(parameters, rows, num_boost_round=500 // stride)


def _xgboost(data: Fitting) -> Any:
    import xgboost

    kinds = ["c" if position in data.categorical else "q" for position in range(data.matrix.shape[1])]
    rows = xgboost.DMatrix(
        data.matrix, data.outcome.astype(np.float64), feature_types=kinds, enable_categorical=True, nthread=data.threads
    )
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "eta": 0.05,
        "max_depth": 4,
        "min_child_weight": 3,
        "subsample": 0.8,
        "colsample_bytree": 0.6,
        "seed": data.seed,
        "nthread": data.threads,
    }
    return xgboost.train(parameters, rows, num_boost_round=400)


def _catboost(data: Fitting) -> Any:
    from catboost import CatBoostClassifier

    boosting = CatBoostClassifier(
        iterations=1_000,
        learning_rate=0.03,
        depth=6,
        random_seed=data.seed,
        thread_count=data.threads,
        allow_writing_files=False,
        verbose=False,
    )
    return boosting.fit(data.matrix, data.outcome.astype(np.int8))


FAMILIES: tuple[Candidate, ...] = (
    Candidate("logistic_regression", 0, "scaled", _logistic_regression),
    Candidate("decision_tree", 1, "onehot", _decision_tree),
    Candidate("hist_gradient_boosting", 2, "native", _hist_gradient_boosting),
    Candidate("lightgbm", 3, "native", _lightgbm),
    Candidate("xgboost", 4, "native", _xgboost),
    Candidate("gradient_boosting", 5, "imputed", _gradient_boosting, max_rows=100_000),
    Candidate("catboost", 6, "onehot", _catboost),
    Candidate("random_forest", 7, "onehot", _random_forest, max_rows=200_000),
)


def select_candidates(names: Sequence[str], rows: int) -> list[Candidate]:
    """The families to try: those named, or all that suit a table of so many rows.

    Raises
    ------
    ConfigError
        For a name that is no family.
    """
    known = {candidate.name: candidate for candidate in FAMILIES}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"Unknown candidate {name!r}{did_you_mean(name, known)}.",
                where="training.candidates",
                next_step=f"choose among {', '.join(known)}",
            )
    if names:
        return [known[name] for name in dict.fromkeys(names)]
    return [candidate for candidate in FAMILIES if candidate.max_rows is None or rows <= candidate.max_rows]
