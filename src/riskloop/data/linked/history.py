"""The rows of every customer as the store keeps them, and the proof that they say the same as the table did."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from riskloop.data.dataset import microseconds
from riskloop.data.frames import as_text
from riskloop.data.linked.join import source_of
from riskloop.data.linked.offline import opened
from riskloop.data.linked.online import linked_features
from riskloop.data.linked.plan import Plan
from riskloop.data.source import Source
from riskloop.problem import Problem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def histories(plan: Plan, sources: Mapping[str, Source], ids: pl.Series) -> Iterator[tuple[str, str, str]]:
    """All rows of these customers, those of the future too: what counts depends on when somebody asks.

    Yields
    ------
    table, id, document : str
        One per customer and linked table; the document is the JSON text of a `riskloop.data.linked.online.Document`.

    Raises
    ------
    DataError
        If a linked table cannot be read.
    """
    for table in plan.tables:
        with opened(table, source_of(table, sources)) as cells:
            for rows in cells.rows_of(ids):
                for identity, document in _documents(rows, cells.names).iter_rows():
                    yield table.name, identity, document


def _documents(rows: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    named = [pl.col(column).alias(name) for name, column in names.items()]
    columns = [pl.struct(named).alias("columns")] if named else []
    lists = rows.group_by("id", maintain_order=True).agg(pl.col("moment").alias("at"), *names.values())
    return lists.select("id", pl.struct("at", *columns).struct.json_encode().alias("document"))


def parity(frame: pl.DataFrame, plan: Plan, sources: Mapping[str, Source], problem: Problem, *, rows: int) -> float:
    """Largest difference between joined features and those the service computes of the same customers by id.

    Parameters
    ----------
    frame : polars.DataFrame
        With the linked features, from `riskloop.data.linked.join.join`.
    rows : int
        How many customers to try, spread evenly over the table.

    Returns
    -------
    float
        Relative to the value where that is larger than 1; infinite if one is missing and the other is not.
    """
    assert problem.id is not None  # noqa: S101 - join has used it
    some = frame[np.unique(np.linspace(0, frame.height - 1, rows).astype(np.int64))].drop_nulls(problem.id)
    ids = as_text(some[problem.id])
    on_file: dict[str, dict[str, object]] = {}
    for table, identity, document in histories(plan, sources, ids):
        on_file.setdefault(identity, {})[table] = json.loads(document)
    moments = microseconds(some[problem.time]) if plan.point_in_time and problem.time else [0] * len(ids)
    worst = 0.0
    for identity, moment, joined in zip(ids, moments, some.select(plan.names).iter_rows(), strict=True):
        at = _EPOCH + timedelta(microseconds=moment)
        served = linked_features(plan, on_file.get(identity, {}), at)  # type: ignore[arg-type]  # JSON
        worst = max(worst, *map(_apart, joined, (served[name] for name in plan.names)))
    return worst


def _apart(first: float | None, second: float | None) -> float:
    if first is None or second is None:
        return 0.0 if first is second else math.inf
    return abs(first - second) / max(1.0, abs(first))
