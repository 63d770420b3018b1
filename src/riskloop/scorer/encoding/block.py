"""A block: one source and the matrix columns made of it; read from a bundle only if it makes sense."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from riskloop.data.contract import Column
from riskloop.data.expression import Expression
from riskloop.errors import BundleRefused, ConfigError

BlockKind = Literal["number", "pieces", "onehot", "code", "bins", "table"]
Place = tuple["Block", int]
"""A block and the position of its first matrix column."""


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
        """The parsed formula of a derived feature."""
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


def block_to_dict(block: Block) -> dict[str, Any]:
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


def block_from_dict(document: Mapping[str, Any]) -> Block:
    """Inverse of `block_to_dict`.

    Raises
    ------
    BundleRefused
        If the block is malformed.
    """
    for name, value in document.items():
        if name not in _TYPES or type(value) not in _TYPES[name]:
            raise refused(f"a block holds {name} = {value!r:.60}")
    if document.get("kind") not in _BELONG or "source" not in document:
        raise refused("a block has no source, or is of an unknown kind")
    strange = set(document) - _BELONG[document["kind"]] - {"source", "kind"}
    if strange:
        raise refused(f"a block of kind {document['kind']!r} holds {min(strange)!r}")
    for name, types in _ITEMS.items():
        if not all(type(item) in types for item in document.get(name, ())):
            raise refused(f"an item of {name} is of the wrong type")
    block = Block(**{**document, **{name: tuple(document[name]) for name in _ITEMS if name in document}})
    _check(block)
    return block


def _check(block: Block) -> None:
    numbers = (block.impute or 0.0, block.shift, block.scale, block.absent, block.other, *block.edges, *block.values)
    if not all(abs(number) <= sys.float_info.max for number in numbers) or block.scale <= 0:
        raise refused(f"the block {block.source!r} has a number that makes no sense")
    if any(lower >= upper for lower, upper in pairwise(block.edges)):
        raise refused(f"the edges of {block.source!r} do not ascend")
    if block.kind == "pieces" and len(block.edges) < 2:
        raise refused(f"the block {block.source!r} has no piece")
    groups = {"bins": len(block.edges) + 1, "table": len(block.levels)}.get(block.kind, 0)
    if len(block.values) != groups:
        raise refused(f"the block {block.source!r} has {len(block.values)} values for {groups} groups")
    try:
        _ = block.formula and block.formula.program
    except ConfigError as error:
        raise refused(error.message) from error


def refused(reason: str) -> BundleRefused:
    """The error about an encoding that cannot be used."""
    return BundleRefused(
        f"The encoding cannot be used: {reason}.",
        where="encoding",
        next_step="train again, or restore the bundle from its store",
    )
