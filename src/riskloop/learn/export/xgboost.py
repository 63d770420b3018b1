"""XGBoost's JSON form."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from riskloop.errors import DataError
from riskloop.learn.export.assembly import Tree, assemble
from riskloop.scorer.forest import Forest


def classifier(model: Any) -> Forest:
    """Export an ``XGBClassifier``."""
    if model.missing is not None and not math.isnan(model.missing):
        raise DataError(f"Missing values are coded as {model.missing}.", where="xgboost", next_step="use NaN")
    return booster(model.get_booster())


def booster(model: Any) -> Forest:
    """Export a ``Booster``, up to its best iteration where it was stopped early."""
    learner = json.loads(model.save_raw("json"))["learner"]
    boosting = learner["gradient_booster"]
    if boosting["name"] != "gbtree":
        raise DataError(f"The booster {boosting['name']!r} is not supported.", where="xgboost", next_step="use gbtree")
    base = _base(learner)
    trees = boosting["model"]["trees"]
    best = learner["attributes"].get("best_iteration")
    if best is not None:
        trees = trees[: boosting["model"]["iteration_indptr"][int(best) + 1]]
    return assemble(
        [_tree(tree) for tree in trees], model.num_features(), base=base, float32_inputs=True, float32_sum=True
    )


def _base(learner: dict[str, Any]) -> float:
    """The base score as log-odds, in XGBoost's own float32 steps."""
    stored = json.loads(learner["learner_model_param"]["base_score"])
    score = np.float32(stored[0] if isinstance(stored, list) else stored)
    objective = learner["objective"]["name"]
    if objective == "binary:logistic":
        return float(np.float32(-math.log(float(np.float32(1) / score - np.float32(1)))))
    if objective == "binary:logitraw":
        return float(score)
    raise DataError(
        f"The objective {objective!r} does not give log-odds.", where="xgboost", next_step="use binary:logistic"
    )


def _tree(tree: dict[str, Any]) -> Tree:
    """``x < t`` is ``x <= the float32 below t``; the listed categories go right, so the sides are swapped."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    leaf = left < 0
    categorical = (np.array(tree["split_type"]) == 1) & ~leaf
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        feature=np.where(leaf, -1, tree["split_indices"]),
        threshold=np.where(leaf | categorical, np.float32(0), np.nextafter(condition, np.float32(-np.inf))),
        left=np.where(categorical, right, left),
        right=np.where(categorical, left, right),
        missing_left=(np.array(tree["default_left"]) == 1) ^ categorical,
        value=np.where(leaf, condition, 0),
        sets=_sets(tree),
    )


def _sets(tree: dict[str, Any]) -> dict[int, Any]:
    ranges = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    return {node: tree["categories"][start : start + size] for node, start, size in ranges}
