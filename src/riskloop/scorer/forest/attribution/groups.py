"""Leaves, and groups of neighbouring leaves that share one table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskloop.scorer.forest.layout import Column, Layout

if TYPE_CHECKING:
    from riskloop.scorer.forest.nodes import Forest

STATES = 1024
"""What leaves that share a table may tell apart together: more makes fewer look-ups, and larger tables."""

Bins = int
"""Bins of one column, a bit each."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """A leaf that adds something, and the bins with which one reaches it, column by column."""

    node: int
    value: float
    allowed: Mapping[int, Bins]


@dataclass(frozen=True, eq=False)
class Group:
    """Leaves that share a table, and for each column the classes of bins that none of them tells apart."""

    leaves: tuple[Leaf, ...]
    classes: Mapping[int, tuple[Bins, ...]]

    @property
    def states(self) -> int:
        """Combinations of classes."""
        return math.prod(map(len, self.classes.values()))

    @property
    def nbytes(self) -> int:
        """Size of the table, if every column is a player."""
        return 8 * self.states * len(self.classes)

    def joined(self, leaf: Leaf, columns: Mapping[int, Column]) -> Group:
        """With one leaf more."""
        classes = dict(self.classes)
        for column, allowed in leaf.allowed.items():
            known = classes.get(column, (_all(columns[column]),))
            classes[column] = tuple(part for one in known for part in (one & allowed, one & ~allowed) if part)
        return Group((*self.leaves, leaf), classes)


def groups(forest: Forest, layout: Layout) -> Iterator[Group]:
    """Every leaf that adds something, tree by tree from left to right, with as many neighbours as share a table."""
    columns = {column.feature: column for column in layout.columns}
    left = _left(forest, layout, columns)
    empty = Group((), {})
    for root in forest.roots.tolist():
        group = empty
        for leaf in _leaves(forest, root, columns, left):
            wider = group.joined(leaf, columns)
            if group.leaves and wider.states > STATES:
                yield group
                wider = empty.joined(leaf, columns)
            group = wider
        if group.leaves:
            yield group


def _all(column: Column) -> Bins:
    return (1 << (column.missing - column.first + 1)) - 1


def _left(forest: Forest, layout: Layout, columns: Mapping[int, Column]) -> list[Bins]:
    """The bins that each inner node sends left."""
    left = []
    missing, category = forest.missing_left.tolist(), forest.category_node.tolist()
    for node, feature in enumerate(forest.feature.tolist()):
        bins = 0
        if feature >= 0:
            column = columns[feature]
            if column.levels is None:
                bins = (1 << (int(layout.node_row[node]) - column.first + 1)) - 1
            else:
                codes = np.packbits(forest.category_left[category[node]], bitorder="little")
                bins = int.from_bytes(codes.tobytes(), "little")
            bins |= missing[node] << (column.missing - column.first)
        left.append(bins)
    return left


def _leaves(forest: Forest, root: int, columns: Mapping[int, Column], left: list[Bins]) -> Iterator[Leaf]:
    pending: list[tuple[int, dict[int, Bins]]] = [(root, {})]
    while pending:
        node, allowed = pending.pop()
        feature = int(forest.feature[node])
        if feature >= 0:
            known = allowed.get(feature, _all(columns[feature]))
            for child, bins in ((forest.right, known & ~left[node]), (forest.left, known & left[node])):
                if bins:
                    pending.append((int(child[node]), {**allowed, feature: bins}))
        elif allowed and forest.value[node]:
            yield Leaf(node, float(forest.value[node]), allowed)
