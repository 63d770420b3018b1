"""Evaluate a forest of any shape: all rows and trees of a block go down one level at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.forest.checks import levels

if TYPE_CHECKING:
    from riskloop.scorer.forest.nodes import Forest

FloatArray = NDArray[np.float64]
Summands = NDArray[np.float32] | NDArray[np.float64]
BLOCK = 1 << 14  # pairs of row and tree at a time: what one level touches stays in cache
LEVELS = 4  # that all pairs go down before those that arrived are set aside


class Traversal:
    """Nodes renumbered by depth, so that a right child is its left sibling plus one.

    Each column appears twice, with missing values at -inf and at +inf: a node reads the one that sends a missing
    value where it must go, and a comparison is all that a level costs.
    """

    def __init__(self, forest: Forest) -> None:
        order = np.concatenate(levels(forest))
        number = np.empty_like(order)
        number[order] = np.arange(order.size)
        self._inner = forest.feature[order] >= 0
        # A leaf is its own left child and nothing is above its threshold: whoever is there stays.
        self._left = np.where(self._inner, number[forest.left[order]], number[order])
        self._threshold = np.where(self._inner, forest.threshold[order], np.inf)
        self._category = forest.category_node[order].astype(np.int64)
        to_high = ~forest.missing_left[order] & (self._category < 0)
        self._column = np.where(self._inner, forest.feature[order] + forest.n_features * to_high, 0)
        self._value = as_summed(forest, forest.value[order])
        self._categorical = np.unique(forest.feature[forest.category_node >= 0])
        self._levels = forest.category_left.shape[1]
        self._goes_right = category_table(forest)
        self._base = forest.base
        self._trees = forest.n_trees

    def total(self, X: FloatArray) -> FloatArray:
        """Base plus leaf values, shape (n,)."""
        step = max(1, BLOCK // self._trees)
        total = np.empty(len(X))
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            total[rows] = in_order(self._value.take(self._leaves(X[rows])), self._base)
        return total

    def _leaves(self, X: FloatArray) -> NDArray[np.int64]:
        columns = self._twice(X)
        leaf = np.tile(np.arange(self._trees), len(X))
        live = np.flatnonzero(self._inner.take(leaf))
        at, row = leaf[live], live // self._trees * columns.shape[1]
        while live.size:
            for _ in range(LEVELS):
                at = self._left.take(at) + self._right(at, columns.take(row + self._column.take(at)))
            leaf[live] = at
            inner = np.flatnonzero(self._inner.take(at))
            live, at, row = live[inner], at[inner], row[inner]
        return leaf.reshape(len(X), self._trees)

    def _right(self, at: NDArray[np.int64], x: FloatArray) -> NDArray[np.bool_]:
        right = x > self._threshold.take(at)
        if self._categorical.size:
            category = self._category.take(at)
            hit = np.flatnonzero(category >= 0)
            right[hit] = self._goes_right[category[hit], x[hit].astype(np.int64)]
        return right

    def _twice(self, X: FloatArray) -> FloatArray:
        missing = np.isnan(X)
        low = np.where(missing, -np.inf, X)
        low[:, self._categorical] = codes(X[:, self._categorical], self._levels)
        return np.concatenate([low, np.where(missing, np.inf, X)], axis=1)


def codes(x: FloatArray, n_levels: int) -> FloatArray:
    """Category codes as table columns: ``n_levels`` for a code outside the table, the next one for missing."""
    known = np.where((x >= 0) & (x < n_levels), np.trunc(x), n_levels)
    return np.where(np.isnan(x), n_levels + 1, known)


def category_table(forest: Forest) -> NDArray[np.bool_]:
    """Which codes go right, shape (categorical nodes, levels + 2): see :func:`codes` for the last two."""
    sets = forest.category_left
    table = np.ones((len(sets), sets.shape[1] + 2), dtype=np.bool_)
    table[:, :-2] = ~sets
    nodes = np.flatnonzero(forest.category_node >= 0)
    table[forest.category_node[nodes], -1] = ~forest.missing_left[nodes]
    return table


def as_summed(forest: Forest, values: FloatArray) -> Summands:
    """Leaf values in the precision in which they are added."""
    return values.astype(np.float32) if forest.float32_sum else values


def in_order(values: Summands, base: float) -> FloatArray:
    """Base plus each row's values, added one after the other: the boosters' own order, to the last bit."""
    values[:, 0] += values.dtype.type(base)
    if len(values) == 1:  # one row would be summed pairwise
        total = np.add.accumulate(values[0])[-1:]
    else:
        total = np.add.reduce(np.ascontiguousarray(values.T), axis=0)
    return np.asarray(total, dtype=np.float64)
