"""The Contract: rules per column, enforced in the same way at training, in batches and over HTTP.

A contract decodes raw values into **columns**: a dict from column name to an array of shape (n,). Numbers become
float64 (missing is NaN); categories become int32 codes into the column's levels (missing is -1, the unknown bin is
``len(levels)``). What breaks a rule comes back as a Breach and never as a guess.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import ConfigError

Columns = dict[str, NDArray[Any]]

MISSING_CODE = -1
LARGEST_NUMBER = 1e15
"""Beyond this a float64 no longer holds every integer: an id or a fault, not a measurement."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class _BrokenRule(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Breach(NamedTuple):
    """One rule of one column, broken by some rows.

    Attributes
    ----------
    column : str
    code : str
        ``missing``, ``not-a-number``, ``not-finite``, ``too-large``, ``below-minimum``, ``above-maximum``,
        ``not-a-category``, ``unknown-category``, ``absent`` or ``unexpected``.
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
class Column:
    """The rules of one column.

    Attributes
    ----------
    name : str
    type : {"number", "category"}
    levels : tuple of str
        The known categories; a value's position is its code.
    minimum, maximum : float or None
        Hard limits of a number; outside is a breach.
    nullable : bool
        Whether a single value may be missing.
    max_missing : float
        Largest share of missing values that a table may have.
    missing_values : tuple of str
        Texts that mean "missing" here, beside a blank cell. Anything else that looks missing ("NA", "None") is text.
    unknown : {"reject", "bin"}
        What an unseen category becomes: a breach, or the unknown bin.
    """

    name: str
    type: Literal["number", "category"] = "number"
    levels: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = False
    max_missing: float = 0.05
    missing_values: tuple[str, ...] = ()
    unknown: Literal["reject", "bin"] = "reject"

    @cached_property
    def codes(self) -> dict[str, int]:
        """Code of every level."""
        return {level: code for code, level in enumerate(self.levels)}

    @cached_property
    def _missing_texts(self) -> frozenset[str]:
        return frozenset({"", *self.missing_values})

    @property
    def blank(self) -> float:
        """What a missing value is decoded to."""
        return math.nan if self.type == "number" else MISSING_CODE

    def read(self, value: object, *, typed: bool) -> float:
        """Decode one value; ``typed`` values (JSON) must have the right type, others (CSV) are text.

        Raises
        ------
        _BrokenRule
            Turned into a Breach by the callers in this package.
        """
        if isinstance(value, str):
            value = value.strip()
            if value in self._missing_texts:
                value = None
        elif isinstance(value, float) and value != value:
            value = None
        if value is None:
            if not self.nullable:
                raise _BrokenRule("missing", "a value is required")
            return self.blank
        return self._number(value, typed) if self.type == "number" else self._category(value)

    def _number(self, value: object, typed: bool) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise _BrokenRule("not-a-number", f"expected a number, got {_shown(value)}")
        if isinstance(value, str) and (typed or not _NUMBER.fullmatch(value)):
            raise _BrokenRule("not-a-number", f"expected a number, got {_shown(value)}")
        try:
            number = float(value)
        except OverflowError:
            raise _BrokenRule("too-large", f"larger than {LARGEST_NUMBER:g}") from None
        self.check(number)
        return number

    def check(self, number: float) -> None:
        """Hold one finite number against the limits."""
        if not math.isfinite(number):
            raise _BrokenRule("not-finite", "expected a finite number, got infinity")
        if abs(number) > LARGEST_NUMBER:
            raise _BrokenRule("too-large", f"{number:g} is larger than {LARGEST_NUMBER:g}")
        if self.minimum is not None and number < self.minimum:
            raise _BrokenRule("below-minimum", f"{number:g} is below the minimum {self.minimum:g}")
        if self.maximum is not None and number > self.maximum:
            raise _BrokenRule("above-maximum", f"{number:g} is above the maximum {self.maximum:g}")

    def _category(self, value: object) -> int:
        text = category_text(value)
        if text is None:
            raise _BrokenRule("not-a-category", f"expected a text, got {_shown(value)}")
        code = self.codes.get(text)
        if code is not None:
            return code
        if self.unknown == "bin":
            return len(self.levels)
        raise _BrokenRule("unknown-category", f"{_shown(text)} is not one of {_choices(text, self.levels)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values; defaults are left out."""
        fields: dict[str, Any] = {"type": self.type}
        if self.type == "category":
            fields |= {"levels": list(self.levels), "unknown": self.unknown}
        optional: dict[str, Any] = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "nullable": self.nullable or None,
            "max_missing": self.max_missing if self.max_missing != 0.05 else None,
            "missing_values": list(self.missing_values) or None,
        }
        return fields | {key: value for key, value in optional.items() if value is not None}

    @classmethod
    def from_dict(cls, name: str, fields: Mapping[str, Any]) -> Column:
        """Inverse of `to_dict`.

        Raises
        ------
        ConfigError
            For an unknown rule or a value of the wrong type, naming the column.
        """
        _check_fields(name, fields)
        values = dict(fields)
        for key in ("levels", "missing_values"):
            if key in values:
                values[key] = tuple(str(item) for item in values[key])
        for key in ("minimum", "maximum"):
            if values.get(key) is not None:
                values[key] = float(values[key])
        return cls(name=name, **values)


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
    """

    columns: tuple[Column, ...]
    features: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    version: int = field(default=1)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def used(self) -> tuple[Column, ...]:
        """The feature columns, in the order of `features`."""
        return tuple(self.by_name[name] for name in self.features)

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
        for column in self.used:
            values, broken = _decode_column(column, rows, typed)
            columns[column.name] = values
            breaches += broken
        if typed:
            breaches += self._unexpected(rows)
        return Decoded(columns, tuple(breaches), len(rows))

    def _unexpected(self, rows: Sequence[Mapping[str, object]]) -> list[Breach]:
        strangers: dict[str, list[int]] = {}
        for position, row in enumerate(rows):
            for name in row.keys() - self._accepted:
                strangers.setdefault(name, []).append(position)
        return [
            Breach(name, "unexpected", f"no such column{did_you_mean(name, self.features)}", np.array(found))
            for name, found in sorted(strangers.items())
        ]

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "columns": {column.name: column.to_dict() for column in self.columns},
            "features": list(self.features),
            "known": list(self.known),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Contract:
        """Inverse of `to_dict`.

        Raises
        ------
        ConfigError
            If the document is not a contract.
        """
        columns = document.get("columns")
        if not isinstance(columns, Mapping) or not columns:
            raise ConfigError("A contract needs a mapping `columns`.", where="contract")
        parsed = tuple(Column.from_dict(str(name), fields) for name, fields in columns.items())
        names = {column.name for column in parsed}
        features = tuple(str(name) for name in document.get("features", ()))
        for feature in features:
            if feature not in names:
                raise ConfigError(f"The feature {feature!r} has no column in the contract.", where="contract")
        return cls(parsed, features, tuple(str(name) for name in document.get("known", ())))


def category_text(value: object) -> str | None:
    """The level a raw value stands for; None if it cannot be one."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_NUMBER:
        return str(int(value))
    return None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``"; did you mean 'age'?"`` or an empty text."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _decode_column(
    column: Column, rows: Sequence[Mapping[str, object]], typed: bool
) -> tuple[NDArray[Any], list[Breach]]:
    values = np.full(len(rows), column.blank, dtype=np.float64 if column.type == "number" else np.int32)
    broken: dict[str, tuple[str, list[int]]] = {}
    for position, row in enumerate(rows):
        try:
            if column.name not in row:
                raise _BrokenRule("absent", "this field must be given")  # noqa: TRY301 - one road for all rules
            values[position] = column.read(row[column.name], typed=typed)
        except _BrokenRule as rule:
            broken.setdefault(rule.code, (rule.message, []))[1].append(position)
    return values, [Breach(column.name, code, text, np.array(found)) for code, (text, found) in broken.items()]


def read_or_breach(column: Column, value: object, *, typed: bool = False) -> tuple[float, str | None, str]:
    """``(value, None, "")`` or ``(blank, code, message)``: for callers that decode distinct values once."""
    try:
        return column.read(value, typed=typed), None, ""
    except _BrokenRule as rule:
        return column.blank, rule.code, rule.message


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _choices(value: str, levels: Sequence[str]) -> str:
    if len(levels) <= 12:
        return ", ".join(repr(level) for level in levels)
    return f"the {len(levels)} known categories{did_you_mean(value, levels)}"


_RULES: dict[str, type | tuple[type, ...]] = {
    "type": str,
    "levels": (list, tuple),
    "minimum": (int, float, type(None)),
    "maximum": (int, float, type(None)),
    "nullable": bool,
    "max_missing": (int, float),
    "missing_values": (list, tuple),
    "unknown": str,
}


def _check_fields(name: str, fields: Mapping[str, Any]) -> None:
    where = f"contract, column {name!r}"
    if not isinstance(fields, Mapping):
        raise ConfigError("The rules of a column must be a mapping.", where=where)
    for key, value in fields.items():
        if key not in _RULES:
            raise ConfigError(f"Unknown rule {key!r}{did_you_mean(str(key), _RULES)}", where=where)
        if not isinstance(value, _RULES[key]):
            raise ConfigError(f"The rule {key!r} has a value of the wrong type: {_shown(value)}.", where=where)
    if fields.get("type", "number") not in ("number", "category"):
        raise ConfigError(f"Unknown type {fields['type']!r}: number or category.", where=where)
    if fields.get("unknown", "reject") not in ("reject", "bin"):
        raise ConfigError(f"Unknown policy {fields['unknown']!r}: reject or bin.", where=where)
