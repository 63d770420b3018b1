"""Leaves without a table: down the trees with the customer and every customer of the background, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.forest.attribution.coalitions import deciding
from riskloop.scorer.forest.checks import levels
from riskloop.scorer.forest.traversal import category_table, codes

if TYPE_CHECKING:
    from riskloop.scorer.forest.nodes import Forest

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Indices = NDArray[np.intp]

_MINE, _THEIRS = 1, 2
_PAIRS = 1 << 14  # of tree and customer of the background that go down together


class Walk:
    """Shares of the players in a forest, pair by pair of customers (Lundberg et al., 2020).

    Two customers go down a tree together. Where they part at a column of a player who has not been met, the walk goes
    both ways: with the player in the coalition, and without him; where he has, it goes the way of his side. At a leaf
    that has been reached, the players on each side say who decides. It needs no memory beyond the trees, and takes
    time in proportion to trees and background.
    """

    def __init__(
        self, forest: Forest, player: Indices, players: int, background: FloatArray, scale: float
    ) -> None:
        self._forest, self._player, self._players, self._background = forest, player, players, background
        self._scale = scale / len(background)
        self._deciding = deciding(players)
        self._children = np.stack([forest.right, forest.left], axis=1).astype(np.intp)
        self._category = category_table(forest)
        self._leads_somewhere = forest.value != 0
        for level in reversed(levels(forest)):
            inner = level[forest.feature[level] >= 0]
            self._leads_somewhere[inner] = self._leads_somewhere[self._children[inner]].any(axis=1)
        self._roots = forest.roots[self._leads_somewhere[forest.roots]].astype(np.intp)

    def add(self, X: FloatArray, total: FloatArray) -> None:
        """Add the shares of customers, shape (n, n_features), to ``total``, shape (n, players)."""
        step = max(1, _PAIRS // len(self._background))
        for x, shares in zip(X, total, strict=True):
            for start in range(0, len(self._roots), step):
                shares += self._shares(x, self._roots[start : start + step])

    def _shares(self, x: FloatArray, roots: Indices) -> FloatArray:
        feature, shares = self._forest.feature, np.zeros(self._players)
        node = np.repeat(roots, len(self._background))
        other = np.tile(np.arange(len(self._background)), len(roots))
        side = np.zeros((len(node), self._players), dtype=np.int8)
        while node.size:
            inner = feature[node] >= 0
            shares += self._reached(node[~inner], side[~inner])
            node, other, side = node[inner], other[inner], side[inner]
            column = feature[node]
            mine, theirs = self._left(x[column], node), self._left(self._background[other, column], node)
            pair, player = np.arange(node.size), self._player[column]
            sides = side[pair, player]
            parted = np.flatnonzero((sides == 0) & (mine != theirs))
            without = side[parted]
            without[pair[: parted.size], player[parted]] = _THEIRS
            side[parted, player[parted]] = _MINE
            way = np.where(sides == _THEIRS, theirs, mine).astype(np.intp)
            node = np.concatenate([self._children[node, way], self._children[node[parted], 1 - way[parted]]])
            somewhere = np.flatnonzero(self._leads_somewhere[node])
            node, other = node[somewhere], np.concatenate([other, other[parted]])[somewhere]
            side = np.concatenate([side, without])[somewhere]
        return shares

    def _left(self, x: FloatArray, node: Indices) -> BoolArray:
        """Whether these values go left at these nodes."""
        forest = self._forest
        left = np.where(np.isnan(x), forest.missing_left[node], x <= forest.threshold[node])
        if len(self._category):
            category = forest.category_node[node]
            hit = np.flatnonzero(category >= 0)
            code = codes(x[hit], forest.category_left.shape[1]).astype(np.intp)
            left[hit] = ~self._category[category[hit], code]
        return left

    def _reached(self, leaf: Indices, side: NDArray[np.int8]) -> FloatArray:
        """Shares at leaves that have been reached, each with the players who let the one or the other reach it."""
        mine, theirs = side == _MINE, side == _THEIRS
        gained, lost = mine.sum(axis=1), theirs.sum(axis=1)
        value = self._forest.value[leaf] * self._scale
        shares: FloatArray = (value * self._deciding[gained, lost]) @ mine
        shares -= (value * self._deciding[lost, gained]) @ theirs
        return shares
