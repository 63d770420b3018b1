"""Simulated people as tables."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.costs import FloatArray
from riskloop.data.simulate.drift import Drift
from riskloop.data.simulate.population import FIRST_DAY, Group, Population
from riskloop.data.simulate.scenario import Column
from riskloop.data.simulate.scenarios import scenario_named


def customers(
    scenario: str, rows: int, seed: int, *, drifts: Iterable[Drift] = (), start: date = FIRST_DAY
) -> tuple[pl.DataFrame, FloatArray]:
    """Simulated customers in memory, with the target, and their true probabilities.

    Parameters
    ----------
    scenario : {"churn", "loan"}
    rows, seed : int
    drifts : iterable of Drift
        The same customers after these drifts: columns that no drift names keep their values.
    start : date
        First day of the year of their event times.

    Returns
    -------
    frame : polars.DataFrame, ``rows`` rows
    probability : float array, shape (rows,)

    Raises
    ------
    UsageError
        If there is no such scenario, no rows are asked for, or a drift does not fit.

    Examples
    --------
    >>> frame, probability = customers("churn", rows=3, seed=7)
    >>> frame["customer_id"].to_list()
    ['C0000001', 'C0000002', 'C0000003']
    """
    found = scenario_named(scenario)
    population = Population(found, rows, seed, found.id_prefix, start, drifts=tuple(drifts))
    groups = list(population.groups())
    frame = pl.concat([customer_table(population, group) for group in groups])
    return frame, np.concatenate([group.probability for group in groups])


def customer_table(population: Population, group: Group, *, target: bool = True) -> pl.DataFrame:
    """Id, event time and columns; with ``target``, the outcome as the last column."""
    scenario, event = population.scenario, _event(population, group)
    series = [_ids(population, group), pl.Series(scenario.time, event)]
    series += [_series(column, group.columns[column.name], event) for column in scenario.columns]
    return pl.DataFrame([*series, _outcome(population, group, scenario.target)] if target else series)


def truth_table(population: Population, group: Group) -> pl.DataFrame:
    """Id and true probability."""
    return pl.DataFrame([_ids(population, group), pl.Series("true_probability", group.probability)])


def outcome_table(population: Population, group: Group) -> pl.DataFrame:
    """Id, outcome, and the day on which it became known."""
    observed = pl.Series("observed_at", _event(population, group) + group.delay)
    return pl.DataFrame([_ids(population, group), _outcome(population, group, "outcome"), observed])


def linked_tables(population: Population, group: Group) -> dict[str, pl.DataFrame]:
    """The linked tables: rows dated before the event time, and some after it."""
    scenario, event, owners = population.scenario, _event(population, group), _ids(population, group)
    tables = {}
    for name, history in scenario.history(group.streams, group.columns, group.outcome).items():
        series = [owners.gather(history.owner)]
        for column in scenario.linked[name]:
            series.append(_series(column, column.settle(history.columns[column.name]), event[history.owner]))
        tables[name] = pl.DataFrame(series)
    return tables


def _ids(population: Population, group: Group) -> pl.Series:
    numbers = pl.Series(np.arange(group.first, group.first + len(group)))
    return (population.prefix + numbers.cast(pl.String).str.zfill(7)).alias(population.scenario.id)


def _event(population: Population, group: Group) -> NDArray[np.datetime64]:
    return np.datetime64(population.start, "D") + group.day


def _outcome(population: Population, group: Group, name: str) -> pl.Series:
    return pl.Series(name, population.scenario.labels).gather(group.outcome.astype(np.int64))


def _series(column: Column, values: NDArray[np.generic], event: NDArray[np.datetime64]) -> pl.Series:
    if column.kind == "day":
        return pl.Series(column.name, event + values.astype(np.int64))
    if column.kind == "category":
        return pl.Series(column.name, [*column.levels, None]).gather(values)  # code -1 (missing) is the last entry
    numbers = pl.Series(column.name, values, nan_to_null=True)
    return numbers if column.decimals else numbers.cast(pl.Int64)
