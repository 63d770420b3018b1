"""CatBoost's JSON form, for models of numeric columns."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import DataError
from riskloop.learn.export.assembly import Tree, assemble
from riskloop.scorer.forest import Forest

_OBJECTIVES = ("Logloss", "CrossEntropy")


def classifier(model: Any) -> Forest:
    """Export a ``CatBoostClassifier`` trained on numeric columns only, symmetric trees or not."""
    form = _json(model)
    _check(form)
    columns = form["features_info"]["float_features"]
    column = np.array([each["flat_feature_index"] for each in columns])
    missing_left = np.array([each["nan_value_treatment"] != "AsTrue" for each in columns])
    trees = [_oblivious(tree) for tree in form.get("oblivious_trees", [])] or [_nested(tree) for tree in form["trees"]]
    scale, (bias,) = form["scale_and_bias"]
    return assemble(
        [_read(tree, column, missing_left, scale) for tree in trees],
        len(model.feature_names_),
        base=float(bias),
        float32_inputs=True,
    )


def _json(model: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        form: dict[str, Any] = json.loads(path.read_text())
    return form


def _check(form: dict[str, Any]) -> None:
    others = set(form["features_info"]) - {"float_features"}
    if others:
        raise DataError(
            f"The model reads {', '.join(sorted(others))}.", where="catboost", next_step="encode them as numbers"
        )
    objective = form["model_info"]["params"]["loss_function"]["type"]
    if objective not in _OBJECTIVES:
        raise DataError(
            f"The objective {objective!r} does not give log-odds.", where="catboost", next_step="use Logloss"
        )


def _oblivious(tree: dict[str, Any]) -> Tree:
    """A heap: all nodes of a level ask the same question, and the first split is the last bit of the leaf's number."""
    splits, values = tree["splits"] or [], tree["leaf_values"]
    inner = len(values) - 1
    depth = np.repeat(np.arange(len(splits)), 2 ** np.arange(len(splits)))
    asked = [splits[len(splits) - 1 - level] for level in depth.tolist()]
    node = np.arange(inner)
    leaf = np.full(len(values), -1)
    return Tree(
        feature=np.concatenate([np.array([_feature(split) for split in asked], dtype=np.int64), leaf]),
        threshold=np.concatenate([[split["border"] for split in asked], np.zeros(len(values))]),
        left=np.concatenate([2 * node + 1, leaf]),
        right=np.concatenate([2 * node + 2, leaf]),
        missing_left=np.zeros(inner + len(values), dtype=np.bool_),
        value=np.concatenate([np.zeros(inner), values]),
    )


def _nested(tree: dict[str, Any]) -> Tree:
    nodes = [tree]
    left, right = [], []
    for node in nodes:  # grows as children are found
        inner = "split" in node
        left.append(len(nodes) if inner else -1)
        right.append(len(nodes) + 1 if inner else -1)
        if inner:
            nodes += [node["left"], node["right"]]
    return Tree(
        feature=[_feature(node["split"]) if "split" in node else -1 for node in nodes],
        threshold=[node["split"]["border"] if "split" in node else 0.0 for node in nodes],
        left=left,
        right=right,
        missing_left=np.zeros(len(nodes), dtype=np.bool_),
        value=[node.get("value", 0.0) for node in nodes],
    )


def _feature(split: dict[str, Any]) -> int:
    if split["split_type"] != "FloatFeature":
        raise DataError(f"A split of type {split['split_type']} is not numeric.", where="catboost")
    return int(split["float_feature_index"])


def _read(tree: Tree, column: NDArray[np.int64], missing_left: NDArray[np.bool_], scale: float) -> Tree:
    """From CatBoost's numbers of numeric features to columns of the matrix."""
    feature = np.asarray(tree.feature, dtype=np.int64)
    return Tree(
        feature=np.where(feature < 0, -1, column[feature]),
        threshold=tree.threshold,
        left=tree.left,
        right=tree.right,
        missing_left=missing_left[feature],
        value=np.asarray(tree.value) * scale,
    )
