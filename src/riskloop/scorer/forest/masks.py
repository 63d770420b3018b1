"""Evaluate trees of at most 64 leaves without walking them: one AND per column tells every tree's leaf.

After QuickScorer (Lucchese et al., SIGIR 2015). A tree's leaves are the bits of a word, the leftmost leaf the highest
bit. A node whose test fails rules out the leaves of its left branch, so the highest bit that survives all failed
tests is the leaf reached. What a column rules out depends only on the bin its value falls into: a table of words, one
row per bin, one column per tree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.forest.checks import levels
from riskloop.scorer.forest.traversal import as_summed, category_table, in_order

if TYPE_CHECKING:
    from riskloop.scorer.forest.layout import Column, Layout
    from riskloop.scorer.forest.nodes import Forest

FloatArray = NDArray[np.float64]
Indices = NDArray[np.int64]
Words = NDArray[np.unsignedinteger[Any]]

CHUNK = 4096  # rows whose bins are found together
FEW_BYTES = 1 << 21  # masks that are looked up at once
BLOCK_BYTES = 1 << 18  # words of the rows that are evaluated together: they stay in the second-level cache


class Masks:
    """The table of a forest, and its leaf values by tree and bit."""

    def __init__(self, forest: Forest, layout: Layout) -> None:
        self._columns = layout.columns
        self._trees = forest.n_trees
        self._base = forest.base
        self._bits = layout.word().nbytes * 8
        tree = np.repeat(np.arange(self._trees), np.diff(np.append(forest.roots, forest.feature.size)))
        highest = self._bits - 1 - _first_leaves(forest, layout.leaves)
        value = np.zeros(self._trees * self._bits)
        leaf = forest.feature < 0
        value[(tree * self._bits + highest)[leaf]] = forest.value[leaf]
        self._value = as_summed(forest, value)
        # A float64's exponent is the position of its highest bit plus 1023.
        self._offset = np.arange(self._trees) * self._bits - 1023
        self._table = _table(forest, layout, tree, _kept(forest, layout, highest))
        self._rules_out = (self._table != np.iinfo(self._table.dtype).max).any(axis=1)
        self._numeric = [
            (column.feature, column.cuts, column.first, column.missing)
            for column in layout.columns
            if column.levels is None
        ]
        self._categorical = [column for column in layout.columns if column.levels is not None]
        self._cuts = _Cuts([column for column in layout.columns if column.levels is None])
        self._says_nothing = frozenset(np.flatnonzero(~self._rules_out).tolist())

    @property
    def nbytes(self) -> int:
        return self._table.nbytes

    def total(self, X: FloatArray) -> FloatArray:
        """Base plus leaf values, shape (n,)."""
        if len(X) == 1:
            return self._sum(self._one(X[0].tolist()))
        if 0 < len(X) * len(self._columns) * self._trees * self._table.itemsize <= FEW_BYTES:
            return self._sum(self._few(X))
        total = np.empty(len(X))
        step = max(1, BLOCK_BYTES // (self._trees * self._table.itemsize))
        for chunk in range(0, len(X), CHUNK):
            bins = self._bins(X[chunk : chunk + CHUNK])
            for start in range(0, bins.shape[1], step):
                block = bins[:, start : start + step]
                total[chunk + start : chunk + start + block.shape[1]] = self._sum(self._block(block))
        return total

    def _one(self, x: list[float]) -> Words:
        telling = np.array([row for row in self._rows(x) if row not in self._says_nothing], dtype=np.intp)
        words: Words = np.bitwise_and.reduce(self._table.take(telling, axis=0), axis=0, keepdims=True)
        return words

    def _few(self, X: FloatArray) -> Words:
        """All masks of a few rows at once: fewer operations, for more memory."""
        bins = np.concatenate(
            [self._cuts.bins(X), *(column.rows(X[:, column.feature])[None] for column in self._categorical)]
        )
        masks = self._table.take(bins.ravel(), axis=0).reshape(len(bins), -1)
        words: Words = np.bitwise_and.reduce(masks, axis=0)
        return words.reshape(len(X), self._trees)

    def _rows(self, x: list[float]) -> list[int]:
        """Row of the table for each column of one customer: numbers before categories."""
        rows = [
            first + bisect_left(cuts, x[feature]) if x[feature] == x[feature] else missing
            for feature, cuts, first, missing in self._numeric
        ]
        return rows + [column.row(x[column.feature]) for column in self._categorical]

    def _bins(self, X: FloatArray) -> Indices:
        bins = np.empty((len(self._columns), len(X)), dtype=np.int64)
        for at, column in enumerate(self._columns):
            bins[at] = column.rows(np.ascontiguousarray(X[:, column.feature]))
        return bins

    def _block(self, bins: Indices) -> Words:
        words = np.full((bins.shape[1], self._trees), np.iinfo(self._table.dtype).max, dtype=self._table.dtype)
        mask = np.empty_like(words)
        for rows in bins:
            busy = np.flatnonzero(self._rules_out.take(rows))
            if 4 * busy.size > rows.size:
                np.take(self._table, rows, axis=0, out=mask, mode="clip")
                np.bitwise_and(words, mask, out=words)
            elif busy.size:
                words[busy] &= self._table[rows[busy]]
        return words

    def _sum(self, words: Words) -> FloatArray:
        if self._bits == 64:  # 54 ones in a row would round up to the next power of two
            words = words & ~(words >> np.uint64(1))
        leaf = words.astype(np.float64).view(np.int64)
        leaf >>= 52
        leaf += self._offset
        return in_order(self._value.take(leaf), self._base)


class _Cuts:
    """The cuts of all numeric columns end to end, so that one search finds the bins of all of them.

    A cut is a complex number, its column before its threshold: NumPy sorts these by the real part, then the other.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._features = np.array([column.feature for column in columns], dtype=np.intp)
        self._missing = np.array([column.missing for column in columns], dtype=np.int64)[:, None]
        self._number = np.arange(len(columns), dtype=np.float64)[:, None]
        sizes = [len(column.cuts) for column in columns]
        shift = [column.first - sum(sizes[:at]) for at, column in enumerate(columns)]
        self._shift = np.array(shift, dtype=np.int64)[:, None]
        self._cuts = _complex(
            np.repeat(self._number[:, 0], sizes), np.concatenate([np.zeros(0), *(one.thresholds for one in columns)])
        )

    def bins(self, X: FloatArray) -> Indices:
        """Row of the table for each numeric column of every customer, shape (numeric columns, n)."""
        x = X.T[self._features]
        found = self._cuts.searchsorted(_complex(self._number, x)) + self._shift
        return np.where(np.isnan(x), self._missing, found)


def _complex(real: FloatArray, imaginary: FloatArray) -> NDArray[np.complex128]:
    """Put together, not computed: infinity times i has no real part."""
    made = np.empty(imaginary.shape, dtype=np.complex128)
    made.real, made.imag = real, imaginary
    return made


def _first_leaves(forest: Forest, count: Indices) -> Indices:
    """Position, among the leaves of its tree, of each node's leftmost leaf, shape (N,)."""
    first = np.zeros(forest.feature.size, dtype=np.int64)
    for level in levels(forest):
        inner = level[forest.feature[level] >= 0]
        first[forest.left[inner]] = first[inner]
        first[forest.right[inner]] = first[inner] + count[forest.left[inner]]
    return first


def _kept(forest: Forest, layout: Layout, highest: Indices) -> Words:
    """The leaves that remain possible when a node's test fails, shape (N,)."""
    word = layout.word
    width = np.where(forest.feature >= 0, layout.leaves[forest.left], 0).astype(word)
    lowest = (highest + 1).astype(word) - width
    left = ((word(1) << width) - word(1)) << lowest
    return np.where(forest.feature >= 0, ~left, word(0))


def _table(forest: Forest, layout: Layout, tree: Indices, kept: Words) -> Words:
    table = np.full((layout.rows, forest.n_trees), np.iinfo(layout.word).max, dtype=layout.word)
    numeric = np.flatnonzero((forest.feature >= 0) & (forest.category_node < 0))
    np.bitwise_and.at(table, (layout.node_row[numeric] + 1, tree[numeric]), kept[numeric])
    missing = np.zeros(forest.n_features, dtype=np.int64)
    for column in layout.columns:
        missing[column.feature] = column.missing
        if column.levels is None:  # a value above a threshold is above all lower ones
            bins = table[column.first : column.missing]
            np.bitwise_and.accumulate(bins, axis=0, out=bins)
    numeric = numeric[~forest.missing_left[numeric]]
    np.bitwise_and.at(table, (missing[forest.feature[numeric]], tree[numeric]), kept[numeric])
    categorical = np.flatnonzero(forest.category_node >= 0)
    at, code = np.nonzero(category_table(forest)[forest.category_node[categorical]])
    categorical = categorical[at]
    np.bitwise_and.at(table, (layout.node_row[categorical] + code, tree[categorical]), kept[categorical])
    return table
