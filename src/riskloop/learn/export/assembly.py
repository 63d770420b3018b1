"""Put the trees of one library together into a Forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskloop.errors import DataError
from riskloop.scorer.forest import Forest

Indices = NDArray[np.int64]
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree as its library numbers it: node 0 is the root, children are indices into the same arrays.

    Attributes
    ----------
    feature, left, right : int, shape (nodes,)
        -1 at leaves.
    threshold, value : float, shape (nodes,)
    missing_left : bool, shape (nodes,)
    sets : dict
        For each categorical node, the codes that go left.
    """

    feature: ArrayLike
    threshold: ArrayLike
    left: ArrayLike
    right: ArrayLike
    missing_left: ArrayLike
    value: ArrayLike
    sets: dict[int, ArrayLike] = field(default_factory=dict)


def assemble(trees: Sequence[Tree], n_features: int, **scalars: Any) -> Forest:
    """The Forest of these trees, renumbered so that a child follows its parent.

    An infinite threshold (missing against the rest) becomes the largest number.
    """
    if not trees:
        raise DataError("The model has no trees.", next_step="train it for at least one iteration")
    sizes = np.array([len(np.asarray(tree.feature)) for tree in trees])
    starts = np.cumsum(sizes) - sizes
    shift = np.repeat(starts, sizes)
    feature = _joined(trees, "feature", np.int32)
    left, right = (_joined(trees, side, np.int64) + shift for side in ("left", "right"))
    order = _order(feature, left, right, starts)
    number = np.full(feature.size, -1)
    number[order] = np.arange(order.size)
    inner = feature[order] >= 0
    roots = zip(trees, starts, strict=True)
    sets = {number[start + node]: codes for tree, start in roots for node, codes in tree.sets.items()}
    category_node, category_left = _category_sets(sets, order.size)
    return Forest(
        roots=number[starts].astype(np.int32),
        feature=np.where(inner, feature[order], -1).astype(np.int32),
        threshold=np.where(inner, np.clip(_joined(trees, "threshold", np.float64)[order], -LARGEST, LARGEST), 0.0),
        left=np.where(inner, number[left[order]], -1).astype(np.int32),
        right=np.where(inner, number[right[order]], -1).astype(np.int32),
        missing_left=inner & _joined(trees, "missing_left", np.bool_)[order],
        value=np.where(inner, 0.0, _joined(trees, "value", np.float64)[order]),
        category_node=category_node,
        category_left=category_left,
        n_features=int(n_features),
        **scalars,
    )


def _joined(trees: Sequence[Tree], name: str, dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.asarray(getattr(tree, name), dtype=dtype) for tree in trees])


def _order(feature: NDArray[np.int32], left: Indices, right: Indices, roots: Indices) -> Indices:
    """Nodes that can be reached, tree by tree, by depth."""
    level, tree = roots, np.arange(roots.size)
    nodes, trees = [level], [tree]
    while level.size:
        inner = feature[level] >= 0
        tree = np.repeat(tree[inner], 2)
        level = np.stack([left[level[inner]], right[level[inner]]], axis=1).ravel()
        nodes.append(level)
        trees.append(tree)
    return np.concatenate(nodes)[np.argsort(np.concatenate(trees), kind="stable")]


def _category_sets(sets: dict[int, ArrayLike], n_nodes: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    codes = [np.asarray(codes, dtype=np.int64) for codes in sets.values()]
    n_levels = max((int(each.max()) + 1 for each in codes if each.size), default=0)
    node = np.full(n_nodes, -1, dtype=np.int32)
    left = np.zeros((len(sets), n_levels), dtype=np.bool_)
    for row, (at, each) in enumerate(zip(sets, codes, strict=True)):
        node[at] = row
        left[row, each] = True
    return node, left
