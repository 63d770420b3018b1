"""Shapley values of a forest against a background of customers, exact and from tables.

The value of a coalition of players (source columns) is the forest's mean margin over the background when the members
hold the customer's values and the others a background customer's (interventional Shapley values: Lundberg et al.,
2020). A leaf gives its value where every player on its path satisfies it, from one side or the other. So what a leaf
adds to each player depends only on which of its players the customer satisfies: a word of as many bits. For every leaf
a table holds the shares for every word, summed over the background; for every bin of every column another holds which
words it allows. A customer costs one AND per column and one look-up per leaf. Leaves of many players, whose tables
would be too large, are held against the background's words one by one; few of them are ever reached.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.forest.layout import Column, Layout

if TYPE_CHECKING:
    from riskloop.scorer.forest.nodes import Forest

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Words = NDArray[np.unsignedinteger[Any]]

TABLED = 8
"""Players on one path up to which its shares are tabled."""
MOST_PLAYERS = 16
MOST_BYTES = 512 << 20
_BLOCK = 1 << 20  # words of the customers that are explained together
_COMPARED_ROWS = 64
_EVERYBODY = np.uint16(2**16 - 1)
_BITS = np.uint16(1) << np.arange(MOST_PLAYERS, dtype=np.uint16)
_FACTORIAL = np.array([float(math.factorial(n)) for n in range(MOST_PLAYERS + 1)])


class TooLarge(Exception):
    """A forest whose tables would not fit memory, or with more than 16 players on one path."""


class ForestAttribution:
    """Shares of each player in the margins of a forest.

    Attributes
    ----------
    base : float
        The background's mean margin; of probability, where the forest is a mean of probabilities.

    Parameters
    ----------
    forest : Forest
    player : int array, shape (n_features,)
        The player that each column of the matrix belongs to.
    players : int
    background : float array, shape (m, n_features)
        Matrix of the customers to compare with.

    Raises
    ------
    TooLarge
        If the tables would take more than 512 MB.
    """

    def __init__(self, forest: Forest, player: NDArray[np.intp], players: int, background: FloatArray) -> None:
        layout, of = Layout.of(forest), player.tolist()
        paths = sorted(_paths(forest, of), key=lambda path: len(path.players))
        if paths and len(paths[-1].players) > MOST_PLAYERS:
            raise TooLarge
        small = [path for path in paths if len(path.players) <= TABLED]
        tables = sum(len(path.players) * 2 ** len(path.players) * 8 for path in small)
        if tables + layout.rows * (2 * len(paths) - len(small)) > MOST_BYTES:
            raise TooLarge
        self._forest, self._players, self._columns = forest, players, layout.columns
        scale = 1 / forest.n_trees if forest.average else 1.0
        bins, goes_left = self._bins(background), _goes_left(forest, layout)
        self._parts: list[_Tabled | _Compared] = []
        for part, some, word in ((_Tabled, small, np.uint8), (_Compared, paths[len(small) :], np.uint16)):
            if some:
                allowed = _allowed(forest, layout, goes_left, some, of, word)
                self._parts.append(part(some, allowed, bins, players, scale))
        margin = forest.margin(background)
        self.base = float((1 / (1 + np.exp(-margin)) if forest.average else margin).mean())

    @property
    def nbytes(self) -> int:
        """Memory of the tables."""
        return sum(part.nbytes for part in self._parts)

    def shares(self, matrix: FloatArray) -> FloatArray:
        """What each player adds to the margin beside the background's mean, shape (n, players)."""
        shares = np.zeros((len(matrix), self._players))
        leaves = sum(part.allowed.shape[1] for part in self._parts)
        step = max(1, _BLOCK // max(1, leaves))
        for start in range(0, len(matrix), step):
            bins = self._bins(matrix[start : start + step])
            for part in self._parts:
                part.add(_words(part.allowed, bins), shares[start : start + step])
        return shares

    def _bins(self, matrix: FloatArray) -> list[NDArray[np.int64]]:
        """For each column that is read the bin of every row."""
        X = self._forest._inputs(np.asarray(matrix, dtype=np.float64))
        if len(X) == 1:
            return [np.array([column.row(float(X[0, column.feature]))]) for column in self._columns]
        return [column.rows(X[:, column.feature]) for column in self._columns]


def _words(allowed: Words, bins: Sequence[NDArray[np.int64]]) -> Words:
    """Which players of each leaf every row satisfies, shape (n, leaves)."""
    words = np.full((len(bins[0]) if bins else 1, allowed.shape[1]), np.iinfo(allowed.dtype).max, dtype=allowed.dtype)
    for each in bins:
        words &= allowed[each]
    return words


@dataclass(frozen=True, eq=False)
class _Path:
    """A leaf's value, its players in the order in which they are met, and the nodes on the way, with the branch."""

    value: float
    players: tuple[int, ...]
    nodes: tuple[tuple[int, bool], ...]


def _paths(forest: Forest, player: Sequence[int]) -> Iterator[_Path]:
    """Every leaf that adds something, of trees that split."""
    feature, left, right = forest.feature.tolist(), forest.left.tolist(), forest.right.tolist()
    value = forest.value.tolist()
    for root in forest.roots.tolist():
        pending: list[tuple[int, tuple[tuple[int, bool], ...]]] = [(root, ())]
        while pending:
            node, way = pending.pop()
            if feature[node] >= 0:
                pending.append((right[node], (*way, (node, False))))
                pending.append((left[node], (*way, (node, True))))
            elif way and value[node]:
                yield _Path(value[node], tuple(dict.fromkeys(player[feature[passed]] for passed, _ in way)), way)


def _goes_left(forest: Forest, layout: Layout) -> dict[int, tuple[Column, BoolArray]]:
    """For each inner node its column, and which bins it sends left."""
    columns = {column.feature: column for column in layout.columns}
    found = {}
    for node, feature in enumerate(forest.feature.tolist()):
        if feature >= 0:
            column = columns[feature]
            left = np.zeros(column.missing - column.first + 1, dtype=bool)
            if column.levels is None:
                left[: int(layout.node_row[node]) - column.first + 1] = True
            else:
                left[: column.levels] = forest.category_left[forest.category_node[node]]
            left[-1] = forest.missing_left[node]
            found[node] = column, left
    return found


def _allowed(
    forest: Forest,
    layout: Layout,
    goes_left: dict[int, tuple[Column, BoolArray]],
    paths: Sequence[_Path],
    player: Sequence[int],
    word: type[np.unsignedinteger[Any]],
) -> Words:
    """For every bin of every column the players of each leaf that it does not rule out, shape (bins, leaves)."""
    most = np.iinfo(word).max
    table = np.full((len(paths), layout.rows), most, dtype=word)
    feature = forest.feature.tolist()
    for path, line in zip(paths, table, strict=True):
        for node, went_left in path.nodes:
            column, left = goes_left[node]
            bit = word(1 << path.players.index(player[feature[node]]))
            line[column.first : column.missing + 1] &= ~(bit * (left != went_left))
    return np.ascontiguousarray(table.T)


@dataclass(frozen=True, eq=False)
class _Group:
    """Leaves of as many players, and their shares by word, shape (leaves * 2^k, k)."""

    leaves: slice
    players: NDArray[np.intp]
    first: NDArray[np.intp]
    shares: FloatArray


class _Tabled:
    """Leaves of few players, whose shares are looked up."""

    def __init__(
        self, paths: Sequence[_Path], allowed: Words, background: list[NDArray[np.int64]], players: int, scale: float
    ) -> None:
        self.allowed, self._players = allowed, players
        words = _words(allowed, background)
        counts = np.array([len(path.players) for path in paths])
        self._groups = []
        for k in np.unique(counts).tolist():
            leaves = slice(*(int(np.searchsorted(counts, k, side=side)) for side in ("left", "right")))
            value = np.array([path.value for path in paths[leaves]]) * scale
            held = words[:, leaves] & np.uint8((1 << k) - 1)
            others = np.unique(held)
            weight = np.array([(held == other).mean(axis=0) * value for other in others])
            each = np.array([_shares(k, other) for other in others.tolist()])
            shares = weight.T @ each.reshape(len(others), -1)
            whose = np.array([player for path in paths[leaves] for player in path.players])
            first = np.arange(len(value)) << k
            self._groups.append(_Group(leaves, whose, first, shares.reshape(-1, k)))

    @property
    def nbytes(self) -> int:
        return self.allowed.nbytes + sum(group.shares.nbytes for group in self._groups)

    def add(self, words: Words, total: FloatArray) -> None:
        """Add the shares of rows with these words, shape (n, leaves)."""
        for group in self._groups:
            k = group.shares.shape[1]
            held = words[:, group.leaves] & np.uint8((1 << k) - 1)
            shares = group.shares.take(group.first + held, axis=0).reshape(len(words), -1)
            for row, line in enumerate(shares):
                total[row] += np.bincount(group.players, line, self._players)


class _Compared:
    """Leaves of many players, held against every word that the background has for them."""

    def __init__(
        self, paths: Sequence[_Path], allowed: Words, background: list[NDArray[np.int64]], players: int, scale: float
    ) -> None:
        self.allowed, self._players = allowed, players
        counts = np.array([len(path.players) for path in paths])
        self._whose = np.zeros((len(paths), MOST_PLAYERS), dtype=np.intp)
        for leaf, path in enumerate(paths):
            self._whose[leaf, : counts[leaf]] = path.players
        full = ((1 << counts) - 1).astype(np.uint16)
        held = _words(allowed, background) & full
        pairs = [np.unique(held[:, leaf], return_counts=True) for leaf in range(len(paths))]
        self._leaf = np.repeat(np.arange(len(paths)), [len(words) for words, _ in pairs])
        self._other = np.concatenate([words for words, _ in pairs])
        self._full = full[self._leaf]
        self._wanting = self._other | ~self._full
        value = np.array([path.value for path in paths]) * scale
        self._weight = np.concatenate([rows for _, rows in pairs]) / len(held) * value[self._leaf]

    @property
    def nbytes(self) -> int:
        return self.allowed.nbytes + self._whose.nbytes + self._leaf.nbytes + self._other.nbytes + self._weight.nbytes

    def add(self, words: Words, total: FloatArray) -> None:
        """Add the shares of rows with these words, shape (n, leaves)."""
        for start in range(0, len(words), _COMPARED_ROWS):
            held = words[start : start + _COMPARED_ROWS].take(self._leaf, axis=1)
            found = np.flatnonzero((held | self._wanting) == _EVERYBODY)
            row, pair = np.divmod(found, len(self._leaf))
            mine, other, full = held.ravel()[found], self._other[pair], self._full[pair]
            gained, lost = mine & ~other & full, other & ~mine & full
            for_them, against = _coefficients(gained, lost)
            shares = ((gained[:, None] & _BITS) > 0) * (for_them * self._weight[pair])[:, None]
            shares -= ((lost[:, None] & _BITS) > 0) * (against * self._weight[pair])[:, None]
            whose = ((start + row) * self._players)[:, None] + self._whose[self._leaf[pair]]
            total += np.bincount(whose.ravel(), shares.ravel(), total.size).reshape(total.shape)


def _coefficients(gained: Words, lost: Words) -> tuple[FloatArray, FloatArray]:
    """What a leaf of value 1 adds to each player who alone lets the customer reach it, and takes from each who alone
    lets the other: orders of joining in which that player decides."""
    a, b = np.bitwise_count(gained).astype(np.intp), np.bitwise_count(lost).astype(np.intp)
    for_them = _FACTORIAL[np.maximum(a - 1, 0)] * _FACTORIAL[b] / _FACTORIAL[a + b]
    against = _FACTORIAL[a] * _FACTORIAL[np.maximum(b - 1, 0)] / _FACTORIAL[a + b]
    return for_them, against


def _shares(k: int, other: int) -> FloatArray:
    """Shares in a leaf of value 1 with k players against one who satisfies ``other``, for every word, (2^k, k)."""
    mine, full = np.arange(1 << k, dtype=np.uint16), np.uint16((1 << k) - 1)
    them = np.uint16(other)
    reached = (mine | them) == full
    gained, lost = mine & ~them & full, them & ~mine & full
    for_them, against = _coefficients(gained, lost)
    bits = np.uint16(1) << np.arange(k, dtype=np.uint16)
    shares = ((gained[:, None] & bits) > 0) * for_them[:, None] - ((lost[:, None] & bits) > 0) * against[:, None]
    return np.asarray(shares * reached[:, None])
