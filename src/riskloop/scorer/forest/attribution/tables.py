"""Tables of shares: a row for every state that a group of leaves tells apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.forest.attribution.coalitions import shares_by_word
from riskloop.scorer.forest.attribution.groups import Group
from riskloop.scorer.forest.layout import Layout

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

_TOGETHER = 128  # groups that are tabled at a time
_BLOCK = 1 << 17  # shares that are looked up and added at a time: they stay in the cache


class Tables:
    """Shares of the players in groups of leaves.

    The state of a group is a number: every column adds to it what its bin's class counts for. Groups stand in the
    order of their number of players, so that those of as many lie in one table.

    Parameters
    ----------
    groups : sequence of Group
    layout : Layout
    player : int array, shape (n_features,)
    players : int
    background : int array, shape (columns, m)
        Bins of the customers to compare with.
    scale : float
        What a leaf's value is multiplied by.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        layout: Layout,
        player: Indices,
        players: int,
        background: Indices,
        scale: float,
    ) -> None:
        self._players = players
        seats = {group: list(dict.fromkeys(player[list(group.classes)].tolist())) for group in groups}
        ordered = sorted(groups, key=lambda group: len(seats[group]))
        self._offsets = _offsets(ordered, layout)
        self._whose = np.array([one for group in ordered for one in seats[group]], dtype=np.intp)
        self._first = np.zeros(len(ordered), dtype=np.intp)
        state = self._states(background)
        self._parts: list[tuple[slice, FloatArray]] = []
        for _, some in groupby(range(len(ordered)), key=lambda at: len(seats[ordered[at]])):
            numbers = list(some)
            part = slice(numbers[0], numbers[-1] + 1)
            sizes = [group.states for group in ordered[part]]
            self._first[part] = np.cumsum([0, *sizes[:-1]])
            tables = []
            for start in range(part.start, part.stop, _TOGETHER):
                few = slice(start, min(start + _TOGETHER, part.stop))
                tables += _tables(ordered[few], player, seats, state[:, few], scale)
            self._parts.append((part, np.concatenate(tables)))

    @property
    def nbytes(self) -> int:
        """Memory."""
        return self._offsets.nbytes + sum(table.nbytes for _, table in self._parts)

    def add(self, bins: Indices, total: FloatArray) -> None:
        """Add the shares of customers, given by their bins, shape (columns, n), to ``total``, shape (n, players)."""
        step = max(1, _BLOCK // len(self._whose))
        for start in range(0, len(total), step):
            at = self._first + self._states(bins[:, start : start + step])
            found = [table.take(at[:, part], axis=0).reshape(len(at), -1) for part, table in self._parts]
            for row, shares in enumerate(np.concatenate(found, axis=1), start):
                total[row] += np.bincount(self._whose, shares, self._players)

    def _states(self, bins: Indices) -> NDArray[np.uint16]:
        """The state of every group, shape (n, groups)."""
        states: NDArray[np.uint16] = np.add.reduce(self._offsets.take(bins, axis=0), axis=0, dtype=np.uint16)
        return states


def _offsets(groups: Sequence[Group], layout: Layout) -> NDArray[np.uint16]:
    """What every bin of every column adds to the state of each group, shape (bins, groups)."""
    offsets = np.zeros((len(groups), layout.rows), dtype=np.uint16)
    columns = {column.feature: column for column in layout.columns}
    for line, group in zip(offsets, groups, strict=True):
        stride = group.states
        for feature, classes in group.classes.items():
            column = columns[feature]
            width = column.missing - column.first + 1
            stride //= len(classes)
            raw = b"".join(one.to_bytes((width + 7) // 8, "little") for one in classes)
            member = np.unpackbits(np.frombuffer(raw, dtype=np.uint8).reshape(len(classes), -1), 1, width, "little")
            line[column.first : column.missing + 1] = member.argmax(axis=0) * stride
    return np.ascontiguousarray(offsets.T)


def _tables(
    groups: Sequence[Group],
    player: Indices,
    seats: dict[Group, list[int]],
    background: NDArray[np.uint16],
    scale: float,
) -> list[FloatArray]:
    """For each group the shares in every state, shape (states, players of the group).

    Leaves of as many players are worked out together, one row of weights each.
    """
    tables = [np.zeros((len(seats[group]), group.states)) for group in groups]
    pending = defaultdict(list)
    for table, group, state in zip(tables, groups, background.T, strict=True):
        whose, words = _words(group, player)
        for leaf, own, word in zip(group.leaves, whose, words, strict=True):
            weight = np.bincount(word[state], minlength=1 << len(own)) * (leaf.value * scale / len(state))
            pending[len(own)].append((table, [seats[group].index(one) for one in own], word, weight))
    for leaves in pending.values():
        shares = shares_by_word(np.array([weight for *_, weight in leaves]))
        for at, (table, seat, word, _) in enumerate(leaves):
            table[seat] += shares[:, at].take(word, axis=1)
    return [np.ascontiguousarray(table.T) for table in tables]


def _words(group: Group, player: Indices) -> tuple[list[list[int]], NDArray[np.uint16]]:
    """Each leaf's players, and which of them are satisfied in every state, a bit each, shape (leaves, states)."""
    whose = [list(dict.fromkeys(player[list(leaf.allowed)].tolist())) for leaf in group.leaves]
    everyone = [(1 << len(own)) - 1 for own in whose]
    words = np.array(everyone, dtype=np.uint16).repeat(group.states).reshape(len(whose), -1)
    numbers = np.indices([len(classes) for classes in group.classes.values()]).reshape(len(group.classes), -1)
    for (feature, classes), number in zip(group.classes.items(), numbers, strict=True):
        one, satisfied = int(player[feature]), []
        for leaf, own, word in zip(group.leaves, whose, everyone, strict=True):
            wanted = leaf.allowed.get(feature)
            without = word if wanted is None else word & ~(1 << own.index(one))
            satisfied.append([word if wanted is None or bins & wanted else without for bins in classes])
        words &= np.array(satisfied, dtype=np.uint16).take(number, axis=1)
    return whose, words
