"""Target encoding: a category with many levels as one number, the risk of its level, without leakage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Column
from riskloop.learn.binning import Average, weight_of_evidence
from riskloop.scorer.encoding import Block

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TARGET_LEVELS = 30
"""More levels than this make one number, not as many 0/1 columns."""
SMOOTHING = 20.0
"""Rows of average risk that every level is mixed with (m-estimate; Micci-Barreca, 2001)."""


def target_table(column: Column, codes: NDArray[np.int32], outcome: BoolArray) -> Block:
    """The block that serves: log-odds of every level, of missing and of unknown, relative to the average.

    Parameters
    ----------
    column : Column
        A category.
    codes : int array, shape (n,)
    outcome : bool array, shape (n,)
    """
    return table_of(column, LevelCounts.of(column, codes, outcome, np.zeros(len(codes), dtype=np.int8), 1))


def table_of(column: Column, counts: LevelCounts) -> Block:
    """The same, of rows that were counted before."""
    together = (each.sum(axis=0, keepdims=True) for each in (counts.rows, counts.events))
    missing, *values, unknown = _evidence(*together)[0].tolist()
    return Block(column.name, "table", levels=column.levels, values=tuple(values), absent=missing, other=unknown)


def crossfitted(
    column: Column, codes: NDArray[np.int32], outcome: BoolArray, fold: NDArray[np.integer[Any]]
) -> FloatArray:
    """The value of every training row, shape (n,), from a table that has not seen the row's fold.

    With its own table, a row of a rare level would be described by its own outcome.

    Parameters
    ----------
    fold : int array, shape (n,)
        Numbers from 0.
    """
    return LevelCounts.of(column, codes, outcome, fold, int(fold.max(initial=0)) + 1).crossfitted(column, codes, fold)


@dataclass(frozen=True, eq=False)
class LevelCounts:
    """Rows and positives of every level; those of parts of a table add up to those of the table.

    Attributes
    ----------
    rows, events : float array, shape (folds, levels + 2)
        Missing first, unknown last.
    """

    rows: FloatArray
    events: FloatArray

    @classmethod
    def of(
        cls,
        column: Column,
        codes: NDArray[np.int32],
        outcome: BoolArray,
        fold: NDArray[np.integer[Any]],
        folds: int,
    ) -> LevelCounts:
        """Of some rows, whose folds are numbers from 0."""
        width = len(column.levels) + 2
        cell = fold.astype(np.int64) * width + _place(column, codes)
        rows = np.bincount(cell, minlength=folds * width).astype(np.float64)
        events = np.bincount(cell[outcome], minlength=folds * width).astype(np.float64)
        return cls(rows.reshape(folds, width), events.reshape(folds, width))

    def __add__(self, other: LevelCounts) -> LevelCounts:
        return LevelCounts(self.rows + other.rows, self.events + other.events)

    def crossfitted(self, column: Column, codes: NDArray[np.int32], fold: NDArray[np.integer[Any]]) -> FloatArray:
        """The value of each of these rows, from the other folds; see `crossfitted`."""
        tables = _evidence(self.rows.sum(axis=0) - self.rows, self.events.sum(axis=0) - self.events)
        return np.asarray(tables[fold, _place(column, codes)])


def _place(column: Column, codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Missing first, unknown last."""
    return np.minimum(codes, len(column.levels)).astype(np.int64) + 1


def _evidence(rows: FloatArray, events: FloatArray) -> FloatArray:
    """A table per line, relative to the average of its own rows."""
    return np.array(
        [
            weight_of_evidence(count, positive, Average(float(count.sum()), float(positive.sum())), SMOOTHING)
            for count, positive in zip(rows, events, strict=True)
        ]
    )
