"""Parity: a packed bundle, asked as a caller would ask it, says what training said."""

from __future__ import annotations

import numpy as np
import polars as pl

from riskloop.bundle.bundle import Bundle
from riskloop.errors import BundleRefused
from riskloop.learn.training import Trained
from riskloop.loop.project import Project
from riskloop.loop.retraining.table import ORIGIN

_LINKED_ROWS = 300
"""Customers whose linked features are computed by id as well, to prove parity."""
_SERVED_ROWS = 2_000
"""Test rows that go through the serving path (text, one by one) to prove parity."""


def served_parity(bundle: Bundle, rows: pl.DataFrame, trained: Trained) -> float:
    """Largest difference between training and the packed bundle fed the table's own raw rows, as a caller would.

    Raises
    ------
    BundleRefused
        If a test row that training accepted is refused in service.
    """
    positions = trained.split.test[:_SERVED_ROWS]
    raw = _as_a_caller_would(rows.select(bundle.contract.read_names)[positions]).to_dicts()
    probability, decoded = bundle.score(raw, typed=False)
    if decoded.breaches:
        raise BundleRefused(
            f"Service refuses a row that training accepted: {decoded.breaches[0].message}.",
            where=f"column {decoded.breaches[0].column!r}",
        )
    return float(np.abs(probability - trained.test_probability[: len(positions)]).max())


def _as_a_caller_would(rows: pl.DataFrame) -> pl.DataFrame:
    """Dates of Parquet files as text: no caller can send anything else."""
    texts = []
    for name, kind in rows.schema.items():
        if isinstance(kind, pl.Datetime):
            texts.append(pl.col(name).dt.strftime(f"%Y-%m-%dT%H:%M:%S{'%:z' if kind.time_zone else ''}"))
        elif kind == pl.Date:
            texts.append(pl.col(name).dt.strftime("%Y-%m-%d"))
    return rows.with_columns(texts)


def linked_parity(project: Project, rows: pl.DataFrame) -> float:
    """Largest difference between the linked features of a table and those that the service would compute by id."""
    if not project.linked.tables:
        return 0.0
    from riskloop.data.linked.history import parity

    if ORIGIN in rows.columns:  # what was logged then may differ from what the linked tables say now of that time
        rows = rows.filter(pl.col(ORIGIN) == "table").with_columns(pl.col(project.linked.names).cast(pl.Float64))
    if rows.is_empty():
        return 0.0
    problem = project.settings.problem.problem()
    return parity(rows, project.linked, project.linked_sources, problem, rows=_LINKED_ROWS)
