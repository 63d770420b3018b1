"""`riskloop monitor --engine evidently`: another tool's report about the rows that were monitored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from riskloop.bundle.bundle import Bundle
from riskloop.data.contract import Columns, Decoded
from riskloop.data.frames import decode_frame
from riskloop.data.source import Source
from riskloop.engines.evidently import ROWS, EvidentlyReport, require_evidently, write_evidently
from riskloop.keep.ledger import Prediction
from riskloop.loop.project import Project
from riskloop.loop.publishing import publish
from riskloop.loop.table import read_table
from riskloop.loop.watching.monitored import Monitored
from riskloop.loop.workflows.monitor import predictions_of, stem_of


def write_evidently_report(
    project: Project, found: Monitored, since: datetime | None = None, *, rows: int = ROWS
) -> EvidentlyReport:
    """Write ``evidently-NAME.html`` and ``.json`` beside our own report, about the same rows, at most so many of them.

    The reference is the training table of riskloop.yaml, as it lies there today, spread evenly: the bundle holds no
    rows. Cells that break the contract are missing on both sides.

    Parameters
    ----------
    since : datetime, optional
        As given to `monitor_ledger`.

    Raises
    ------
    MissingExtra
        If Evidently is not installed.
    DataError
        If the training table cannot be read any more, or lacks a column of the contract.
    """
    require_evidently()
    _, bundle = project.bundle(found.version.version)
    reference = _of_table(project, bundle, project.source, rows)
    if found.path == "ledger":
        current = _of_ledger(bundle, predictions_of(project, found.version, since), rows)
    else:
        current = _of_table(project, bundle, project.source.like(found.path), rows)
    written = write_evidently(
        bundle.contract, reference, current, project.locations.reports, stem_of("evidently", found.name)
    )
    publish(project, written.files.values())
    return written


def _of_table(project: Project, bundle: Bundle, source: Source, rows: int) -> Columns:
    few = rows if source.sample_rows is None else min(rows, source.sample_rows)
    table = read_table(project, replace(source, sample_rows=few), bundle.linked)
    return _kept(decode_frame(bundle.contract, table.frame))


def _of_ledger(bundle: Bundle, predictions: Iterable[Prediction], rows: int) -> Columns:
    return _kept(bundle.contract.decode_kept([one.features for one in _spread(predictions, rows)]))


def _spread(predictions: Iterable[Prediction], most: int) -> Iterator[Prediction]:
    """At most so many of a stream whose length is not known, every k-th: k doubles when there are too many."""
    held: list[Prediction] = []
    step = 1
    for place, one in enumerate(predictions):
        if place % step:
            continue
        if len(held) == most:
            held, step = held[::2], step * 2
            if place % step:
                continue
        held.append(one)
    yield from held


def _kept(decoded: Decoded) -> Columns:
    """The columns, with what broke the contract as missing."""
    columns = {name: values.copy() for name, values in decoded.columns.items()}
    for breach in decoded.breaches:
        if breach.column in columns:
            values = columns[breach.column]
            values[breach.rows] = float("nan") if values.dtype.kind == "f" else -1
    return columns
