"""Refuse arrays that do not describe trees: they may come from an altered file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import BundleRefused

if TYPE_CHECKING:
    from riskloop.scorer.forest.nodes import Forest

MAX_DEPTH = 4096
_NODE_ARRAYS = {
    "feature": np.int32,
    "threshold": np.float64,
    "left": np.int32,
    "right": np.int32,
    "missing_left": np.bool_,
    "value": np.float64,
    "category_node": np.int32,
}


def check(forest: Forest) -> None:
    """Raise BundleRefused unless every evaluation of these arrays ends, inside them, with a finite number."""
    _check_types(forest)
    _check_scalars(forest)
    _check_roots(forest)
    _check_nodes(forest)
    _check_children(forest)
    _check_values(forest)
    _check_categories(forest)


def levels(forest: Forest) -> list[NDArray[np.int64]]:
    """Nodes by depth, all trees together, each pair of siblings side by side.

    Raises
    ------
    BundleRefused
        If a tree is deeper than 4,096 levels.
    """
    level = forest.roots.astype(np.int64)
    found = []
    while level.size:
        found.append(level)
        _require(len(found) <= MAX_DEPTH, "left", f"a tree is deeper than {MAX_DEPTH} levels")
        parents = level[forest.feature[level] >= 0]
        level = np.stack([forest.left[parents], forest.right[parents]], axis=1).ravel().astype(np.int64)
    return found


def _require(holds: Any, name: str, message: str) -> None:
    if not holds:
        raise BundleRefused(
            f"These are not trees: {message}.", where=f"forest.{name}", next_step="export the model again"
        )


def _check_types(forest: Forest) -> None:
    sizes = set()
    for name, dtype in (_NODE_ARRAYS | {"roots": np.int32}).items():
        array = getattr(forest, name)
        _require(type(array) is np.ndarray and array.dtype == dtype, name, f"it must hold {dtype.__name__}")
        _require(array.ndim == 1, name, "it must have one dimension")
        sizes.add(array.size if name in _NODE_ARRAYS else forest.feature.size)
    _require(len(sizes) == 1, "feature", "the arrays of nodes differ in length")
    table = forest.category_left
    _require(type(table) is np.ndarray and table.dtype == np.bool_, "category_left", "it must hold bool")
    _require(table.ndim == 2, "category_left", "it must have two dimensions")
    for name in ("missing_left", "category_left"):  # a file can hold other bytes, on which NumPy's masks go astray
        _require((getattr(forest, name).view(np.uint8) <= 1).all(), name, "it must hold only 0 and 1")


def _check_scalars(forest: Forest) -> None:
    _require(type(forest.n_features) is int and 0 < forest.n_features < 2**31, "n_features", "it must be positive")
    _require(type(forest.base) is float and math.isfinite(forest.base), "base", "it must be a finite float")
    for name in ("average", "float32_inputs", "float32_sum", "zero_missing"):
        _require(type(getattr(forest, name)) is bool, name, "it must be true or false")


def _check_roots(forest: Forest) -> None:
    roots = forest.roots
    _require(roots.size and roots[0] == 0, "roots", "the first tree must begin at node 0")
    _require(
        (roots[1:] > roots[:-1]).all() and roots[-1] < forest.feature.size, "roots", "trees must follow each other"
    )


def _check_nodes(forest: Forest) -> None:
    leaf = forest.feature == -1
    inside = (forest.feature >= -1) & (forest.feature < forest.n_features)
    _require(inside.all(), "feature", "a node reads a column that does not exist")
    _require(np.isfinite(forest.threshold).all(), "threshold", "a threshold is not finite")
    for name in ("left", "right", "category_node"):
        _require((getattr(forest, name)[leaf] == -1).all(), name, "a leaf must hold -1")


def _check_children(forest: Forest) -> None:
    """Each node but the roots is the child of exactly one earlier node of its tree: no cycle, nothing unreached."""
    size = forest.feature.size
    ends = np.append(forest.roots[1:], size)
    end = np.repeat(ends, np.diff(np.append(forest.roots, size)))
    parent = np.flatnonzero(forest.feature >= 0)
    for name in ("left", "right"):
        child = getattr(forest, name)[parent]
        _require(((child > parent) & (child < end[parent])).all(), name, "a child must follow its parent in its tree")
    parents = np.bincount(np.concatenate([forest.left[parent], forest.right[parent]]), minlength=size)
    parents[forest.roots] += 1
    _require((parents == 1).all(), "left", "a node must have exactly one parent")
    levels(forest)


def _check_values(forest: Forest) -> None:
    limit = float(np.finfo(np.float32 if forest.float32_sum else np.float64).max)
    with np.errstate(over="ignore"):
        size = np.abs(forest.value).sum() + abs(forest.base)
    _require(size < limit, "value", "leaf values must be finite, and so must their sum")
    if forest.average:
        fractions = (forest.value >= -1e-9) & (forest.value <= 1 + 1e-9)
        _require(fractions.all() and forest.base == 0, "value", "averaged leaf values must be probabilities")


def _check_categories(forest: Forest) -> None:
    node = forest.category_node
    inside = (node >= -1) & (node < len(forest.category_left))
    _require(inside.all(), "category_node", "a node reads a set of categories that does not exist")
    _require(
        np.array_equal(np.sort(node[node >= 0]), np.arange(len(forest.category_left))),
        "category_node",
        "each set of categories must belong to one node",
    )
    categorical = forest.feature[node >= 0]
    numeric = forest.feature[(node < 0) & (forest.feature >= 0)]
    _require(not np.intersect1d(categorical, numeric).size, "category_node", "a column is numeric and categorical")
