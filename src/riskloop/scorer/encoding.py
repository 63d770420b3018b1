"""The Encoding: from decoded columns to the model's matrix, the same arithmetic in training and in service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import BundleRefused, ConfigError
from riskloop.scorer.expression import Expression

FloatArray = NDArray[np.float64]
BlockKind = Literal["number", "onehot", "code"]


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

    def fill(self, columns: Mapping[str, NDArray[Any]], out: FloatArray) -> None:
        """Write the block's matrix columns, ``out`` of shape (n, width), already zero."""
        if self.kind == "number":
            self._fill_number(columns, out)
        elif self.kind == "code":
            codes = columns[self.source]
            out[:, 0] = np.where((codes < 0) | (codes >= len(self.levels)), np.nan, codes)
        else:
            self._fill_onehot(columns[self.source], out)

    def _fill_number(self, columns: Mapping[str, NDArray[Any]], out: FloatArray) -> None:
        values = columns[self.source] if self.formula is None else self.formula.evaluate(columns)
        if self.impute is not None:
            missing = np.isnan(values)
            if self.indicator:
                out[:, 1] = missing
            values = np.where(missing, self.impute, values)
        out[:, 0] = (values - self.shift) / self.scale

    def _fill_onehot(self, codes: NDArray[np.int32], out: FloatArray) -> None:
        if self.indicator:
            codes = np.where(codes < 0, len(self.levels), np.where(codes >= len(self.levels), -1, codes))
        known = np.flatnonzero((codes >= 0) & (codes < out.shape[1]))
        out[known, codes[known]] = 1.0


@dataclass(frozen=True)
class Encoding:
    """An ordered list of blocks."""

    blocks: tuple[Block, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns."""
        return tuple(name for block in self.blocks for name in block.names)

    @cached_property
    def _slices(self) -> tuple[tuple[Block, int, int], ...]:
        edges = np.cumsum([0, *(len(block.names) for block in self.blocks)]).tolist()
        return tuple((block, edges[i], edges[i + 1]) for i, block in enumerate(self.blocks))

    @property
    def categorical(self) -> list[int]:
        """Positions of the matrix columns that hold category codes."""
        return [start for block, start, _ in self._slices if block.kind == "code"]

    def matrix(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
        """The model's matrix, shape (n, p), float64; missing values are NaN where the model handles them."""
        rows = len(next(iter(columns.values()))) if columns else 0
        out = np.zeros((rows, len(self.names)))
        for block, start, stop in self._slices:
            block.fill(columns, out[:, start:stop])
        return out

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
        try:
            return cls(tuple(_block_from_dict(fields) for fields in document["blocks"]))
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise BundleRefused(f"The encoding is malformed: {error}.", where="encoding") from error


def _block_to_dict(block: Block) -> dict[str, Any]:
    fields = {name: getattr(block, name) for name in Block.__dataclass_fields__}
    fields["levels"] = list(block.levels)
    default = Block("", "number")
    return {
        name: value
        for name, value in fields.items()
        if name in ("source", "kind")
        or (value and value != getattr(default, name))
        or (value == 0.0 and name == "impute")
    }


def _block_from_dict(fields: Mapping[str, Any]) -> Block:
    values = dict(fields)
    values["levels"] = tuple(str(level) for level in values.get("levels", ()))
    block = Block(**values)
    numbers = [value for value in (block.impute, block.shift, block.scale) if value is not None]
    if block.kind not in ("number", "onehot", "code") or not np.isfinite(np.array(numbers, dtype=float)).all():
        raise ValueError(f"block {block.source!r}")
    if block.formula is not None and block.formula.names is None:
        raise ValueError(f"block {block.source!r}")
    return block


def sources(blocks: Sequence[Block]) -> tuple[str, ...]:
    """The contract columns that the blocks read."""
    needed = (block.formula.names if block.formula else (block.source,) for block in blocks)
    return tuple(dict.fromkeys(name for names in needed for name in names))
