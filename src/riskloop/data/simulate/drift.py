"""Planted drift: which column of a production batch moves, how, and by how much."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import FloatArray
from riskloop.data.contract import Columns, did_you_mean
from riskloop.data.simulate.scenario import Column, Scenario, Streams, pick
from riskloop.errors import UsageError

Kind = Literal["mean", "variance", "category", "missing", "concept"]

EXAMPLES: dict[str, str] = {
    "mean": "mean:tenure_months=+0.5sd",
    "variance": "variance:monthly_charge=2.0",
    "category": "category:plan=premium:0.6",
    "missing": "missing:age=0.2",
    "concept": "concept=0.8",
}

_TEXT = re.compile(r"(?P<kind>\w+)(:(?P<column>[^=:]+))?=((?P<level>[^=:]+):)?(?P<size>[^=:]+)")


@dataclass(frozen=True, slots=True)
class Drift:
    """One change between the customers and a production batch.

    Attributes
    ----------
    kind : {"mean", "variance", "category", "missing", "concept"}
    size : float
        ``mean``: shift in standard deviations of the column. ``variance``: factor on the variance. ``category``: new
        share of ``level``; the other levels share the rest as before. ``missing``: share of the present values that
        is blanked. ``concept``: how far the true log-odds move towards those of another world (1 is all the way);
        the inputs stay.
    column : str or None
        The column that moves; None for ``concept``.
    level : str or None
        The level whose share changes, for ``category``.
    """

    kind: Kind
    size: float
    column: str | None = None
    level: str | None = None

    def check(self, scenario: Scenario) -> None:
        """Raise UsageError unless this drift can happen in the scenario."""
        if not math.isfinite(self.size):
            raise _unusable(self.kind, f"The size of a drift must be a number, not {self.size}.")
        if self.kind == "concept":
            if self.column is not None:
                raise _unusable(self.kind, "A concept drift moves the outcome and names no column.")
            return
        self._check_column(scenario)
        self._check_size()

    def _check_column(self, scenario: Scenario) -> None:
        names = [column.name for column in scenario.columns]
        column = scenario.column(self.column or "")
        if column is None:
            raise _unusable(
                self.kind,
                f"The {scenario.name} scenario has no column {self.column!r}{did_you_mean(self.column or '', names)}",
                f"choose one of: {', '.join(names)}",
            )
        if self.kind in ("mean", "variance") and column.kind != "number":
            raise _unusable(self.kind, f"{column.name!r} is a category: it has no {self.kind}.")
        if self.kind == "category":
            self._check_level(column)

    def _check_level(self, column: Column) -> None:
        if column.kind != "category":
            raise _unusable(self.kind, f"{column.name!r} is a number: it has no levels.")
        if self.level not in column.levels:
            raise _unusable(
                self.kind,
                f"{column.name!r} has no level {self.level!r}{did_you_mean(self.level or '', column.levels)}",
                f"choose one of: {', '.join(column.levels)}",
            )

    def _check_size(self) -> None:
        if self.kind == "variance" and self.size <= 0:
            raise _unusable(self.kind, f"A variance cannot be multiplied by {self.size:g}.")
        if self.kind in ("category", "missing") and not 0 <= self.size <= 1:
            raise _unusable(self.kind, f"A share lies between 0 and 1, not at {self.size:g}.")

    def __str__(self) -> str:
        """The drift as `parse_drift` reads it."""
        size = repr(float(self.size))
        if self.kind == "mean":
            size = f"{'' if size.startswith('-') else '+'}{size}sd"
        where = f":{self.column}" if self.column else ""
        level = f"{self.level}:" if self.level else ""
        return f"{self.kind}{where}={level}{size}"


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A production batch to simulate.

    Attributes
    ----------
    name : str
        Names its files, ``batches/<name>.csv``, and begins its ids.
    rows : int
    drifts : sequence of Drift
        Applied in this order; none gives a null batch.
    seed_offset : int or None
        Which draw of the seed (1 or more); by default the place in the list of batches, from 1.
    start : date or None
        First day of its event times; by default the end of the customers' year.
    days : int
        Its event times spread over so many days.
    """

    name: str
    rows: int
    drifts: Sequence[Drift] = ()
    seed_offset: int | None = None
    start: date | None = None
    days: int = 30


def parse_drift(text: str, scenario: Scenario) -> Drift:
    """Read a drift from a command line.

    Examples
    --------
    >>> from riskloop.data.simulate.scenarios import scenario_named
    >>> parse_drift("category:plan=premium:0.6", scenario_named("churn"))
    Drift(kind='category', size=0.6, column='plan', level='premium')

    Raises
    ------
    UsageError
        If the text does not read as a drift, or the drift does not fit the scenario.
    """
    kind = _kind(text)
    match = _TEXT.fullmatch(text.strip())
    if match is None or (match["column"] is None) != (kind == "concept"):
        raise _unusable(kind, f"{text!r} does not read as a drift.")
    if (match["level"] is None) == (kind == "category"):
        raise _unusable(kind, f"{text!r}: a category drift names a level and its share; no other drift does.")
    drift = Drift(kind, _size(kind, match["size"]), match["column"], match["level"])
    drift.check(scenario)
    return drift


def _kind(text: str) -> Kind:
    word = re.split(r"[:=]", text.strip(), maxsplit=1)[0]
    for kind in get_args(Kind):
        if kind == word:
            return kind  # type: ignore[no-any-return]  # get_args is untyped
    raise UsageError(
        f"There is no drift {word!r}{did_you_mean(word, EXAMPLES)}",
        where="drift",
        next_step=f"write for example: {', '.join(EXAMPLES.values())}",
    )


def _size(kind: Kind, text: str) -> float:
    number = text.removesuffix("sd") if kind == "mean" else text
    if kind == "mean" and number == text:
        raise _unusable(kind, f"A shift of the mean is given in standard deviations, as +0.5sd, not as {text!r}.")
    try:
        return float(number)
    except ValueError:
        raise _unusable(kind, f"{text!r} is not a number.") from None


def _unusable(kind: str, message: str, next_step: str | None = None) -> UsageError:
    return UsageError(message, where=f"drift {kind}", next_step=next_step or f"write for example {EXAMPLES[kind]}")


@dataclass(frozen=True, slots=True)
class Moments:
    """What drifts are measured against: means and standard deviations of numbers, shares of levels."""

    mean: dict[str, float]
    sd: dict[str, float]
    shares: dict[str, FloatArray]

    @classmethod
    def of(cls, scenario: Scenario, columns: Columns) -> Moments:
        """Of simulated columns."""
        numbers = [column.name for column in scenario.columns if column.kind == "number"]
        categories = [column for column in scenario.columns if column.kind == "category"]
        return cls(
            mean={name: float(np.nanmean(columns[name])) for name in numbers},
            sd={name: float(np.nanstd(columns[name])) for name in numbers},
            shares={column.name: _shares(columns[column.name], len(column.levels)) for column in categories},
        )


def _shares(codes: NDArray[np.int32], levels: int) -> FloatArray:
    counts = np.bincount(codes[codes >= 0], minlength=levels)
    shares: FloatArray = counts / counts.sum()
    return shares


def drifted(
    scenario: Scenario, columns: Columns, drifts: Sequence[Drift], moments: Moments, streams: Streams
) -> Columns:
    """The columns after the drifts; those that no drift names are the same arrays."""
    moved = dict(columns)
    for place, drift in enumerate(drifts):
        column = scenario.column(drift.column or "")
        if column is not None:
            stream = streams(f"drift {place} of {column.name}")
            moved[column.name] = _moved(moved[column.name], column, drift, moments, stream)
    return moved


def _moved(
    values: NDArray[np.generic], column: Column, drift: Drift, moments: Moments, stream: np.random.Generator
) -> NDArray[np.generic]:
    if drift.kind == "mean":
        return column.settle(values.astype(np.float64) + drift.size * moments.sd[column.name])
    if drift.kind == "variance":
        centre = moments.mean[column.name]
        return column.settle(centre + math.sqrt(drift.size) * (values.astype(np.float64) - centre))
    if drift.kind == "category":
        level = column.levels.index(drift.level or "")
        return _towards_share(values.astype(np.int32), level, drift.size, moments.shares[column.name], stream)
    return column.blank(values, stream.random(len(values)) < drift.size)


def _towards_share(
    codes: NDArray[np.int32], level: int, share: float, shares: FloatArray, stream: np.random.Generator
) -> NDArray[np.int32]:
    """Just so many rows change level that ``level`` has the wanted share of the known values."""
    now = shares[level]
    chance = stream.random(len(codes))
    if share >= now:
        joins = (codes >= 0) & (chance < (share - now) / (1 - now))
        return np.where(joins, np.int32(level), codes)
    others = np.where(np.arange(len(shares)) == level, 0.0, shares)
    leaves = (codes == level) & (chance < 1 - share / now)
    return np.where(leaves, pick(stream, others, len(codes)), codes)
