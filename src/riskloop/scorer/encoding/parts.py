"""All blocks of one kind, evaluated together: what costs one customer is the number of operations, not of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import MISSING_CODE
from riskloop.scorer.encoding.block import Block, Place

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Part(Protocol):
    """All blocks of one kind, evaluated together; `fill` writes their lines of the matrix."""

    def __init__(self, places: Sequence[Place], width: int) -> None: ...

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        """Write the lines of the blocks, from columns of shape (n,) into lines of shape (width + 1, n)."""


class Numbers:
    """All blocks of numbers as one operation: what costs one customer is the number of operations, not of columns."""

    def __init__(self, places: Sequence[Place], _width: int) -> None:
        blocks = [block for block, _ in places]
        self._blocks = blocks
        self._lines = np.array([start for _, start in places])
        self._impute = _upright(np.nan if block.impute is None else block.impute for block in blocks)
        self._shift = _upright(block.shift for block in blocks)
        self._scale = _upright(block.scale for block in blocks)
        self._flagged = np.flatnonzero([block.indicator for block in blocks])
        self._flags = np.array([start + len(block.names) - 1 for block, start in places if block.indicator])

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        """See `Part`."""
        self.write(*self.read(columns), lines)

    def read(self, columns: Mapping[str, NDArray[Any]]) -> tuple[FloatArray, BoolArray]:
        """The numbers, imputed, and which of them were missing."""
        values = _read(self._blocks, columns)
        missing = np.isnan(values)
        np.copyto(values, self._impute, where=missing)
        return values, missing

    def write(self, values: FloatArray, missing: BoolArray, lines: FloatArray) -> None:
        """Scale the numbers, in place."""
        values -= self._shift
        values /= self._scale
        lines[self._lines] = values
        if self._flagged.size:
            lines[self._flags] = missing[self._flagged]


class Pieces:
    """All numbers in pieces: each as a number, and how far it has come in every piece."""

    def __init__(self, places: Sequence[Place], width: int) -> None:
        self._numbers = Numbers(places, width)
        pieces = [
            (number, start + 1 + at, low, high)
            for number, (block, start) in enumerate(places)
            for at, (low, high) in enumerate(pairwise(block.edges))
        ]
        self._whose = np.array([number for number, _, _, _ in pieces])
        self._lines = np.array([line for _, line, _, _ in pieces])
        self._low = _upright(low for _, _, low, _ in pieces)
        self._width = _upright(high - low for _, _, low, high in pieces)

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        """See `Part`."""
        values, missing = self._numbers.read(columns)
        come = values[self._whose]
        with np.errstate(over="ignore"):  # beyond a very short piece
            come -= self._low
            come /= self._width
        lines[self._lines] = np.clip(come, 0.0, 1.0, out=come)
        self._numbers.write(values, missing, lines)


class Onehots:
    """All one-hot blocks: a code picks the line that becomes 1, from a table with missing first and unknown last."""

    def __init__(self, places: Sequence[Place], width: int) -> None:
        table: list[int] = []
        first = []
        for block, start in places:
            first.append(len(table) - MISSING_CODE)
            stop = start + len(block.levels)
            table += [stop if block.indicator else width, *range(start, stop), width]
        self._names = [block.source for block, _ in places]
        self._unknown = np.array([[len(block.levels)] for block, _ in places])
        self._first = np.array(first)[:, None]
        self._table = np.array(table)

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        """See `Part`."""
        codes = np.array([columns[name] for name in self._names])
        picked = self._table[np.minimum(codes, self._unknown) + self._first]
        lines[picked, np.arange(lines.shape[1])] = 1.0


class Codes:
    """All blocks of native categories."""

    def __init__(self, places: Sequence[Place], _width: int) -> None:
        self._names = [block.source for block, _ in places]
        self._unknown = np.array([[len(block.levels)] for block, _ in places])
        self._lines = np.array([start for _, start in places])

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        """See `Part`."""
        codes = np.array([columns[name] for name in self._names])
        lines[self._lines] = np.where((codes < 0) | (codes >= self._unknown), np.nan, codes)


class Bins:
    """All binned numbers: one comparison per rank of edge, whatever the number of blocks. NaN reaches no edge."""

    def __init__(self, places: Sequence[Place], _width: int) -> None:
        self._blocks = [block for block, _ in places]
        most = max(len(block.edges) for block in self._blocks)
        padded = [[-np.inf, *block.edges, *[np.nan] * (most - len(block.edges))] for block in self._blocks]
        self._edges = np.array(padded).T[:, :, None]
        self._first, self._table = _joined([(block.absent, *block.values) for block in self._blocks])
        self._lines = np.array([start for _, start in places])

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        """See `Part`."""
        values = _read(self._blocks, columns)
        reached = np.repeat(self._first, values.shape[1], axis=1)
        for edge in self._edges:
            reached += values >= edge
        lines[self._lines] = self._table[reached]


class Tables:
    """All categories with a value per level: missing first and unknown last."""

    def __init__(self, places: Sequence[Place], _width: int) -> None:
        blocks = [block for block, _ in places]
        self._names = [block.source for block in blocks]
        self._unknown = np.array([[len(block.levels)] for block in blocks])
        self._first, self._table = _joined([(block.absent, *block.values, block.other) for block in blocks])
        self._lines = np.array([start for _, start in places])

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        """See `Part`."""
        codes = np.array([columns[name] for name in self._names])
        lines[self._lines] = self._table[np.minimum(codes, self._unknown) - MISSING_CODE + self._first]


def _read(blocks: Sequence[Block], columns: Mapping[str, NDArray[Any]]) -> FloatArray:
    """Numbers, shape (blocks, n): a copy."""
    values = [block.formula.evaluate(columns) if block.formula else columns[block.source] for block in blocks]
    return np.array(values, dtype=np.float64)


def _joined(tables: Sequence[tuple[float, ...]]) -> tuple[NDArray[np.intp], FloatArray]:
    """Where each table begins, upright, and all of them end to end."""
    first = np.cumsum([0, *(len(table) for table in tables[:-1])])
    return first[:, None].astype(np.intp), np.array([value for table in tables for value in table])


def _upright(values: Iterable[float]) -> FloatArray:
    return np.array(list(values), dtype=np.float64)[:, None]
