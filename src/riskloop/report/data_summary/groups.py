"""Groups of rows with their target rate: the bars of every distribution in the data report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.evaluation.intervals import Interval, wilson

GroupKind = Literal["range", "value", "level", "rest", "unknown", "missing", "block"]
USUAL_BINS = 25
MOST_VALUES = 15
MOST_LEVELS = 12
FEW_ROWS = 20
"""Rates of fewer rows say little: they do not stretch an axis and are not called highest or lowest."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that have something in common, and how many of them are positive.

    Attributes
    ----------
    kind : {"range", "value", "level", "rest", "unknown", "missing", "block"}
        ``range``: numbers in [low, high), an end of None is open. ``value``: one number. ``level``: one category.
        ``rest``: the less frequent categories together. ``unknown``: categories the contract does not know.
        ``block``: rows that follow each other in time, or in the table from row ``low`` to row ``high``.
    rows, positives : int
    rate : Interval
        Share of positives with its 95 % interval (Wilson, 1927).
    low, high : float or None
    level : str or None
        The category, or the name of the block.
    levels : int
        How many categories are in the group.
    """

    kind: GroupKind
    rows: int
    positives: int
    rate: Interval
    low: float | None = None
    high: float | None = None
    level: str | None = None
    levels: int = 1

    @classmethod
    def of(cls, kind: GroupKind, rows: float, positives: float, **where: Any) -> Self:
        """Count rows and positives; the rate gets Wilson's interval (1927)."""
        return cls(kind, int(rows), int(positives), wilson(positives, rows), **where)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what does not apply is left out."""
        fields = {
            "kind": self.kind,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "levels": self.levels if self.kind == "rest" else None,
            "rows": self.rows,
            "positives": self.positives,
        }
        return {key: value for key, value in fields.items() if value is not None} | {"rate": self.rate.to_dict()}


def rate_scale(groups: list[Group]) -> float:
    """Upper end of an axis for target rates: intervals of tiny groups may leave the picture."""
    tops = [one.rate.high if one.rows >= FEW_ROWS else one.rate.value for one in groups if one.rows]
    return min(1.0, 1.05 * max(tops, default=1.0)) or 1.0


def number_groups(values: FloatArray, outcome: BoolArray) -> list[Group]:
    """Numbers by value when there are few, else by ranges with round ends; then the missing ones.

    Parameters
    ----------
    values : float array, shape (n,)
        NaN where missing.
    outcome : bool array, shape (n,)
    """
    gone = np.isnan(values)
    present, positive = (values[~gone], outcome[~gone]) if gone.any() else (values, outcome)
    groups: list[Group] = []
    if len(present):
        few = _few_values(present)
        groups = _by_value(present, positive, few) if few is not None else _by_range(present, positive)
    return [*groups, *_missing(gone, outcome)]


def _few_values(present: FloatArray) -> FloatArray | None:
    """The distinct values if they are few; a look at the first rows spares most columns the sort."""
    if len(np.unique(present[:1000])) > MOST_VALUES:
        return None
    distinct = np.unique(present)
    return distinct if len(distinct) <= MOST_VALUES else None


def _by_value(present: FloatArray, positive: BoolArray, distinct: FloatArray) -> list[Group]:
    place = np.searchsorted(distinct, present)
    rows, positives = _counts(place, positive, len(distinct))
    return [
        Group.of("value", count, bad, low=float(value), high=float(value))
        for value, count, bad in zip(distinct, rows, positives, strict=True)
    ]


def _by_range(present: FloatArray, positive: BoolArray) -> list[Group]:
    edges = round_edges(present)
    rows, positives = _counts(np.searchsorted(edges, present, side="right"), positive, len(edges) + 1)
    ends = [None, *edges.tolist(), None]
    found = np.flatnonzero(rows)
    return [
        Group.of("range", rows[place], positives[place], low=ends[place], high=ends[place + 1])
        for place in range(found[0], found[-1] + 1)
    ]


def round_edges(present: FloatArray) -> FloatArray:
    """Inner ends of 12 to 31 ranges of equal width with round numbers; the outer ranges take the rare extremes."""
    low, high = np.quantile(present, [0.005, 0.995])
    if low == high:
        low, high = float(present.min()), float(present.max())
    step = _round_step((float(high) - float(low)) / USUAL_BINS)
    if step > 0.2 and bool((present == np.round(present)).all()):
        step = max(1.0, _round_step(step, (1, 2, 5, 10)))
    first, last = math.floor(low / step) + 1, math.ceil(high / step)
    return np.asarray(np.round(np.arange(first, max(last, first + 1)) * step, 12), dtype=np.float64)


def _round_step(least: float, leading: tuple[float, ...] = (1, 2, 2.5, 5, 10)) -> float:
    if not least > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((digit * power for digit in leading if digit * power >= 0.8 * least), 10 * power)


def category_groups(codes: NDArray[np.int32], levels: tuple[str, ...], outcome: BoolArray) -> list[Group]:
    """Categories, the most frequent first; the less frequent together; then unknown and missing ones.

    Parameters
    ----------
    codes : int array, shape (n,)
        Positions in ``levels``; -1 where missing, ``len(levels)`` where unknown.
    levels : tuple of str
    outcome : bool array, shape (n,)
    """
    rows, positives = _counts(codes + 1, outcome, len(levels) + 2)
    order = [code for code in np.argsort(-rows[1:-1], kind="stable").tolist() if rows[code + 1]]
    shown = order if len(order) <= MOST_LEVELS + 1 else order[:MOST_LEVELS]
    groups = [Group.of("level", rows[code + 1], positives[code + 1], level=levels[code]) for code in shown]
    rest = np.array(order[len(shown) :], dtype=np.int64) + 1
    if len(rest):
        groups.append(Group.of("rest", rows[rest].sum(), positives[rest].sum(), levels=len(rest)))
    if rows[-1]:
        groups.append(Group.of("unknown", rows[-1], positives[-1]))
    return [*groups, *_missing(codes < 0, outcome)]


def _missing(gone: BoolArray, outcome: BoolArray) -> list[Group]:
    count = int(gone.sum())
    return [Group.of("missing", count, int(outcome[gone].sum()))] if count else []


def _counts(place: NDArray[Any], positive: BoolArray, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.bincount(place, minlength=size), np.bincount(place[positive], minlength=size)
