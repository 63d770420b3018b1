"""The Encoding: from decoded columns to the model's matrix, the same arithmetic in training and in service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Contract
from riskloop.scorer.encoding.block import Block, BlockKind, Place, block_from_dict, block_to_dict, refused
from riskloop.scorer.encoding.parts import Bins, Codes, FloatArray, Numbers, Onehots, Part, Pieces, Tables

_SIGNS = {"": 0, "increasing": 1, "decreasing": -1}


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
    def _parts(self) -> tuple[Part, ...]:
        parts: dict[BlockKind, type[Part]]
        parts = {"number": Numbers, "pieces": Pieces, "onehot": Onehots}
        parts |= {"code": Codes, "bins": Bins, "table": Tables}
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
        """Plain JSON values."""
        return {"blocks": [block_to_dict(block) for block in self.blocks]}

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
            raise refused("it needs a list of blocks")
        return cls(tuple(block_from_dict(block) for block in blocks))


def sources(blocks: Sequence[Block]) -> tuple[str, ...]:
    """The contract columns that the blocks read."""
    needed = (block.formula.names if block.formula else (block.source,) for block in blocks)
    return tuple(dict.fromkeys(name for names in needed for name in names))
