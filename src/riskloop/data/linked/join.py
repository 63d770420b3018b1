"""Linked features of whole tables: the main table with one number column more for every feature of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from riskloop.costs import FloatArray
from riskloop.data.dataset import microseconds
from riskloop.data.frames import as_text
from riskloop.data.linked.aggregate import IntArray, Rows, aggregate
from riskloop.data.linked.offline import Census, LinkedCells, Odd, opened
from riskloop.data.linked.plan import LinkedTable, Plan
from riskloop.data.source import Source
from riskloop.errors import ConfigError, DataError
from riskloop.findings import Finding
from riskloop.problem import Problem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_MATCH = "linked-no-match"
"""The code of the finding that no linked row belongs to a customer."""


class Joined(NamedTuple):
    """The main table with the linked features, and what was noticed on the way."""

    frame: pl.DataFrame
    findings: tuple[Finding, ...]


def join(
    frame: pl.DataFrame, plan: Plan, sources: Mapping[str, Source], problem: Problem, *, as_of: datetime | None = None
) -> Joined:
    """Add the linked features to a table of customers.

    Only rows that became known strictly before a customer's event time count; what comes later changes nothing. A
    table that has all features of a linked table as columns keeps them.

    Parameters
    ----------
    frame : polars.DataFrame, shape (n, k)
    plan : Plan
    sources : mapping of str to Source
        Where each linked table lies.
    problem : Problem
        Names id and event time.
    as_of : datetime, optional
        Event time of all customers of a table that has no such column; aware.

    Raises
    ------
    DataError
        If a linked table cannot be read, lacks a column, or the main table lacks the id or has some of the features.
    ConfigError
        If the plan names a table that has no source.
    """
    wanted = [table for table in plan.tables if not _is_given(table, frame)]
    findings = [_given(table) for table in plan.tables if table not in wanted]
    if not wanted:
        return Joined(frame, tuple(findings))
    customers = _customers(frame, plan, problem, as_of)
    columns: list[pl.Series] = []
    for table in wanted:
        with opened(table, source_of(table, sources)) as cells:
            findings += _judged(table, plan, cells.census(customers))
            columns += _columns(table, plan, cells, customers)
    return Joined(frame.with_columns(columns), tuple(findings))


class Linker:
    """Joins a table part by part, and reads each linked table once for all parts; a context manager.

    What is told is what concerns a linked table as a whole, once. Whether its rows belong to customers is not judged: a
    part of the customers says nothing about that.

    Parameters
    ----------
    plan, sources, problem, as_of
        See :func:`join`.
    told : bool
        Whether findings were told before, in parts that are done.
    """

    def __init__(
        self,
        plan: Plan,
        sources: Mapping[str, Source],
        problem: Problem,
        *,
        as_of: datetime | None = None,
        told: bool = False,
    ) -> None:
        self._plan, self._sources, self._problem, self._as_of = plan, sources, problem, as_of
        self._told = told
        self._open: dict[str, LinkedCells] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def join(self, frame: pl.DataFrame) -> Joined:
        """Add the linked features to a part of the customers; raises what :func:`join` does."""
        plan = self._plan
        wanted = [table for table in plan.tables if not _is_given(table, frame)]
        findings = [_given(table) for table in plan.tables if table not in wanted]
        columns: list[pl.Series] = []
        if wanted:
            customers = _customers(frame, plan, self._problem, self._as_of)
            for table in wanted:
                cells = self._cells(table)
                if not self._told:
                    judged = _judged(table, plan, cells.census(customers))
                    findings += [finding for finding in judged if finding.code != NO_MATCH]
                columns += _columns(table, plan, cells, customers)
        told, self._told = self._told, True
        return Joined(frame.with_columns(columns), () if told else tuple(findings))

    def _cells(self, table: LinkedTable) -> LinkedCells:
        if table.name not in self._open:
            cells = self._stack.enter_context(opened(table, source_of(table, self._sources)))
            self._open[table.name] = cells
        return self._open[table.name]


def _columns(table: LinkedTable, plan: Plan, cells: LinkedCells, customers: pl.DataFrame) -> list[pl.Series]:
    made = _features(table, plan, cells, customers)
    return [pl.Series(name, values, nan_to_null=True) for name, values in made.items()]


def source_of(table: LinkedTable, sources: Mapping[str, Source]) -> Source:
    """Where a linked table lies."""
    if table.name not in sources:
        raise ConfigError(
            f"The model reads the linked table {table.name!r}, and nothing says where it lies.",
            where="linked",
            next_step=f"give it in riskloop.yaml as linked.{table.name}.path",
        )
    return sources[table.name]


def _rows(frame: pl.DataFrame, table: LinkedTable, names: Mapping[str, str], owner: IntArray) -> Rows:
    """Rows as they were streamed, in arrays."""
    age = None if frame["age"].null_count() else frame["age"].to_numpy()
    columns: dict[str, FloatArray] = {}
    levels: dict[str, dict[str, float]] = {}
    for name in table.columns:
        cells = frame[names[name]]
        if name not in table.numbers:
            cells, levels[name] = _coded(cells)
        columns[name] = cells.to_numpy().astype(np.float64)
    return Rows(owner, frame["moment"].to_numpy(), age, columns, levels)


def _coded(cells: pl.Series) -> tuple[pl.Series, dict[str, float]]:
    distinct = cells.drop_nulls().unique()
    codes = pl.int_range(len(distinct), eager=True).cast(pl.Float64)
    coded = cells.replace_strict(distinct, codes, default=None, return_dtype=pl.Float64)
    return coded, dict(zip(distinct.to_list(), codes.to_list(), strict=True))


def _features(table: LinkedTable, plan: Plan, cells: LinkedCells, customers: pl.DataFrame) -> dict[str, FloatArray]:
    made = {feature.name: np.full(customers.height, feature.aggregate.empty) for feature in table.features}
    widest = table.windows[-1].days
    for rows in cells.rows_before(customers, point_in_time=plan.point_in_time, days=widest):
        who, owner = np.unique(rows["row"].to_numpy(), return_inverse=True)
        for name, values in aggregate(table, _rows(rows, table, cells.names, owner), len(who)).items():
            made[name][who] = values
    return made


def _customers(frame: pl.DataFrame, plan: Plan, problem: Problem, as_of: datetime | None) -> pl.DataFrame:
    if problem.id is None or problem.id not in frame.columns:
        raise DataError(
            f"The table has no column {problem.id!r} by which linked rows could be found.",
            where="problem.id",
            next_step="name the column of the customer's id",
        )
    rows = pl.int_range(frame.height, eager=True)
    times = _times(frame, plan, problem, as_of)
    return pl.DataFrame({"row": rows, "id": as_text(frame[problem.id]), "time": times})


def _times(frame: pl.DataFrame, plan: Plan, problem: Problem, as_of: datetime | None) -> pl.Series:
    if plan.point_in_time and problem.time in frame.columns:
        return microseconds(frame[problem.time])
    if plan.point_in_time and as_of is None:
        raise DataError(
            f"The table has no column {problem.time!r}.", where="problem.time", next_step="name the event time"
        )
    moment = 0 if as_of is None else (as_of - _EPOCH) // timedelta(microseconds=1)
    return pl.repeat(moment, frame.height, dtype=pl.Int64, eager=True)


def _is_given(table: LinkedTable, frame: pl.DataFrame) -> bool:
    names = [feature.name for feature in table.features]
    there = [name for name in names if name in frame.columns]
    if there and len(there) < len(names):
        raise DataError(
            f"The table has {len(there)} of the {len(names)} features of the linked table {table.name!r}.",
            where=f"column {there[0]!r}",
            next_step="leave those columns out, or give all of them",
        )
    return bool(there)


def _given(table: LinkedTable) -> Finding:
    message = f"The features of the linked table {table.name!r} are columns of the table already: taken as they are."
    return Finding("linked-given", "info", message, "leave the columns out to have them computed")


def _judged(table: LinkedTable, plan: Plan, census: Census) -> Iterator[Finding]:
    if not census.matched:
        yield Finding(
            NO_MATCH,
            "error",
            f"None of the {census.rows:,} rows of the linked table {table.name!r} belongs to a customer of this table.",
            f"name the column that holds the customer's id: linked.{table.name}.key is {table.key!r}",
            table.key,
            census.rows,
        )
    if not plan.point_in_time:
        yield Finding(
            "linked-every-row",
            "warning",
            f"There is no event time, so every row of the linked table {table.name!r} counts, whenever it was known.",
            "name the customers' event time in problem.time if rows may be newer than the decision",
        )
    if table.time and census.timeless:
        yield _timeless(table, table.time, census)
    yield from (_odd(table, odd) for odd in census.odd if odd.kind == "number")


def _timeless(table: LinkedTable, time: str, census: Census) -> Finding:
    unread = next((odd for odd in census.odd if odd.kind == "time"), None)
    example = f", for example {unread.example!r}" if unread else ""
    return Finding(
        "linked-no-time",
        "error" if census.timeless == census.rows else "warning",
        f"{census.timeless:,} of {census.rows:,} rows of the linked table {table.name!r} do not say when they became "
        f"known{example}: they never count.",
        "write times as 2026-01-31 or 2026-01-31T12:00:00",
        time,
        census.timeless,
    )


def _odd(table: LinkedTable, odd: Odd) -> Finding:
    every = odd.cells == odd.present
    return Finding(
        "linked-text-in-number",
        "error" if every else "warning",
        f"{odd.cells:,} of {odd.present:,} filled cells of the linked table {table.name!r} are no numbers, "
        f"for example {odd.example!r}: they are read as missing.",
        "of text there are: distinct, 'share = TEXT', count" if every else "correct the cells at the source",
        odd.column,
        odd.cells,
    )
