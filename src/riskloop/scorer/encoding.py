"""The Encoding: from decoded columns to the model's matrix, the same arithmetic in training and in service."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import MISSING_CODE, Column, Contract
from riskloop.data.expression import Expression
from riskloop.errors import BundleRefused, ConfigError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
BlockKind = Literal["number", "pieces", "onehot", "code", "bins", "table"]
Place = tuple["Block", int]
"""A block and the position of its first matrix column."""
_SIGNS = {"": 0, "increasing": 1, "decreasing": -1}


@dataclass(frozen=True)
class Block:
    """One source (a column or a formula) and the matrix columns made of it.

    Attributes
    ----------
    source : str
        Name of the column, or of the derived feature.
    kind : {"number", "pieces", "onehot", "code", "bins", "table"}
        ``number``: the value itself; ``pieces``: the value, and for each piece between two edges how far it has come
        there, from 0 to 1 (a sum of these is a polyline); ``onehot``: one 0/1 column per level; ``code``: the level's
        position, for models with native categories (missing and unknown levels are NaN); ``bins``: a value per bin of
        a number (weight of evidence); ``table``: a value per level of a category (weight of evidence, target encoding).
    expression : str or None
        Formula of a derived feature (a number, pieces or bins).
    impute : float or None
        What a missing number becomes; None leaves NaN to the model.
    indicator : bool
        Adds a 0/1 column "was missing", the last one (for ``onehot``: a column for the missing level).
    shift, scale : float
        A number enters the model as ``(x - shift) / scale``.
    levels : tuple of str
        Levels of a category, for the names of the matrix columns.
    edges : tuple of float
        Ascending inner edges of the bins: a number belongs to the bin whose lower edge it has reached. Of pieces, the
        outer edges too.
    values : tuple of float
        A value per bin, one more than there are edges, or per level.
    absent, other : float
        What stands for a missing value, and for an unknown level.
    """

    source: str
    kind: BlockKind
    expression: str | None = None
    impute: float | None = None
    indicator: bool = False
    shift: float = 0.0
    scale: float = 1.0
    levels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    absent: float = 0.0
    other: float = 0.0

    @cached_property
    def formula(self) -> Expression | None:
        return Expression(self.expression) if self.expression is not None else None

    @property
    def plain(self) -> bool:
        """Whether a number enters the matrix as it is."""
        as_it_is = self.formula is None and self.impute is None and not self.indicator
        return self.kind == "number" and as_it_is and (self.shift, self.scale) == (0.0, 1.0)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns."""
        own: tuple[str, ...] = (self.source,)
        if self.kind == "onehot":
            own = tuple(f"{self.source}={level}" for level in self.levels)
        if self.kind == "pieces":
            own = (*own, *(f"{self.source} from {low!r} to {high!r}" for low, high in pairwise(self.edges)))
        return (*own, f"{self.source} is missing") if self.indicator else own

    def reads(self, column: Column) -> bool:
        """Whether the block can be made of a column that it names."""
        if self.formula:
            return column.type != "category"
        if self.kind in ("number", "pieces", "bins"):
            return column.type == "number"
        return column.type == "category" and column.levels == self.levels


@dataclass(frozen=True)
class Encoding:
    """An ordered list of blocks."""

    blocks: tuple[Block, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns."""
        return tuple(name for block in self.blocks for name in block.names)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The blocks, each with the position of its first matrix column."""
        widths = [len(block.names) for block in self.blocks]
        return tuple(zip(self.blocks, accumulate(widths, initial=0), strict=False))

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        parts: dict[BlockKind, type[_Part]]
        parts = {"number": _Numbers, "pieces": _Pieces, "onehot": _Onehots}
        parts |= {"code": _Codes, "bins": _Bins, "table": _Tables}
        places = {kind: [place for place in self.places if place[0].kind == kind] for kind in parts}
        return tuple(part(places[kind], len(self.names)) for kind, part in parts.items() if places[kind])

    @property
    def categorical(self) -> list[int]:
        """Positions of the matrix columns that hold category codes."""
        return [start for block, start in self.places if block.kind == "code"]

    def monotone(self, contract: Contract) -> list[int]:
        """How the log-odds may change with each matrix column: 1 only up, -1 only down, 0 as they like.

        A number keeps the sign its contract declares, and so do its pieces; its bins rise with the risk whichever way
        they were declared, for the declared trend is kept by the binning. Derived features, indicators and categories
        are free. The promise is between two customers who both have the number: one whose number is missing is treated
        as if it were the median (imputed), as the model chose (NaN) or as a group of its own (bins).
        """
        signs = [0] * len(self.names)
        for block, start in self.places:
            if block.kind in ("number", "pieces", "bins") and not block.formula:
                sign = _SIGNS[contract.by_name[block.source].monotone]
                for place in range(start, start + len(block.names) - block.indicator):
                    signs[place] = abs(sign) if block.kind == "bins" else sign
        return signs

    def matrix(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
        """The model's matrix, shape (n, p), float64; missing values are NaN where the model handles them.

        Columns of the matrix are contiguous: it is filled, and mostly read, column by column.
        """
        rows = len(next(iter(columns.values()))) if columns else 0
        lines = np.zeros((len(self.names) + 1, rows))  # the last one takes what has no column, and is left out
        for part in self._parts:
            part.fill(columns, lines)
        return lines[:-1].T

    def to_dict(self) -> dict[str, Any]:
        return {"blocks": [_block_to_dict(block) for block in self.blocks]}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Encoding:
        """Inverse of `to_dict`.

        Raises
        ------
        BundleRefused
            If a block is malformed.
        """
        blocks = document.get("blocks")
        if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
            raise _refused("it needs a list of blocks")
        return cls(tuple(_block_from_dict(block) for block in blocks))


def _block_to_dict(block: Block) -> dict[str, Any]:
    """Plain values; defaults are left out."""
    values = {item.name: getattr(block, item.name) for item in fields(block)}
    plain = {item.name: values[item.name] for item in fields(block) if values[item.name] != item.default}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


_NUMBER = (int, float)
_TYPES: dict[str, tuple[type, ...]] = {
    "source": (str,),
    "kind": (str,),
    "expression": (str,),
    "impute": _NUMBER,
    "indicator": (bool,),
    "shift": _NUMBER,
    "scale": _NUMBER,
    "levels": (list,),
    "edges": (list,),
    "values": (list,),
    "absent": _NUMBER,
    "other": _NUMBER,
}
_ITEMS: dict[str, tuple[type, ...]] = {"levels": (str,), "edges": _NUMBER, "values": _NUMBER}
_BELONG: dict[str, frozenset[str]] = {
    "number": frozenset({"expression", "impute", "indicator", "shift", "scale"}),
    "pieces": frozenset({"expression", "impute", "indicator", "shift", "scale", "edges"}),
    "onehot": frozenset({"levels", "indicator"}),
    "code": frozenset({"levels", "indicator"}),
    "bins": frozenset({"expression", "edges", "values", "absent"}),
    "table": frozenset({"levels", "values", "absent", "other"}),
}
"""What a block of each kind may hold beside its source."""


def _block_from_dict(document: Mapping[str, Any]) -> Block:
    for name, value in document.items():
        if name not in _TYPES or type(value) not in _TYPES[name]:
            raise _refused(f"a block holds {name} = {value!r:.60}")
    if document.get("kind") not in _BELONG or "source" not in document:
        raise _refused("a block has no source, or is of an unknown kind")
    strange = set(document) - _BELONG[document["kind"]] - {"source", "kind"}
    if strange:
        raise _refused(f"a block of kind {document['kind']!r} holds {min(strange)!r}")
    for name, types in _ITEMS.items():
        if not all(type(item) in types for item in document.get(name, ())):
            raise _refused(f"an item of {name} is of the wrong type")
    block = Block(**{**document, **{name: tuple(document[name]) for name in _ITEMS if name in document}})
    _check(block)
    return block


def _check(block: Block) -> None:
    numbers = (block.impute or 0.0, block.shift, block.scale, block.absent, block.other, *block.edges, *block.values)
    if not all(abs(number) <= sys.float_info.max for number in numbers) or block.scale <= 0:
        raise _refused(f"the block {block.source!r} has a number that makes no sense")
    if any(lower >= upper for lower, upper in pairwise(block.edges)):
        raise _refused(f"the edges of {block.source!r} do not ascend")
    if block.kind == "pieces" and len(block.edges) < 2:
        raise _refused(f"the block {block.source!r} has no piece")
    groups = {"bins": len(block.edges) + 1, "table": len(block.levels)}.get(block.kind, 0)
    if len(block.values) != groups:
        raise _refused(f"the block {block.source!r} has {len(block.values)} values for {groups} groups")
    try:
        _ = block.formula and block.formula.program
    except ConfigError as error:
        raise _refused(error.message) from error


def _refused(reason: str) -> BundleRefused:
    return BundleRefused(
        f"The encoding cannot be used: {reason}.",
        where="encoding",
        next_step="train again, or restore the bundle from its store",
    )


class _Part(Protocol):
    """All blocks of one kind, evaluated together; `fill` writes their lines of the matrix."""

    def __init__(self, places: Sequence[Place], width: int) -> None: ...

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None: ...


class _Numbers:
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


class _Pieces:
    """All numbers in pieces: each as a number, and how far it has come in every piece."""

    def __init__(self, places: Sequence[Place], width: int) -> None:
        self._numbers = _Numbers(places, width)
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
        values, missing = self._numbers.read(columns)
        come = values[self._whose]
        with np.errstate(over="ignore"):  # beyond a very short piece
            come -= self._low
            come /= self._width
        lines[self._lines] = np.clip(come, 0.0, 1.0, out=come)
        self._numbers.write(values, missing, lines)


class _Onehots:
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
        codes = np.array([columns[name] for name in self._names])
        picked = self._table[np.minimum(codes, self._unknown) + self._first]
        lines[picked, np.arange(lines.shape[1])] = 1.0


class _Codes:
    """All blocks of native categories."""

    def __init__(self, places: Sequence[Place], _width: int) -> None:
        self._names = [block.source for block, _ in places]
        self._unknown = np.array([[len(block.levels)] for block, _ in places])
        self._lines = np.array([start for _, start in places])

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        codes = np.array([columns[name] for name in self._names])
        lines[self._lines] = np.where((codes < 0) | (codes >= self._unknown), np.nan, codes)


class _Bins:
    """All binned numbers: one comparison per rank of edge, whatever the number of blocks. NaN reaches no edge."""

    def __init__(self, places: Sequence[Place], _width: int) -> None:
        self._blocks = [block for block, _ in places]
        most = max(len(block.edges) for block in self._blocks)
        padded = [[-np.inf, *block.edges, *[np.nan] * (most - len(block.edges))] for block in self._blocks]
        self._edges = np.array(padded).T[:, :, None]
        self._first, self._table = _joined([(block.absent, *block.values) for block in self._blocks])
        self._lines = np.array([start for _, start in places])

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        values = _read(self._blocks, columns)
        reached = np.repeat(self._first, values.shape[1], axis=1)
        for edge in self._edges:
            reached += values >= edge
        lines[self._lines] = self._table[reached]


class _Tables:
    """All categories with a value per level: missing first and unknown last."""

    def __init__(self, places: Sequence[Place], _width: int) -> None:
        blocks = [block for block, _ in places]
        self._names = [block.source for block in blocks]
        self._unknown = np.array([[len(block.levels)] for block in blocks])
        self._first, self._table = _joined([(block.absent, *block.values, block.other) for block in blocks])
        self._lines = np.array([start for _, start in places])

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
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


def sources(blocks: Sequence[Block]) -> tuple[str, ...]:
    """The contract columns that the blocks read."""
    needed = (block.formula.names if block.formula else (block.source,) for block in blocks)
    return tuple(dict.fromkeys(name for names in needed for name in names))
