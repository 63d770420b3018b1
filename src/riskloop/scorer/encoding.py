"""The Encoding: from decoded columns to the model's matrix, the same arithmetic in training and in service."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import MISSING_CODE
from riskloop.errors import BundleRefused, ConfigError
from riskloop.scorer.expression import Expression

FloatArray = NDArray[np.float64]
BlockKind = Literal["number", "onehot", "code"]
Place = tuple["Block", int]
"""A block and the position of its first matrix column."""


@dataclass(frozen=True)
class Block:
    """One source (a column or a formula) and the matrix columns made of it.

    Attributes
    ----------
    source : str
        Name of the column, or of the derived feature.
    kind : {"number", "onehot", "code"}
        ``number``: the value itself; ``onehot``: one 0/1 column per level; ``code``: the level's position, for models
        with native categories (missing and unknown levels are NaN).
    expression : str or None
        Formula of a derived feature (a number).
    impute : float or None
        What a missing number becomes; None leaves NaN to the model.
    indicator : bool
        Adds a 0/1 column "was missing" (for ``onehot``: a column for the missing level).
    shift, scale : float
        A number enters the model as ``(x - shift) / scale``.
    levels : tuple of str
        Levels of a category, for the names of the matrix columns.
    """

    source: str
    kind: BlockKind
    expression: str | None = None
    impute: float | None = None
    indicator: bool = False
    shift: float = 0.0
    scale: float = 1.0
    levels: tuple[str, ...] = ()

    @cached_property
    def formula(self) -> Expression | None:
        return Expression(self.expression) if self.expression is not None else None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns."""
        own = tuple(f"{self.source}={level}" for level in self.levels) if self.kind == "onehot" else (self.source,)
        return (*own, f"{self.source} is missing") if self.indicator else own


@dataclass(frozen=True)
class Encoding:
    """An ordered list of blocks."""

    blocks: tuple[Block, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns."""
        return tuple(name for block in self.blocks for name in block.names)

    @cached_property
    def _places(self) -> tuple[Place, ...]:
        widths = [len(block.names) for block in self.blocks]
        return tuple(zip(self.blocks, accumulate(widths, initial=0), strict=False))

    @cached_property
    def _parts(self) -> tuple[_Numbers | _Onehots | _Codes, ...]:
        parts: dict[BlockKind, type[_Numbers | _Onehots | _Codes]]
        parts = {"number": _Numbers, "onehot": _Onehots, "code": _Codes}
        places = {kind: [place for place in self._places if place[0].kind == kind] for kind in parts}
        return tuple(part(places[kind], len(self.names)) for kind, part in parts.items() if places[kind])

    @property
    def categorical(self) -> list[int]:
        """Positions of the matrix columns that hold category codes."""
        return [start for block, start in self._places if block.kind == "code"]

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
    return {name: list(value) if name == "levels" else value for name, value in plain.items()}


_TYPES: dict[str, tuple[type, ...]] = {
    "source": (str,),
    "kind": (str,),
    "expression": (str,),
    "impute": (int, float),
    "indicator": (bool,),
    "shift": (int, float),
    "scale": (int, float),
    "levels": (list,),
}


def _block_from_dict(document: Mapping[str, Any]) -> Block:
    for name, value in document.items():
        if name not in _TYPES or type(value) not in _TYPES[name]:
            raise _refused(f"a block holds {name} = {value!r:.60}")
    levels = tuple(document.get("levels", ()))
    if document.get("kind") not in get_args(BlockKind) or "source" not in document:
        raise _refused("a block has no source, or is of an unknown kind")
    if not all(type(level) is str for level in levels):
        raise _refused("a level is no text")
    block = Block(**{**document, "levels": levels})
    _check(block)
    return block


def _check(block: Block) -> None:
    numbers = (block.impute or 0.0, block.shift, block.scale)
    if not all(abs(number) <= sys.float_info.max for number in numbers) or block.scale <= 0:
        raise _refused(f"the block {block.source!r} has a number that makes no sense")
    if block.formula and block.kind != "number":
        raise _refused(f"the block {block.source!r} has a formula and is no number")
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


class _Numbers:
    """All blocks of numbers as one operation: what costs one customer is the number of operations, not of columns."""

    def __init__(self, places: Sequence[Place], _width: int) -> None:
        blocks = [block for block, _ in places]
        self._sources = [block.formula or block.source for block in blocks]
        self._lines = np.array([start for _, start in places])
        self._impute = _upright(np.nan if block.impute is None else block.impute for block in blocks)
        self._shift = _upright(block.shift for block in blocks)
        self._scale = _upright(block.scale for block in blocks)
        self._flagged = np.flatnonzero([block.indicator for block in blocks])

    def fill(self, columns: Mapping[str, NDArray[Any]], lines: FloatArray) -> None:
        values = np.array(
            [columns[source] if isinstance(source, str) else source.evaluate(columns) for source in self._sources],
            dtype=np.float64,
        )
        missing = np.isnan(values)
        np.copyto(values, self._impute, where=missing)
        values -= self._shift
        values /= self._scale
        lines[self._lines] = values
        if self._flagged.size:
            lines[self._lines[self._flagged] + 1] = missing[self._flagged]


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


def _upright(values: Iterable[float]) -> FloatArray:
    return np.array(list(values), dtype=np.float64)[:, None]


def sources(blocks: Sequence[Block]) -> tuple[str, ...]:
    """The contract columns that the blocks read."""
    needed = (block.formula.names if block.formula else (block.source,) for block in blocks)
    return tuple(dict.fromkeys(name for names in needed for name in names))
