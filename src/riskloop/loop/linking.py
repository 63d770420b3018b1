"""Linked tables at `init`: proposed, joined, and given rules in the contract and a section in riskloop.yaml."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from riskloop.data.infer import Inferred
from riskloop.data.linked.plan import LinkedTable, Plan, nullable
from riskloop.data.linked.propose import LinkedFile
from riskloop.data.source import Source
from riskloop.errors import UsageError
from riskloop.findings import Finding
from riskloop.problem import Problem


class Linked(NamedTuple):
    """The proposed plan, the main table with its features, and what was noticed."""

    plan: Plan
    frame: pl.DataFrame
    findings: tuple[Finding, ...]


def link(frame: pl.DataFrame, files: Sequence[LinkedFile], problem: Problem) -> Linked:
    """Propose features of the linked files and join them to the main table.

    Raises
    ------
    UsageError
        If nothing names the customer, or two files have one name.
    DataError, ConfigError
        See `riskloop.data.linked.propose.propose` and `riskloop.data.linked.join.join`.
    """
    if not files:
        return Linked(Plan(), frame, ())
    from riskloop.data.linked.join import join
    from riskloop.data.linked.propose import propose

    sources = {file.name: Source(file.path) for file in files}
    if problem.id is None or len(sources) < len(files):
        what = "have one name" if problem.id else "need the column of the customer's id"
        raise UsageError(f"Linked tables {what}.", where="--linked", next_step="name it: --id, or NAME=FILE:KEY[:TIME]")
    timed = problem.time is not None
    plan = Plan(tuple(propose(file, point_in_time=timed) for file in files), point_in_time=timed)
    joined = join(frame, plan, sources, problem)
    telling = replace(plan, tables=tuple(_telling(table, joined.frame) for table in plan.tables))
    idle = {*plan.names} - {*telling.names}
    return Linked(telling, joined.frame.drop(idle), joined.findings)


def _telling(table: LinkedTable, frame: pl.DataFrame) -> LinkedTable:
    """The table without windows in which no feature of any customer differs: the widest, at least, stays."""
    differing = {one.window for one in table.features if frame[one.name].n_unique() > 1}
    return replace(table, windows=tuple(one for one in table.windows if one in differing or one == table.windows[-1]))


def with_linked_rules(inferred: Inferred, plan: Plan) -> Inferred:
    """The contract in which every linked feature may be missing that is so without rows.

    Nor is that, or that few whole numbers occur, worth a warning: a customer without rows is no fault of the table.
    """
    optional, names = nullable(plan), {*plan.names}
    columns = tuple(
        replace(column, nullable=True) if column.name in optional else column for column in inferred.contract.columns
    )
    expected = ("integer-codes", "missing-share")
    findings = tuple(one for one in inferred.findings if one.code not in expected or one.column not in names)
    return replace(inferred, contract=replace(inferred.contract, columns=columns), findings=findings)


def sections(plan: Plan, files: Sequence[LinkedFile], folder: Path) -> dict[str, Any]:
    """The plan as riskloop.yaml declares it."""
    paths = {file.name: Path(file.path) for file in files}
    return {table.name: {"path": _seen_from(folder, paths[table.name]), **table.to_dict()} for table in plan.tables}


def _seen_from(folder: Path, path: Path) -> str:
    return str(path) if path.is_absolute() else os.path.relpath(path, folder)
