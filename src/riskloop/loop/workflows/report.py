"""`riskloop report`: documents about a table or a model."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from riskloop.errors import DataError, UsageError
from riskloop.loop.project import Project
from riskloop.loop.publishing import publish
from riskloop.loop.table import read_table
from riskloop.loop.workflows.check import prepare_table
from riskloop.report.words import Language
from riskloop.scorer.linear import Linear


def report_data(project: Project, language: Language = "en") -> dict[str, Path]:
    """Write the data report of the training table.

    Parameters
    ----------
    language : {"en", "fr"}

    Returns
    -------
    dict of str to Path
        Its files: ``html``, ``md`` and ``json``.

    Raises
    ------
    DataError
        If no row passes the quality gate.
    """
    from riskloop.report.data_report import data_report, write_data_report

    table = read_table(project)
    prepared = prepare_table(project, table.frame, table.findings)
    if prepared.dataset is None:
        raise DataError("No row passed the quality gate.", where=table.path, next_step="run `riskloop check`")
    report = data_report(
        table.frame, prepared.dataset, prepared.findings, title=project.name, generated=project.clock()
    )
    written = write_data_report(report, project.locations.reports, language)
    publish(project, written.values())
    return written


class Points(NamedTuple):
    """The files of a scorecard's points."""

    csv: Path
    sql: Path


def report_points(
    project: Project, version: int | None = None, *, base: float = 600, odds: float = 50, pdo: float = 20
) -> Points:
    """Write a scorecard's points as a table (CSV) and as a query (SQL), counted on the training table.

    Parameters
    ----------
    version : int, optional
        A version whose family is the scorecard; the champion by default.
    base, odds, pdo : float
        Points at ``odds`` goods to one bad, and points that double the odds.

    Raises
    ------
    UsageError
        If the version is no scorecard.
    NotFound, BundleRefused, DataError
        If there is no such version, its bundle was altered, or the table cannot be read.
    """
    from riskloop.learn.scorecard import points_table

    found, bundle = project.bundle(version)
    scorer = bundle.scorer
    if not isinstance(scorer.model, Linear) or any(
        block.kind not in ("bins", "table") for block in scorer.encoding.blocks
    ):
        raise UsageError(
            f"Version {found.version} is no scorecard.",
            where=f"version {found.version}",
            next_step="train one: riskloop train --candidates scorecard",
        )
    table = read_table(project, plan=bundle.linked)
    dataset = prepare_table(project, table.frame, table.findings).dataset
    same = dataset is not None and dataset.contract == bundle.contract
    columns, outcome = (dataset.columns, dataset.outcome) if dataset is not None and same else (None, None)
    points = points_table(bundle.contract, scorer.encoding, scorer.model, columns, outcome, base, odds, pdo)
    folder = project.locations.reports
    folder.mkdir(parents=True, exist_ok=True)
    written = Points(folder / f"points-{found.version}.csv", folder / f"points-{found.version}.sql")
    written.csv.write_text(points.to_csv(), encoding="utf-8")
    written.sql.write_text(points.to_sql("customers"), encoding="utf-8")
    publish(project, written)
    return written
