"""What every aggregate means, once: over the rows of many customers, or of one.

Both executors of a plan end here, so that they cannot differ in what a mean or a trend is; they differ in how they
come by the rows. No value depends on the order of rows of the same instant.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.data.linked.plan import ROWS, Aggregate, LinkedTable

IntArray = NDArray[np.int64]
_Number = TypeVar("_Number", np.int64, np.float64)
DAY = 86_400_000_000
"""Microseconds."""

_SIGNS: dict[str, Callable[[FloatArray, float], BoolArray]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Rows:
    """Rows of a linked table that count, ordered by customer and time; arrays of shape (k,).

    Attributes
    ----------
    owner : int array
        Position of the customer that a row belongs to.
    at : int array
        When it became known, in microseconds since 1970; zeros where nobody knows.
    age : int array or None
        Microseconds from then to the customer's event time; None where there is none.
    columns : dict of float arrays
        Numbers, and the codes of texts; missing is NaN.
    levels : dict of dict
        Code of every text, by column.
    """

    owner: IntArray
    at: IntArray
    age: IntArray | None
    columns: dict[str, FloatArray]
    levels: dict[str, dict[str, float]]

    def within(self, days: int | None) -> Rows:
        """The rows of the last so many days before the event time."""
        if days is None or self.age is None:
            return self
        inside = self.age <= days * DAY
        columns = {name: values[inside] for name, values in self.columns.items()}
        return Rows(self.owner[inside], self.at[inside], self.age[inside], columns, self.levels)


def aggregate(table: LinkedTable, rows: Rows, n: int) -> dict[str, FloatArray]:
    """Every feature of a linked table, by name, for n customers; missing is NaN.

    Notes
    -----
    ``trend`` is the least-squares slope per day, missing where all rows are of one instant; ``last`` the value of the
    newest row, the largest of several at that instant; ``recency`` the days since the newest row; ``share`` that of
    the cells that are not missing.
    """
    made = {}
    for window in table.windows:
        inside = rows.within(window.days)
        groups: dict[str, _Groups] = {}
        for name, one, _ in (feature for feature in table.features if feature.window == window):
            if one.column not in groups:
                groups[one.column] = _groups(inside, one.column, n)
            measured = _measure(one, groups[one.column], rows.levels.get(one.column))
            made[name] = np.where(np.isnan(measured), one.empty, measured)
    return made


@dataclass(frozen=True)
class _Groups:
    """Present cells of one column, grouped by customer and in order of time."""

    n: int
    owner: IntArray
    at: IntArray
    age: IntArray | None
    values: FloatArray

    @cached_property
    def counts(self) -> IntArray:
        return np.bincount(self.owner, minlength=self.n)

    @cached_property
    def filled(self) -> IntArray:
        """Customers that have any."""
        return np.flatnonzero(self.counts)

    @cached_property
    def sizes(self) -> IntArray:
        return self.counts[self.filled]

    @cached_property
    def starts(self) -> IntArray:
        return np.cumsum(self.sizes) - self.sizes

    @property
    def ends(self) -> IntArray:
        return self.starts + self.sizes - 1

    def each(self, per_customer: NDArray[_Number]) -> NDArray[_Number]:
        """A value of each filled customer, repeated for each of its cells."""
        return np.repeat(per_customer, self.sizes)

    def reduce(self, ufunc: np.ufunc, cells: NDArray[np.generic]) -> FloatArray:
        """One value per filled customer."""
        return np.asarray(ufunc.reduceat(cells, self.starts), dtype=np.float64)


def _groups(rows: Rows, column: str, n: int) -> _Groups:
    if column == ROWS:
        return _Groups(n, rows.owner, rows.at, rows.age, np.ones(len(rows.owner)))
    values = rows.columns[column]
    present = ~np.isnan(values)
    if present.all():
        return _Groups(n, rows.owner, rows.at, rows.age, values)
    age = None if rows.age is None else rows.age[present]
    return _Groups(n, rows.owner[present], rows.at[present], age, values[present])


def _measure(one: Aggregate, groups: _Groups, levels: dict[str, float] | None) -> FloatArray:
    measured = np.full(groups.n, np.nan)
    if len(groups.filled):
        measured[groups.filled] = _share(groups, one, levels) if one.kind == "share" else _MEASURES[one.kind](groups)
    return measured


def _mean(groups: _Groups) -> FloatArray:
    return groups.reduce(np.add, groups.values) / groups.sizes


def _last(groups: _Groups) -> FloatArray:
    newest = groups.at == groups.each(groups.at[groups.ends])
    return groups.reduce(np.maximum, np.where(newest, groups.values, -np.inf))


def _trend(groups: _Groups) -> FloatArray:
    first = groups.at[groups.starts]
    one_instant = groups.at[groups.ends] == first
    days = (groups.at - groups.each(first)) / DAY
    days = days - groups.each(groups.reduce(np.add, days) / groups.sizes)
    values = groups.values - groups.each(_mean(groups))
    spread = np.where(one_instant, np.nan, groups.reduce(np.add, days * days))
    return groups.reduce(np.add, days * values) / spread


def _recency(groups: _Groups) -> FloatArray:
    assert groups.age is not None  # noqa: S101 - a plan has recency only where there is an event time
    return groups.reduce(np.minimum, groups.age) / DAY


def _distinct(groups: _Groups) -> FloatArray:
    order = np.lexsort((groups.values, groups.owner))
    owner, values = groups.owner[order], groups.values[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (values[1:] != values[:-1])
    return groups.reduce(np.add, new.astype(np.float64))


def _share(groups: _Groups, one: Aggregate, levels: dict[str, float] | None) -> FloatArray:
    wanted = float(one.value) if levels is None else levels.get(one.value, -1.0)
    return groups.reduce(np.add, _SIGNS[one.sign](groups.values, wanted).astype(np.float64)) / groups.sizes


_MEASURES: dict[str, Callable[[_Groups], FloatArray]] = {
    "count": lambda groups: groups.sizes.astype(np.float64),
    "sum": lambda groups: groups.reduce(np.add, groups.values),
    "mean": _mean,
    "min": lambda groups: groups.reduce(np.minimum, groups.values),
    "max": lambda groups: groups.reduce(np.maximum, groups.values),
    "last": _last,
    "trend": _trend,
    "recency": _recency,
    "distinct": _distinct,
}
