"""What a scenario is: columns drawn from seeded streams, a true log-odds, a history before and after the event."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.data.contract import MISSING_CODE, Columns

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Streams:
    """Independent random streams, one per name: a drift in one column leaves the draws of all others alone.

    A stream that draws a single array gives the same first values whatever its length, so a small simulation is the
    beginning of a larger one with the same seed.

    Parameters
    ----------
    seed : int
        Seed of the simulation.
    population : int
        0 for the customers, another number for each production batch.
    chunk : int
        Which chunk of rows.
    """

    seed: int
    population: int = 0
    chunk: int = 0

    def __call__(self, name: str) -> np.random.Generator:
        key = (self.population, self.chunk, zlib.crc32(name.encode()))
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key)))


@dataclass(frozen=True, slots=True)
class Column:
    """One simulated column.

    Attributes
    ----------
    kind : {"number", "category", "day"}
        A ``day`` is drawn in days from the event (negative is before) and written as a date.
    low, high : float
        Limits of a number; values outside are clipped.
    decimals : int
        Decimals of a number; 0 is written as an integer.
    levels : tuple of str
        Levels of a category.
    missing : float
        Share of values that are absent.
    """

    name: str
    kind: Literal["number", "category", "day"] = "number"
    low: float = -math.inf
    high: float = math.inf
    decimals: int = 0
    levels: tuple[str, ...] = ()
    missing: float = 0.0

    def settle(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """The values as they will be written: clipped and rounded."""
        if self.kind != "number":
            return values.astype(np.int32)
        return np.round(np.clip(values.astype(np.float64), self.low, self.high), self.decimals)

    def blank(self, values: NDArray[np.generic], absent: BoolArray) -> NDArray[np.generic]:
        """The values with some of them missing: NaN for a number, -1 for a category."""
        return np.where(absent, np.nan if self.kind == "number" else np.int32(MISSING_CODE), values)


def category(name: str, *levels: str, missing: float = 0.0) -> Column:
    """A column of text levels."""
    return Column(name, "category", levels=levels, missing=missing)


def day(name: str) -> Column:
    """A column of dates, drawn in days from the event."""
    return Column(name, "day")


@dataclass(frozen=True, slots=True)
class History:
    """Rows of a linked table.

    Attributes
    ----------
    owner : int array, shape (k,)
        Position of the customer that each row belongs to.
    columns : dict
        Arrays of shape (k,), one per column of the linked table.
    """

    owner: IntArray
    columns: Columns


@dataclass(frozen=True, slots=True)
class Scenario:
    """A population with a known risk.

    Attributes
    ----------
    name : str
    id, id_prefix : str
        The column that names the customer, and how its values begin.
    time : str
        The event time: the day on which the decision is taken and up to which everything is known.
    target : str
        The outcome column.
    labels : pair
        How a negative and a positive outcome are written.
    columns : tuple of Column
        Everything known at the event time.
    linked : mapping of str to tuple of Column
        The linked tables.
    costs : Costs
        Suggested costs per decision.
    value_costs : mapping of str to str
        The same costs as expressions on the customer's own value columns.
    horizon : int
        Days after the event time in which a positive can happen.
    event_shape : (float, float)
        Beta distribution of the moment of a positive within the horizon.
    draw : callable
        ``draw(streams, n)`` gives the columns before drift.
    log_odds : callable
        The true log-odds of the columns, missing values included: a missing value has an effect of its own, so that
        the true probability is exactly that of a positive given the row.
    concept : callable
        What a concept drift of size 1 adds to the log-odds.
    history : callable
        ``history(streams, columns, outcome)`` gives the rows of the linked tables.
    """

    name: str
    id: str
    id_prefix: str
    time: str
    target: str
    labels: tuple[str, str] | tuple[int, int]
    columns: tuple[Column, ...]
    linked: Mapping[str, tuple[Column, ...]]
    costs: Costs
    value_costs: Mapping[str, str]
    horizon: int
    event_shape: tuple[float, float]
    draw: Callable[[Streams, int], Columns]
    log_odds: Callable[[Columns], FloatArray]
    concept: Callable[[Columns], FloatArray]
    history: Callable[[Streams, Columns, BoolArray], dict[str, History]]

    def column(self, name: str) -> Column | None:
        """The column of that name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


def pick(stream: np.random.Generator, shares: Sequence[float] | FloatArray, n: int) -> NDArray[np.int32]:
    """Codes of categories with these shares, shape (n,)."""
    edges = np.cumsum(shares)[:-1] / np.sum(shares)
    return np.searchsorted(edges, stream.random(n), side="right").astype(np.int32)


def by_level(codes: NDArray[np.int32], *effects: float, missing: float = 0.0) -> FloatArray:
    """The effect of each row's level, shape (n,)."""
    return np.array([*effects, missing])[codes]  # code -1 (missing) is the last entry


def known(values: FloatArray, typical: float) -> FloatArray:
    """The values, with a typical one where they are missing."""
    return np.where(np.isnan(values), typical, values)


def over_time(
    stream: np.random.Generator, counts: Sequence[IntArray], windows: Sequence[tuple[int, int]]
) -> tuple[IntArray, IntArray, IntArray]:
    """Dated rows per customer: ``counts[w]`` of them in each window of days from the event, both ends included.

    Returns
    -------
    owner, window, days : int arrays, shape (k,)
        Ordered by customer, then by window.
    """
    per_customer = np.stack(counts, axis=1)
    slots = np.repeat(np.arange(per_customer.size), per_customer.ravel())
    owner, window = np.divmod(slots, len(windows))
    first, last = np.array(windows).T
    width = (last - first + 1)[window]
    return owner, window, first[window] + (stream.random(len(slots)) * width).astype(np.int64)
