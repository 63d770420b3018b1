"""scikit-learn's trees, from their node arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import DataError
from riskloop.learn.export.assembly import Tree, assemble
from riskloop.scorer.forest import Forest


def decision_tree(model: Any) -> Forest:
    """Export a ``DecisionTreeClassifier``."""
    _check_binary(model)
    return assemble([_probabilities(model)], model.n_features_in_, average=True, float32_inputs=True)


def random_forest(model: Any) -> Forest:
    """Export a ``RandomForestClassifier`` or ``ExtraTreesClassifier``."""
    _check_binary(model)
    trees = [_probabilities(tree) for tree in model.estimators_]
    return assemble(trees, model.n_features_in_, average=True, float32_inputs=True)


def gradient_boosting(model: Any) -> Forest:
    """Export a ``GradientBoostingClassifier`` that starts from the prior log-odds or from zero."""
    _check_binary(model)
    if model.loss != "log_loss" or model.init not in (None, "zero"):
        raise DataError(
            "Only the log-loss from a constant start gives log-odds trees.",
            where="sklearn",
            next_step="leave loss and init at their defaults",
        )
    # The start is private in scikit-learn; its public face, decision_function, adds the trees to it.
    base = float(model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))[0, 0])
    trees = [_tree(each.tree_, each.tree_.value[:, 0, 0] * model.learning_rate) for each in model.estimators_[:, 0]]
    return assemble(trees, model.n_features_in_, base=base, float32_inputs=True)


def hist_gradient_boosting(model: Any) -> Forest:
    """Export a ``HistGradientBoostingClassifier``; categorical columns hold the codes it was trained on."""
    _check_binary(model)
    column, codes = _columns(model)
    trees = [_histogram_tree(predictor, column, codes) for (predictor,) in model._predictors]
    return assemble(trees, model.n_features_in_, base=float(model._baseline_prediction.item()))


def _check_binary(model: Any) -> None:
    classes = np.asarray(model.classes_)
    if classes.shape != (2,):
        raise DataError(f"The model has {classes.size} classes.", where="sklearn", next_step="train it on two")


def _probabilities(model: Any) -> Tree:
    share = model.tree_.value[:, 0, :]
    return _tree(model.tree_, share[:, 1])


def _tree(tree: Any, value: NDArray[np.float64]) -> Tree:
    return Tree(
        feature=np.where(tree.children_left < 0, -1, tree.feature),
        threshold=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        missing_left=tree.missing_go_to_left,
        value=value,
    )


def _columns(model: Any) -> tuple[NDArray[np.int64], dict[int, NDArray[np.int64]]]:
    """Column of the matrix for each column the trees read, and the codes of the categorical ones by ordinal.

    The model's own preprocessor puts categorical columns first and numbers their known values.
    """
    categorical = model.is_categorical_
    if categorical is None:
        return np.arange(model.n_features_in_), {}
    column = np.concatenate([np.flatnonzero(categorical), np.flatnonzero(~categorical)])
    known = model._preprocessor.named_transformers_["encoder"].categories_
    finite = [np.asarray(values, dtype=np.float64) for values in known]
    return column, {at: values[np.isfinite(values)].astype(np.int64) for at, values in enumerate(finite)}


def _histogram_tree(predictor: Any, column: NDArray[np.int64], codes: dict[int, NDArray[np.int64]]) -> Tree:
    """An unknown category goes where a missing one goes. Ours goes right, so sides are swapped where that is left."""
    nodes = predictor.nodes
    leaf = nodes["is_leaf"] == 1
    categorical = (nodes["is_categorical"] == 1) & ~leaf
    missing_left = nodes["missing_go_to_left"] == 1
    swapped = categorical & missing_left
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    sets = {}
    for node in np.flatnonzero(categorical).tolist():
        known = codes[int(nodes["feature_idx"][node])]
        words = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]].astype("<u4")
        in_left = np.unpackbits(words.view(np.uint8), bitorder="little")[: known.size] == 1
        sets[node] = known[in_left ^ swapped[node]]
    return Tree(
        feature=np.where(leaf, -1, column[nodes["feature_idx"]]),
        threshold=np.where(categorical, 0.0, nodes["num_threshold"]),
        left=np.where(swapped, right, left),
        right=np.where(swapped, left, right),
        missing_left=missing_left & ~swapped,
        value=nodes["value"],
        sets=sets,
    )
