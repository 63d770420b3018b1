"""Linked features of one customer, from the rows on file: NumPy only, because the service uses it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from riskloop.costs import FloatArray
from riskloop.data.linked.aggregate import Rows, aggregate
from riskloop.data.linked.plan import LinkedTable, Plan
from riskloop.errors import Conflict

Document = Mapping[str, Any]
"""A customer's rows of one linked table, in order of time: ``{"at": [...], "columns": {"amount": [...]}}``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ROWS: Document = {"at": []}


def linked_features(plan: Plan, on_file: Mapping[str, Document], at: datetime) -> dict[str, float | None]:
    """Every linked feature of a customer at a moment; None where it is missing.

    Parameters
    ----------
    plan : Plan
    on_file : mapping of str to Document
        The customer's rows by linked table; a table without rows may be absent.
    at : datetime
        Only rows known strictly before it count (where the plan is point-in-time); aware.

    Raises
    ------
    Conflict
        If the rows on file lack a column of the plan.
    """
    moment = (at - _EPOCH) // timedelta(microseconds=1)
    made: dict[str, float | None] = {}
    for table in plan.tables:
        rows = _rows(table, on_file.get(table.name, _NO_ROWS), moment if plan.point_in_time else None)
        for name, values in aggregate(table, rows, 1).items():
            value = float(values[0])
            made[name] = None if math.isnan(value) else value
    return made


def _rows(table: LinkedTable, document: Document, moment: int | None) -> Rows:
    at = np.array(document["at"], dtype=np.int64)
    known = len(at) if moment is None else int(np.searchsorted(at, moment))
    columns: dict[str, FloatArray] = {}
    levels: dict[str, dict[str, float]] = {}
    for name in table.columns:
        cells = _cells(document, name)[:known]
        if name in table.numbers:
            columns[name] = np.array(cells, dtype=np.float64)
        else:
            columns[name], levels[name] = _coded(cells)
    age = None if moment is None else moment - at[:known]
    return Rows(np.zeros(known, dtype=np.int64), at[:known], age, columns, levels)


def _cells(document: Document, name: str) -> Sequence[Any]:
    if not document["at"]:
        return ()
    if name not in document["columns"]:
        raise Conflict(
            f"The linked rows on file lack the column {name!r}: they were stored for another model.",
            where="customers",
            next_step="load them anew: riskloop customers",
        )
    cells: Sequence[Any] = document["columns"][name]
    return cells


def _coded(cells: Iterable[str | None]) -> tuple[FloatArray, dict[str, float]]:
    levels: dict[str, float] = {}
    codes = [math.nan if cell is None else levels.setdefault(cell, float(len(levels))) for cell in cells]
    return np.array(codes, dtype=np.float64), levels
