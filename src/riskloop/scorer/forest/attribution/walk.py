"""Leaves without a table: down the trees with the customer, and with all those of the background who go along."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.forest.attribution.coalitions import deciding
from riskloop.scorer.forest.checks import levels
from riskloop.scorer.forest.traversal import category_table, codes

if TYPE_CHECKING:
    from riskloop.scorer.forest.nodes import Forest

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Words = NDArray[np.uint64]
Indices = NDArray[np.intp]

_NOBODY, _ALL = np.uint64(0), np.uint64(2**64 - 1)
_TREES = 256  # that are walked side by side


class Walk:
    """Shares of the players in a forest, path by path (after Lundberg et al., 2020).

    The customer goes down a tree together with the whole background. Those who part from him at a column of a player
    who has not been met are taken both ways: with the player in the coalition, which is where the customer goes, and
    without him; where he has been met, the way of his side. At a leaf, the players on each side say who decides. That
    needs little memory beyond the trees; time grows with them and with how different the background is.
    """

    def __init__(self, forest: Forest, player: Indices, players: int, background: FloatArray, scale: float) -> None:
        children = np.stack([forest.right, forest.left]).astype(np.intp)
        somewhere = forest.value != 0
        for level in reversed(levels(forest)):
            inner = level[forest.feature[level] >= 0]
            somewhere[inner] = somewhere[children[:, inner]].any(axis=0)
        # Inner nodes that lead somewhere come first, then leaves; the others have no number.
        self._inner = np.flatnonzero(somewhere & (forest.feature >= 0))
        leaves = np.flatnonzero(somewhere & (forest.feature < 0))
        number = np.full(forest.feature.size, -1, dtype=np.intp)
        number[self._inner] = np.arange(len(self._inner))
        number[leaves] = len(self._inner) + np.arange(len(leaves))
        self._roots = number[forest.roots][somewhere[forest.roots]]
        self._children = number[children[:, self._inner]]
        self._value = forest.value[leaves] * scale / len(background)
        self._forest, self._goes_right = forest, category_table(forest)
        whose = player[forest.feature[self._inner]]
        self._place, self._bit = whose // 64, np.uint64(1) << (whose % 64).astype(np.uint64)
        self._players, self._deciding = players, deciding(players)
        self._everybody = _words(np.ones((len(background), 1), dtype=bool))
        self._who_goes_left = _words(np.array([self._left(other) for other in background]))

    def add(self, X: FloatArray, total: FloatArray) -> None:
        """Add the shares of customers, shape (n, n_features), to ``total``, shape (n, players)."""
        for row, x in enumerate(X):
            left = self._left(x)
            goes_along = self._who_goes_left ^ np.where(left, _NOBODY, _ALL)
            ahead = np.where(left, self._children[::-1], self._children)
            for start in range(0, len(self._roots), _TREES):
                total[row] += self._shares(self._roots[start : start + _TREES], goes_along, ahead)

    def _left(self, x: FloatArray) -> BoolArray:
        """At which inner nodes a customer goes left."""
        forest, node = self._forest, self._inner
        x = x[forest.feature[node]]
        left = np.where(np.isnan(x), forest.missing_left[node], x <= forest.threshold[node])
        if len(self._goes_right):
            category = forest.category_node[node]
            hit = np.flatnonzero(category >= 0)
            code = codes(x[hit], forest.category_left.shape[1]).astype(np.intp)
            left[hit] = ~self._goes_right[category[hit], code]
        return left

    def _shares(self, roots: Indices, goes_along: Words, ahead: Indices) -> FloatArray:
        """Shares in some trees; at every inner node, who goes along with the customer, and his way and the other."""
        shares = np.zeros(self._players)
        nobody = np.zeros((-(-self._players // 64), len(roots)), dtype=np.uint64)
        paths = _Paths(roots, np.repeat(self._everybody, len(roots), axis=1), nobody, nobody)
        while paths.node.size:
            leaf = paths.node >= len(self._inner)
            shares += self._reached(paths.some(np.flatnonzero(leaf)))
            paths = self._further(paths.some(np.flatnonzero(~leaf)), goes_along, ahead)
        return shares

    def _further(self, paths: _Paths, goes_along: Words, ahead: Indices) -> _Paths:
        """One node further, where that leads somewhere."""
        node, others, mine, theirs = paths
        place, bit, at = self._place[node], self._bit[node], np.arange(node.size)
        mine_met, theirs_met = (words[place, at] & bit > 0 for words in (mine, theirs))
        along = others & (goes_along[:, node] | np.where(mine_met, _ALL, _NOBODY))
        apart = others ^ along
        some_along, some_apart = (np.bitwise_or.reduce(words, axis=0) > 0 for words in (along, apart))
        his, other = ahead[:, node]
        stays = np.flatnonzero(some_along & (his >= 0))
        joins = np.flatnonzero(some_apart & (his >= 0) & ~theirs_met)
        parts = np.flatnonzero(some_apart & (other >= 0))
        before = np.concatenate([stays, joins, parts])
        joined, parted = np.split(np.arange(len(stays), len(before)), [len(joins)])
        mine, theirs = mine[:, before], theirs[:, before]
        mine[place[joins], joined] |= bit[joins]
        theirs[place[parts], parted] |= bit[parts]
        node = np.concatenate([his[stays], his[joins], other[parts]])
        others = np.concatenate([along[:, stays], apart[:, joins], apart[:, parts]], axis=1)
        return _Paths(node, others, mine, theirs)

    def _reached(self, paths: _Paths) -> FloatArray:
        """Shares at leaves that are reached, each with the players who let the customer or the others reach it."""
        many, gained, lost = (np.bitwise_count(words).sum(axis=0) for words in paths[1:])
        value = self._value[paths.node - len(self._inner)] * many
        shares: FloatArray = _bits(paths.mine, self._players) @ (value * self._deciding[gained, lost])
        shares -= _bits(paths.theirs, self._players) @ (value * self._deciding[lost, gained])
        return shares


class _Paths(NamedTuple):
    """Where paths have come to, who of the background goes along, and the players on either side, a bit each."""

    node: Indices
    others: Words
    mine: Words
    theirs: Words

    def some(self, which: Indices) -> _Paths:
        """A few of them."""
        return _Paths(self.node[which], *(words[:, which] for words in self[1:]))


def _words(bits: BoolArray) -> Words:
    """Bits down the first axis, shape (n, m), as words of 64, shape (n / 64 rounded up, m)."""
    padded = np.zeros((-(-len(bits) // 64) * 64, bits.shape[1]), dtype=bool)
    padded[: len(bits)] = bits
    packed = np.packbits(padded, axis=0, bitorder="little")
    return np.ascontiguousarray(packed.T).view(np.uint64).T


def _bits(words: Words, count: int) -> FloatArray:
    """The first bits of words of 64, shape (words, m), one below the other, shape (count, m)."""
    packed = np.ascontiguousarray(words.T, dtype="<u8").view(np.uint8)
    return np.unpackbits(packed, axis=1, count=count, bitorder="little").T.astype(np.float64)
