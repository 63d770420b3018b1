"""LightGBM's text form, in which every number is written with 17 digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import DataError
from riskloop.learn.export.assembly import Tree, assemble
from riskloop.scorer.forest import Forest
from riskloop.scorer.forest.nodes import ZERO

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_ZERO, _MISSING_NAN = 1, 2
_OBJECTIVES = ("binary sigmoid:1", "cross_entropy", "xentropy")


def classifier(model: Any) -> Forest:
    """Export an ``LGBMClassifier``."""
    return booster(model.booster_)


def booster(model: Any) -> Forest:
    """Export a ``Booster``, up to its best iteration where it was stopped early."""
    header, *blocks = model.model_to_string().split("\nTree=")
    _check(header)
    nodes = [_fields(block.split("\n\n")[0]) for block in blocks]
    kinds = {kind for node in nodes for kind in _missing_kinds(node)}
    if {_MISSING_ZERO, _MISSING_NAN} <= kinds:
        raise DataError("Missing values mean zero in some trees and NaN in others.", where="lightgbm")
    averaged = len(blocks) if "average_output" in header.split("\n") else 1
    return assemble([_tree(node, averaged) for node in nodes], model.num_feature(), zero_missing=_MISSING_ZERO in kinds)


def _check(header: str) -> None:
    fields = _fields(header)
    objective = fields.get("objective", "")
    if not objective.startswith(_OBJECTIVES) or fields["num_tree_per_iteration"] != "1":
        raise DataError(
            f"The objective {objective!r} does not give log-odds.", where="lightgbm", next_step="use objective='binary'"
        )


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def _numbers(fields: dict[str, str], name: str, dtype: type[np.generic]) -> NDArray[Any]:
    return np.array(fields.get(name, "").split(), dtype=dtype)


def _missing_kinds(fields: dict[str, str]) -> list[int]:
    kind = _numbers(fields, "decision_type", np.int64)
    found: list[int] = np.unique(kind[kind & _CATEGORICAL == 0] >> 2).tolist()
    return found


def _tree(fields: dict[str, str], averaged: int) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise DataError("Linear trees have no constant leaves.", where="lightgbm", next_step="set linear_tree=False")
    threshold = _numbers(fields, "threshold", np.float64)
    kind = _numbers(fields, "decision_type", np.int64)
    # LightGBM reads a number this small as 0, on whichever side of the threshold it lies.
    cut = np.where(np.abs(threshold) > ZERO, threshold, np.where(threshold >= 0, ZERO, np.nextafter(-ZERO, -np.inf)))
    inner, leaves = threshold.size, _numbers(fields, "leaf_value", np.float64) / averaged
    categorical = kind & _CATEGORICAL > 0
    # Where training saw no missing value (kind 0), LightGBM reads NaN as 0.
    missing_left = np.where(kind >> 2 == 0, threshold >= 0, kind & _DEFAULT_LEFT > 0) & ~categorical
    padded = np.full(leaves.size, -1)
    return Tree(
        feature=np.concatenate([_numbers(fields, "split_feature", np.int64), padded]),
        threshold=np.concatenate([cut, np.zeros(leaves.size)]),
        left=np.concatenate([_children(fields, "left_child", inner), padded]),
        right=np.concatenate([_children(fields, "right_child", inner), padded]),
        missing_left=np.concatenate([missing_left, padded == 0]),
        value=np.concatenate([np.zeros(inner), leaves]),
        sets=_sets(fields, np.flatnonzero(categorical), threshold),
    )


def _children(fields: dict[str, str], name: str, inner: int) -> NDArray[np.int64]:
    child = _numbers(fields, name, np.int64)
    return np.where(child < 0, inner + ~child, child)


def _sets(fields: dict[str, str], nodes: NDArray[np.int64], threshold: NDArray[np.float64]) -> dict[int, Any]:
    """The bits of 32-bit words; a categorical node's threshold is the number of its words' range."""
    bounds = _numbers(fields, "cat_boundaries", np.int64)
    words = _numbers(fields, "cat_threshold", np.uint32)
    sets = {}
    for node in nodes.tolist():
        at = int(threshold[node])
        bits = np.unpackbits(words[bounds[at] : bounds[at + 1]].astype("<u4").view(np.uint8), bitorder="little")
        sets[node] = np.flatnonzero(bits)
    return sets
