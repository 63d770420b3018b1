"""The Contract: rules per column, enforced in the same way at training, in batches and over HTTP.

A contract decodes raw values into **columns**: a dict from column name to an array of shape (n,). Numbers become
float64 (missing is NaN), and so do dates, as days since 1970-01-01; categories become int32 codes into the column's
levels (missing is -1, the unknown bin is ``len(levels)``). What breaks a rule comes back as a Breach and never as a
guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskloop.data.column import LARGEST_NUMBER, MISSING_CODE, BrokenRule, Column, category_text, did_you_mean
from riskloop.errors import ConfigError

__all__ = [
    "LARGEST_NUMBER",
    "MISSING_CODE",
    "Breach",
    "Column",
    "Columns",
    "Contract",
    "Decoded",
    "category_text",
    "did_you_mean",
]

Columns = dict[str, NDArray[Any]]

_MOST_SUGGESTIONS = 10


class Breach(NamedTuple):
    """One rule of one column, broken by some rows.

    Attributes
    ----------
    column : str
    code : str
        ``missing``, ``not-a-number``, ``not-finite``, ``too-large``, ``below-minimum``, ``above-maximum``,
        ``not-a-category``, ``unknown-category``, ``not-a-date``, ``absent`` or ``unexpected``.
    message : str
        The rule in words, with an example of a value that breaks it.
    rows : int array, shape (k,)
        Positions of the rows concerned.
    """

    column: str
    code: str
    message: str
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Decoded:
    """Columns and what was wrong; rows named in a breach hold placeholders and must not be used."""

    columns: Columns
    breaches: tuple[Breach, ...]
    rows: int

    def broken(self) -> NDArray[np.bool_]:
        """Mask of the rows that break at least one rule, shape (n,)."""
        mask = np.zeros(self.rows, dtype=bool)
        for breach in self.breaches:
            mask[breach.rows] = True
        return mask


@dataclass(frozen=True)
class Contract:
    """The columns a table has, and which of them the model uses.

    Attributes
    ----------
    columns : tuple of Column
        Every column with rules, in the table's order.
    features : tuple of str
        Names of the columns the model may use, a subset of the columns.
    known : tuple of str
        Columns that may be present and are not used (id, target, dropped ones): not an error in a request.
    version : int
        Of the form in which it is written: 1.
    priced : tuple of str
        Number columns beside the features that a decision's costs are computed from: read like features, and never
        shown to the model.
    """

    columns: tuple[Column, ...]
    features: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    version: int = field(default=1)
    priced: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def used(self) -> tuple[Column, ...]:
        """The feature columns, in the order of `features`."""
        return tuple(self.by_name[name] for name in self.features)

    @cached_property
    def read_names(self) -> tuple[str, ...]:
        """Names of the columns that a request must hold: features, and what prices decisions."""
        return (*self.features, *self.priced)

    @cached_property
    def read(self) -> tuple[Column, ...]:
        """The columns that a request must hold, in the order of `read_names`."""
        return tuple(self.by_name[name] for name in self.read_names)

    @cached_property
    def _accepted(self) -> frozenset[str]:
        return frozenset((*self.by_name, *self.known))

    def decode_rows(self, rows: Sequence[Mapping[str, object]], *, typed: bool = True) -> Decoded:
        """Decode customers given as mappings (JSON objects when ``typed``, CSV records otherwise).

        Every feature must be named in every row, even where its value may be missing: leaving a field out is an
        error, so that an empty object is never scored.
        """
        columns: Columns = {}
        breaches: list[Breach] = []
        for column in self.read:
            values, broken = _decode_column(column, rows, typed)
            columns[column.name] = values
            breaches += broken
        if typed:
            breaches += self._unexpected(rows)
        return Decoded(columns, tuple(breaches), len(rows))

    def decode_kept(self, rows: Sequence[Mapping[str, object]]) -> Decoded:
        """Decode customers as the ledger keeps them: JSON values, or the texts of a file.

        Whatever was accepted once is accepted again, by whichever door it came. Columns that the contract does not
        know are passed over: an earlier contract may have had them.
        """
        return self.decode_rows(rows, typed=False)

    @cached_property
    def _readers(self) -> tuple[tuple[str, Callable[[object], float]], ...]:
        return tuple((column.name, column.usual) for column in self.read)

    def decode_row(self, row: Mapping[str, object]) -> list[float] | None:
        """The values of one customer, a JSON object, in the order of `read`; None where a rule is broken.

        The same as :meth:`decode_rows` of one row, which says what is wrong.
        """
        if not row.keys() <= self._accepted:
            return None
        try:
            return [read(row[name]) for name, read in self._readers]
        except (KeyError, BrokenRule):
            return None

    def columns_of(self, customers: Sequence[Sequence[float]]) -> Columns:
        """The columns of customers, from what :meth:`decode_row` said of each."""
        numbers = np.ascontiguousarray(np.array(customers, dtype=np.float64).T)
        with np.errstate(invalid="ignore"):  # of missing numbers, whose codes nobody reads
            codes = numbers.astype(np.int32) if self._categories else numbers
        return {
            name: (codes if name in self._categories else numbers)[place] for place, name in enumerate(self.read_names)
        }

    @cached_property
    def _categories(self) -> frozenset[str]:
        return frozenset(column.name for column in self.read if column.type == "category")

    def _unexpected(self, rows: Sequence[Mapping[str, object]]) -> list[Breach]:
        strangers: dict[str, list[int]] = {}
        for position, row in enumerate(rows):
            for name in row.keys() - self._accepted:
                strangers.setdefault(name, []).append(position)
        return [
            Breach(name, "unexpected", f"no such column{self._near(name, position)}", np.array(found))
            for position, (name, found) in enumerate(sorted(strangers.items()))
        ]

    def _near(self, name: str, position: int) -> str:
        """Suggestions are slow to find: a request with a thousand strange fields gets the first few only."""
        return did_you_mean(name, self.read_names) if position < _MOST_SUGGESTIONS else ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "version": self.version,
            "columns": {column.name: column.to_dict() for column in self.columns},
            "features": list(self.features),
            "known": list(self.known),
            **({"priced": list(self.priced)} if self.priced else {}),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Contract:
        """Inverse of `to_dict`.

        Raises
        ------
        ConfigError
            If the document is not a contract.
        """
        _check_document(document)
        columns = document.get("columns")
        if not isinstance(columns, Mapping) or not columns:
            raise ConfigError(
                "A contract needs a mapping `columns`.",
                where="contract",
                next_step="bring contract.yaml back, or write it anew: "
                "`riskloop init --data FILE --target COLUMN --overwrite`",
            )
        parsed = tuple(Column.from_dict(str(name), fields) for name, fields in columns.items())
        names = {column.name for column in parsed}
        features, known, priced = (
            tuple(str(name) for name in document.get(key, ())) for key in ("features", "known", "priced")
        )
        for name in (*features, *priced):
            if name not in names:
                raise ConfigError(
                    f"{name!r} has no column in the contract, and is to be read.",
                    where="contract",
                    next_step="add its rules under columns",
                )
        return cls(parsed, features, known, priced=priced)


def _decode_column(
    column: Column, rows: Sequence[Mapping[str, object]], typed: bool
) -> tuple[NDArray[Any], list[Breach]]:
    kind, quick = np.int32 if column.type == "category" else np.float64, column.usual if typed else column.usual_text
    try:
        return np.array([quick(row[column.name]) for row in rows]).astype(kind), []
    except (KeyError, BrokenRule):
        values = np.full(len(rows), column.blank, dtype=kind)
    broken: dict[str, tuple[BrokenRule, list[int]]] = {}
    for position, row in enumerate(rows):
        try:
            if column.name not in row:
                raise BrokenRule("absent", "this field must be given")  # noqa: TRY301 - one road for all rules
            values[position] = column.read(row[column.name], typed=typed)
        except BrokenRule as rule:
            broken.setdefault(rule.code, (rule, []))[1].append(position)
    return values, [Breach(column.name, code, rule.describe(), np.array(at)) for code, (rule, at) in broken.items()]


def _check_document(document: Mapping[str, Any]) -> None:
    for key in document:
        if key not in ("version", "columns", "features", "known", "priced"):
            raise ConfigError(
                f"Unknown key {key!r}{did_you_mean(str(key), ('columns', 'known'))}.",
                where="contract",
                next_step="leave it out, or correct it in contract.yaml",
            )
    if document.get("version", 1) != 1:
        raise ConfigError(
            f"The contract has version {document['version']!r}; this riskloop reads version 1.",
            where="contract",
            next_step="use the riskloop that wrote it, or a newer one",
        )
