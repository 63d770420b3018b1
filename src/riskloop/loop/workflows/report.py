"""`riskloop report`: documents about a table or a model."""

from __future__ import annotations

from pathlib import Path

from riskloop.data.source import read
from riskloop.errors import DataError
from riskloop.loop.project import Project
from riskloop.loop.workflows.check import prepare_table


def report_data(project: Project) -> Path:
    """Write the data report of the training table; returns the HTML file.

    Raises
    ------
    DataError
        If no row passes the quality gate.
    """
    from riskloop.report.data_report import data_report, write_data_report

    frame, source = read(project.source)
    prepared = prepare_table(project, frame)
    if prepared.dataset is None:
        raise DataError("No row passed the quality gate.", where=source.path, next_step="run `riskloop check`")
    report = data_report(frame, prepared.dataset, prepared.findings, title=project.name, generated=project.clock())
    return write_data_report(report, project.locations.reports)
