"""The plan of linked tables: which rows of a customer count, what is made of them, and how that is called.

One plan is declared in riskloop.yaml, travels in the bundle, and is carried out twice: for whole tables by
`riskloop.data.linked.offline`, for one customer by `riskloop.data.linked.online`. Pure: nothing heavy is imported.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

from riskloop.data.column import BLANKS, did_you_mean, is_number
from riskloop.errors import ConfigError

Kind = Literal["count", "sum", "mean", "min", "max", "last", "trend", "recency", "distinct", "share"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROWS = "*"
"""Stands for the rows themselves in place of a column."""
MOST_FEATURES = 2_000

_NUMERIC = frozenset({"sum", "mean", "min", "max", "last", "trend"})
_OF_ROWS = frozenset({"count", "recency"})
_ORDERED = frozenset({"last", "trend", "recency"})
_NEWEST = frozenset({"last", "recency"})
_ZERO_WHEN_EMPTY = frozenset({"count", "sum", "distinct"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_WINDOW = re.compile(r"([1-9][0-9]{0,4})d")
_SHARE = re.compile(r"share\s*(<=|>=|!=|=|<|>)\s*(.+)", re.DOTALL)


class Window(NamedTuple):
    """How far back rows count, in days before the event time; None is for ever."""

    days: int | None

    def __str__(self) -> str:
        return "all" if self.days is None else f"{self.days}d"


class Aggregate(NamedTuple):
    """What is made of one column of the rows in a window.

    Attributes
    ----------
    column : str
        A column of the linked table, or ``*`` for the rows themselves.
    kind : str
        One of `KINDS`; see docs/linked-tables.md.
    sign, value : str
        Of a ``share``: the comparison that a cell must pass, ``> 0`` or ``= online``.
    """

    column: str
    kind: Kind
    sign: str = ""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.sign} {self.value}" if self.sign else self.kind

    @property
    def reads_numbers(self) -> bool:
        """Whether it makes sense of numbers only."""
        return self.kind in _NUMERIC or self.sign in ("<", "<=", ">", ">=")

    @property
    def empty(self) -> float:
        """Its value where there are no rows: NaN (missing) unless nothing adds up to zero."""
        return 0.0 if self.kind in _ZERO_WHEN_EMPTY else math.nan


class Feature(NamedTuple):
    """One number per customer, e.g. ``instalments.days_late.mean.365d``."""

    name: str
    aggregate: Aggregate
    window: Window


@dataclass(frozen=True)
class LinkedTable:
    """One linked table: many rows to a customer.

    Attributes
    ----------
    name : str
    key : str
        The column that holds the customer's id.
    time : str or None
        The column that says when a row became known.
    windows : tuple of Window
        The widest last.
    aggregates : tuple of Aggregate
    """

    name: str
    key: str
    time: str | None
    windows: tuple[Window, ...]
    aggregates: tuple[Aggregate, ...]

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """Every feature. What the newest row says is the same in each window that holds it: the widest is enough."""
        return tuple(
            Feature(self._named(aggregate, window), aggregate, window)
            for aggregate in self.aggregates
            for window in (self.windows[-1:] if aggregate.kind in _NEWEST else self.windows)
        )

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, beside key and time."""
        return tuple(dict.fromkeys(one.column for one in self.aggregates if one.column != ROWS))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Those of the columns that are read as numbers; the others are text."""
        return frozenset(one.column for one in self.aggregates if one.reads_numbers)

    def _named(self, aggregate: Aggregate, window: Window) -> str:
        measure = str(aggregate).replace(" ", "", 2) if aggregate.sign else aggregate.kind
        parts = [self.name, measure, str(window)]
        return ".".join(parts if aggregate.column == ROWS else [self.name, aggregate.column, *parts[1:]])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        features: dict[str, list[str]] = {}
        for aggregate in self.aggregates:
            features.setdefault(aggregate.column, []).append(str(aggregate))
        timed = {"time": self.time} if self.time else {}
        return {"key": self.key, **timed, "windows": [str(window) for window in self.windows], "features": features}

    @classmethod
    def from_dict(cls, name: str, fields: Mapping[str, Any]) -> LinkedTable:
        """Inverse of `to_dict`, and the reader of riskloop.yaml.

        Raises
        ------
        ConfigError
            Naming what is wrong and the nearest correct word.
        """
        if not _NAME.fullmatch(name):
            raise _wrong(name, "The name of a linked table holds letters, digits, _ and - only.", "rename it")
        if odd := sorted(set(fields) - {"key", "time", "windows", "features"}):
            raise _wrong(name, f"Unknown key {odd[0]!r}.", "it may be: key, time, windows, features")
        listed = fields["features"]
        aggregates = tuple(_aggregate(name, str(column), text) for column in listed for text in listed[column])
        table = cls(
            name=name,
            key=_text(name, "key", fields["key"]),
            time=None if fields.get("time") is None else _text(name, "time", fields["time"]),
            windows=_windows(name, fields.get("windows", ("all",))),
            aggregates=tuple(dict.fromkeys(aggregates)),
        )
        _check_table(table)
        return table


@dataclass(frozen=True)
class Plan:
    """All linked tables.

    Attributes
    ----------
    tables : tuple of LinkedTable
    point_in_time : bool
        Whether customers have an event time: then only rows known strictly before it count, else every row does.

    Raises
    ------
    ConfigError
        If an aggregate or a window needs a time that is not declared, or two features would have one name.
    """

    tables: tuple[LinkedTable, ...] = ()
    point_in_time: bool = True

    def __post_init__(self) -> None:
        for table in self.tables:
            _check_times(table, self.point_in_time)
        counts = Counter(feature.name for feature in self.features)
        if len(counts) > MOST_FEATURES:
            raise ConfigError(f"{len(counts):,} linked features are too many.", where="linked", next_step="list fewer")
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise ConfigError(f"Two linked features are called {twice[0]!r}.", where="linked", next_step="rename one")

    @property
    def features(self) -> tuple[Feature, ...]:
        return tuple(feature for table in self.tables for feature in table.features)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all features, in order."""
        return tuple(feature.name for feature in self.features)

    def only(self, names: Collection[str]) -> Plan:
        """The part of the plan that makes these features."""
        wanted = {feature.aggregate for feature in self.features if feature.name in names}
        parts = (
            replace(table, aggregates=tuple(one for one in table.aggregates if one in wanted)) for table in self.tables
        )
        return replace(self, tables=tuple(part for part in parts if any(f.name in names for f in part.features)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "point_in_time": self.point_in_time,
            "tables": {table.name: table.to_dict() for table in self.tables},
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Plan:
        """Inverse of `to_dict`.

        Raises
        ------
        ConfigError
            If the document is no plan.
        """
        tables = document["tables"]
        if type(document["point_in_time"]) is not bool or set(document) != {"point_in_time", "tables"}:
            raise ConfigError("This is no plan of linked tables.", where="linked")
        return cls(tuple(LinkedTable.from_dict(name, tables[name]) for name in tables), document["point_in_time"])


def nullable(plan: Plan) -> frozenset[str]:
    """Names of the features that are missing for a customer without rows."""
    return frozenset(feature.name for feature in plan.features if feature.aggregate.empty != 0)


def _wrong(table: str, message: str, step: str) -> ConfigError:
    return ConfigError(message, where=f"linked.{table}", next_step=step)


def _text(table: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(table, f"{key} is the name of a column, not {value!r}.", "put it in quotes")
    return value


def _windows(table: str, texts: Iterable[object]) -> tuple[Window, ...]:
    windows = {_window(table, text) for text in texts}
    if not windows:
        raise _wrong(table, "There is no window.", "leave windows out, or list some: [90d, 365d, all]")
    return tuple(sorted(windows, key=lambda window: math.inf if window.days is None else window.days))


def _window(table: str, text: object) -> Window:
    match = _WINDOW.fullmatch(text) if isinstance(text, str) else None
    if match is None and text != "all":
        raise _wrong(table, f"{text!r} is no window.", "write a number of days as 90d, or all")
    return Window(int(match[1]) if match else None)


def _aggregate(table: str, column: str, text: object) -> Aggregate:
    text = text.strip(BLANKS) if isinstance(text, str) else text
    if isinstance(text, str) and text != "share":
        if text in KINDS:
            return Aggregate(column, text)
        if match := _SHARE.fullmatch(text):
            return Aggregate(column, "share", match[1], match[2])
    hint = did_you_mean(str(text), KINDS) if text != "share" else "; a share compares: 'share > 0', 'share = online'"
    raise _wrong(table, f"{text!r} of {column!r} is no aggregate{hint}.", f"it may be: {', '.join(KINDS)}")


def _check_table(table: LinkedTable) -> None:
    if not table.aggregates:
        raise _wrong(table.name, "It declares no features.", 'list some, e.g. features: {"*": [count]}')
    for one in table.aggregates:
        if one.column == ROWS and one.kind not in _OF_ROWS:
            raise _wrong(table.name, f"{one} of '*' has no meaning.", "of rows there are: count, recency")
        if one.sign and one.column in table.numbers and not is_number(one.value):
            step = "a column is read as numbers, or as text, not as both"
            raise _wrong(table.name, f"{one} of {one.column!r} compares numbers with a text.", step)


def _check_times(table: LinkedTable, point_in_time: bool) -> None:
    ordered = _first(one for one in table.aggregates if one.kind in _ORDERED)
    recency = any(one.kind == "recency" for one in table.aggregates)
    if point_in_time and table.time is None:
        raise _wrong(
            table.name,
            "Customers have an event time (problem.time), so it must be known when a row became known.",
            "name the column that says so: time",
        )
    if ordered and table.time is None:
        raise _wrong(table.name, f"{ordered} of {ordered.column!r} needs to know which row is newer.", "add time")
    if not point_in_time and (recency or table.windows != (Window(None),)):
        raise _wrong(
            table.name,
            "Recency and windows count back from the customer's event time, and there is none.",
            "name it in problem.time; or leave out recency, and windows other than all",
        )


def _first(found: Iterable[Aggregate]) -> Aggregate | None:
    return next(iter(found), None)
