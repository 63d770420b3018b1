"""A table of customers as every use case reads it: the main table with the features of its linked tables."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from riskloop.data.linked.plan import Plan
from riskloop.data.source import Source, read
from riskloop.findings import Finding
from riskloop.loop.project import Project


class Table(NamedTuple):
    """A table, where it was read from, and what was noticed when the linked tables were joined."""

    frame: pl.DataFrame
    path: str
    findings: tuple[Finding, ...] = ()


def read_table(project: Project, source: Source | None = None, plan: Plan | None = None) -> Table:
    """Read the training table, or another one like it, with its linked features.

    Customers of a table without event times are seen as of now.

    Parameters
    ----------
    source : Source, optional
        Another table.
    plan : Plan, optional
        Another plan than that of riskloop.yaml: the one in a bundle.

    Raises
    ------
    DataError
        If the table or a linked table cannot be read, or they do not fit together.
    """
    source = source or project.source
    plan = project.linked if plan is None else plan
    frame, _ = read(source)
    if not plan.tables:
        return Table(frame, source.path)
    from riskloop.data.linked.join import join

    problem = project.settings.problem.problem()
    joined = join(frame, plan, project.linked_sources, problem, as_of=project.clock())
    return Table(joined.frame, source.path, joined.findings)
