"""Customers with a known risk, chunk by chunk, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Columns
from riskloop.data.simulate.drift import Drift, Moments, drifted
from riskloop.data.simulate.scenario import IntArray, Scenario, Streams
from riskloop.data.simulate.scenarios import scenario_named
from riskloop.errors import UsageError

CHUNK = 50_000
"""Customers drawn at once: part of what a seed means, so changing it changes the bytes."""

FIRST_DAY = date(2025, 1, 1)
YEAR = 365

_REFERENCE_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Population:
    """The customers of a simulation, or one of its production batches.

    Attributes
    ----------
    scenario : Scenario
    rows, seed : int
    prefix : str
        How its ids begin.
    start : date
        First day of its event times.
    days : int
        Event times are spread evenly over so many days.
    number : int
        0 for the customers; another number for each production batch.
    drifts : tuple of Drift
        Applied in this order.

    Raises
    ------
    UsageError
        If ``rows`` is not positive, ``seed`` or ``number`` is negative, or a drift does not fit the scenario.
    """

    scenario: Scenario
    rows: int
    seed: int
    prefix: str
    start: date = FIRST_DAY
    days: int = YEAR
    number: int = 0
    drifts: tuple[Drift, ...] = ()

    def __post_init__(self) -> None:
        for name, value, least in (
            ("rows", self.rows, 1),
            ("seed", self.seed, 0),
            ("seed_offset", self.number, 0),
            ("days", self.days, 1),
        ):
            if value < least:
                raise UsageError(f"{name} is {value}.", where=name, next_step=f"choose {least} or more")
        for drift in self.drifts:
            drift.check(self.scenario)

    def groups(self) -> Iterator[Group]:
        """The population in groups of at most ``CHUNK`` customers."""
        for chunk, done in enumerate(range(0, self.rows, CHUNK)):
            yield _draw(self, Streams(self.seed, self.number, chunk), done + 1, min(CHUNK, self.rows - done))


@dataclass(frozen=True, slots=True)
class Group:
    """Some customers of a population, in arrays of shape (n,).

    Attributes
    ----------
    streams : Streams
        What they were drawn from.
    first : int
        Number of the first of them in the population, from 1.
    columns : dict
        Numbers are float64 (missing is NaN), categories int32 codes (missing is -1).
    probability : float array
        The true probability of a positive, given the row.
    outcome : bool array
        Drawn from ``probability``.
    day : int array
        Event time, in days from the start of the population.
    delay : int array
        Days from the event time until the outcome is known.
    """

    streams: Streams
    first: int
    columns: Columns
    probability: FloatArray
    outcome: BoolArray
    day: IntArray
    delay: IntArray

    def __len__(self) -> int:
        return len(self.outcome)


def _draw(population: Population, streams: Streams, first: int, n: int) -> Group:
    scenario, drifts = population.scenario, population.drifts
    columns = _columns(scenario, streams, n)
    if drifts:
        columns = drifted(scenario, columns, drifts, moments(scenario.name), streams)
    probability = _probability(scenario, columns, sum(drift.size for drift in drifts if drift.kind == "concept"))
    outcome = streams("outcome").random(n) < probability
    day = streams("event day").integers(0, population.days, n)
    return Group(streams, first, columns, probability, outcome, day, _delay(scenario, streams, outcome))


def _columns(scenario: Scenario, streams: Streams, n: int) -> Columns:
    drawn = scenario.draw(streams, n)
    columns = {column.name: column.settle(drawn[column.name]) for column in scenario.columns}
    for column in scenario.columns:
        if column.missing:
            absent = streams(f"{column.name}/missing").random(n) < column.missing
            columns[column.name] = column.blank(columns[column.name], absent)
    return columns


def _probability(scenario: Scenario, columns: Columns, concept: float) -> FloatArray:
    log_odds = scenario.log_odds(columns)
    if concept:
        log_odds = log_odds + concept * scenario.concept(columns)
    # exp differs in its last bits between processors; outcomes are drawn from the rounded value, so it is the truth.
    return np.round(1 / (1 + np.exp(-log_odds)), 12)


def _delay(scenario: Scenario, streams: Streams, outcome: BoolArray) -> IntArray:
    """Days until an outcome is known: a positive when it happens, a negative at the horizon, both after some lag."""
    n = len(outcome)
    moment = np.ceil(scenario.horizon * streams("event moment").beta(*scenario.event_shape, n))
    lag = 1 + np.floor(streams("reporting lag").exponential(4.0, n))
    delay: IntArray = (np.where(outcome, moment, scenario.horizon) + lag).astype(np.int64)
    return delay


@cache
def moments(scenario: str) -> Moments:
    """Mean, standard deviation and level shares of the undrifted columns: what drifts are measured against."""
    found = scenario_named(scenario)
    return Moments.of(found, _columns(found, Streams(0), _REFERENCE_ROWS))
