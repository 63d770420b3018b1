"""What explains a forest: tables for the leaves that have one, a walk for the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.forest.attribution.groups import Group, groups
from riskloop.scorer.forest.attribution.tables import Tables
from riskloop.scorer.forest.attribution.walk import Walk
from riskloop.scorer.forest.layout import Layout

if TYPE_CHECKING:
    from riskloop.scorer.forest.nodes import Forest

FloatArray = NDArray[np.float64]

MOST_BYTES = 256 << 20
"""What all tables together may take; leaves beyond are walked to."""
MOST_STATES = 1 << 13
"""What a table may tell apart; a leaf that alone needs more is walked to."""
MOST_LEAVES = 1 << 16
"""Of a forest that gets tables: those of more leaves would cost long to make, and hold few of them."""


class ForestAttribution:
    """Shares of each player in the margins of a forest. Safe to call from several threads.

    Attributes
    ----------
    base : float
        The background's mean margin; of probability, where the forest is a mean of probabilities.
    nbytes : int
        Memory of the tables.
    walks : bool
        Whether leaves without a table are walked to.

    Parameters
    ----------
    forest : Forest
    player : int array, shape (n_features,)
        The player that each column of the matrix belongs to.
    players : int
    background : float array, shape (m, n_features)
        Matrix of the customers to compare with.
    """

    def __init__(self, forest: Forest, player: NDArray[np.intp], players: int, background: FloatArray) -> None:
        layout = Layout.of(forest)
        tabled, nodes = _affordable(forest, layout)
        self._forest, self._players, self._columns = forest, players, layout.columns
        scale = 1 / forest.n_trees if forest.average else 1.0
        known = forest._inputs(background)
        self._tables = Tables(tabled, layout, player, players, self._bins(known), scale) if tabled else None
        value = forest.value.copy()
        value[nodes] = 0
        rest = value[forest.feature < 0].any()
        self._walk = Walk(replace(forest, value=value), player, players, known, scale) if rest else None
        self.walks = self._walk is not None
        self.nbytes = self._tables.nbytes if self._tables else 0
        margin = forest.margin(background)
        self.base = float((1 / (1 + np.exp(-margin)) if forest.average else margin).mean())

    def shares(self, matrix: FloatArray) -> FloatArray:
        """What each player adds to the margin beside the background's mean, shape (n, players)."""
        X = self._forest._inputs(np.asarray(matrix, dtype=np.float64))
        shares = np.zeros((len(X), self._players))
        if self._tables:
            self._tables.add(self._bins(X), shares)
        if self._walk:
            self._walk.add(X, shares)
        return shares

    def _bins(self, X: FloatArray) -> NDArray[np.intp]:
        """For each column that is read the bin of every row, shape (columns, n)."""
        if len(X) == 1:
            x = X[0].tolist()
            return np.array([[column.row(x[column.feature])] for column in self._columns], dtype=np.intp)
        return np.array([column.rows(np.ascontiguousarray(X[:, column.feature])) for column in self._columns])


def _affordable(forest: Forest, layout: Layout) -> tuple[list[Group], list[int]]:
    """The groups that get a table, and their leaves' nodes: tree by tree, until memory is used up."""
    tabled: list[Group] = []
    nodes: list[int] = []
    left = MOST_BYTES
    if np.count_nonzero(forest.feature < 0) > MOST_LEAVES:
        return tabled, nodes
    for group in groups(forest, layout):
        if group.states <= MOST_STATES:
            left -= group.nbytes + 2 * layout.rows
            if left < 0:
                break
            tabled.append(group)
            nodes += [leaf.node for leaf in group.leaves]
    return tabled, nodes
