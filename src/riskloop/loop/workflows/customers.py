"""`riskloop customers`: keep the newest features and the linked rows of all customers, for scoring by id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from riskloop.data.dataset import microseconds
from riskloop.data.frames import as_text
from riskloop.data.source import read
from riskloop.errors import DataError
from riskloop.loop.project import Project


@dataclass(frozen=True)
class Loaded:
    """What is on file now.

    Attributes
    ----------
    path : str
        The table that was read.
    customers : int
    as_of : datetime
    """

    path: str
    customers: int
    as_of: datetime


def load_customers(project: Project, path: str | None = None) -> Loaded:
    """Put the customers of a table, the training table unless named, in place of those on file.

    Raises
    ------
    NotFound
        If there is no champion: it says which columns are kept.
    DataError
        If the table has no ids, or lacks a column that the champion reads.
    Conflict
        If another load, begun later, is complete first.
    """
    source = project.source.like(path) if path else project.source
    _, bundle = project.bundle()
    frame, _ = read(source)
    features = [name for name in bundle.contract.read_names if name not in bundle.linked.names]
    absent = [name for name in (project.settings.problem.id or "id", *features) if name not in frame.columns]
    if absent:
        raise DataError(
            f"The table lacks the column {absent[0]!r}.", where=source.path, next_step="add it, or name another table"
        )
    at = project.clock()
    return Loaded(source.path, store_customers(project, frame, features, at), at)


def store_customers(project: Project, rows: pl.DataFrame, features: Sequence[str], at: datetime | None = None) -> int:
    """Keep the newest row of every customer, and all linked rows; returns how many customers there are.

    Linked features are not kept: they are computed from the linked rows when somebody asks.
    """
    problem = project.settings.problem.problem()
    if problem.id is None or problem.id not in rows.columns:
        return 0
    kept = [name for name in features if name not in project.linked.names]
    known = pl.struct(kept).struct.json_encode() if kept else pl.lit("{}")
    table = rows.select(as_text(rows[problem.id]).alias("id"), known.alias("features"))
    if problem.time is not None and problem.time in rows.columns:
        since = microseconds(rows[problem.time]).fill_null(strategy="min").to_numpy()
        table = table[np.argsort(since, kind="stable")]
    newest = table.drop_nulls("id").unique("id", keep="last", maintain_order=True)
    return project.customers.replace_all(
        newest.iter_rows(), at or project.clock(), linked=_histories(project, newest["id"])
    )


def _histories(project: Project, ids: pl.Series) -> Iterator[tuple[str, str, str]]:
    if project.linked.tables:
        from riskloop.data.linked.history import histories

        yield from histories(project.linked, project.linked_sources, ids)
