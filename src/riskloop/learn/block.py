"""The training block: rows, outcomes, and which of them judge which models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """The rows to learn from, arrays of shape (n,).

    Attributes
    ----------
    contract : Contract
    columns : Columns
        Decoded features.
    outcome : bool array
    fold : int8 array
        The fold in which a row is held out; -1 for rows that only train (the earliest, where folds roll forward).
    derived : mapping of name to formula
    trains : tuple of bool array
        For each fold, the rows its model learns from. Empty where that is every row of the other folds.
    groups : int array, optional
        Rows of one customer, wherever rows are held out; every row by itself if left out.
    """

    contract: Contract
    columns: Columns
    outcome: BoolArray
    fold: NDArray[np.int8]
    derived: Mapping[str, str] = field(default_factory=dict)
    trains: tuple[BoolArray, ...] = ()
    groups: NDArray[np.int64] | None = None

    @cached_property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1

    @property
    def forward(self) -> bool:
        """Whether every fold is judged by models of its past only."""
        return bool(self.trains)

    @cached_property
    def judged(self) -> BoolArray:
        """Rows that are held out once."""
        return self.fold >= 0

    @cached_property
    def stretch(self) -> NDArray[np.int8]:
        """The stretch of time that a row is in, where folds roll forward: 0 for those that only train."""
        return self.fold + np.int8(1)

    def parts(self) -> Iterator[tuple[BoolArray, BoolArray]]:
        """For each fold, the rows that train and the rows held out."""
        for number in range(self.folds):
            held_out = self.fold == number
            yield (self.trains[number] if self.trains else ~held_out), held_out

    def rows(self, mask: BoolArray) -> Columns:
        """Columns of some rows."""
        return {name: values[mask] for name, values in self.columns.items()}
