"""The bins of a forest's columns: what a table of masks would hold, known before it is built."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.forest.checks import levels
from riskloop.scorer.forest.traversal import codes

if TYPE_CHECKING:
    from riskloop.scorer.forest.nodes import Forest

FloatArray = NDArray[np.float64]
Indices = NDArray[np.int64]

TABLE_BYTES = 96 << 20
ROW_BYTES = 512  # per tree: above it, walking a tree reads less than its masks hold


@dataclass(frozen=True, eq=False)
class Column:
    """A column that some node reads, and where its bins begin in the table.

    A numeric column has one bin below, between and above its thresholds, and one for missing. A categorical one has
    a bin per level, one for a code outside the table, and one for missing.
    """

    feature: int
    first: int
    thresholds: FloatArray
    cuts: list[float]
    levels: int | None  # None: numeric

    @property
    def missing(self) -> int:
        return self.first + (len(self.cuts) if self.levels is None else self.levels) + 1

    def rows(self, x: FloatArray) -> Indices:
        """Row of the table for each value, shape (n,)."""
        if self.levels is not None:
            return self.first + codes(x, self.levels).astype(np.int64)
        rows = np.searchsorted(self.thresholds, x) + self.first
        rows[np.isnan(x)] = self.missing
        return rows

    def row(self, x: float) -> int:
        """Row of the table for one value."""
        if math.isnan(x):
            return self.missing
        if self.levels is None:
            return self.first + bisect_left(self.cuts, x)
        return self.first + (int(x) if 0 <= x < self.levels else self.levels)


@dataclass(frozen=True, eq=False)
class Layout:
    """Where each column's bins lie in the table, and how many leaves lie below each node.

    Attributes
    ----------
    columns : list of Column
    rows : int
        Bins of all columns.
    node_row : int64, shape (N,)
        Bin that ends at a node's threshold; first bin of its column where the node is categorical.
    leaves : int64, shape (N,)
        Leaves at or below each node.
    """

    columns: list[Column]
    rows: int
    node_row: Indices
    leaves: Indices
    n_trees: int

    @classmethod
    def of(cls, forest: Forest) -> Layout:
        """Lay out a forest."""
        columns: list[Column] = []
        node_row = np.zeros(forest.feature.size, dtype=np.int64)
        order = np.argsort(forest.feature, kind="stable")
        used, starts = np.unique(forest.feature[order], return_index=True)
        first = 0
        for feature, nodes in zip(used.tolist(), np.split(order, starts[1:]), strict=True):
            if feature >= 0:
                column, rank = _column(forest, feature, nodes, first)
                columns.append(column)
                node_row[nodes] = first + rank
                first = column.missing + 1
        return cls(columns, first, node_row, _leaf_counts(forest), forest.n_trees)

    @property
    def word(self) -> type[np.unsignedinteger[Any]]:
        """The smallest word with a bit for every leaf of a tree."""
        most = self.leaves.max()
        return np.uint8 if most <= 8 else np.uint16 if most <= 16 else np.uint32 if most <= 32 else np.uint64

    @property
    def fits(self) -> bool:
        """Whether masks are possible, fit memory, and are faster than walking the trees."""
        size = self.word().nbytes
        # At most one of the binary columns made from a category says more than "not me", which costs nothing.
        wide = sum(len(column.cuts) != 1 for column in self.columns)
        return bool(
            self.leaves.max() <= 64 and self.rows * self.n_trees * size <= TABLE_BYTES and wide * size <= ROW_BYTES
        )


def _column(forest: Forest, feature: int, nodes: Indices, first: int) -> tuple[Column, Indices]:
    if forest.category_node[nodes[0]] >= 0:
        column = Column(feature, first, np.empty(0), [], forest.category_left.shape[1])
        return column, np.zeros(nodes.size, dtype=np.int64)
    thresholds, rank = np.unique(forest.threshold[nodes], return_inverse=True)
    return Column(feature, first, thresholds, thresholds.tolist(), None), rank


def _leaf_counts(forest: Forest) -> Indices:
    count = np.ones(forest.feature.size, dtype=np.int64)
    for level in reversed(levels(forest)):
        inner = level[forest.feature[level] >= 0]
        count[inner] = count[forest.left[inner]] + count[forest.right[inner]]
    return count
