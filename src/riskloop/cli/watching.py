"""Verbs of watching: monitor, and its alias report drift."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from riskloop.cli.options import HERE, JsonOption, Language, LanguageOption, ProjectOption
from riskloop.cli.show import Reporter, verbatim
from riskloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from riskloop.loop.workflows.monitor import Monitored
    from riskloop.report.documents.pen import Pen
    from riskloop.watch.windows import Period

_COLOURS = {"stable": "green", "watch": "yellow", "drifted": "red"}
_MOST_SHOWN = 20


class By(StrEnum):
    """Periods of windows."""

    hour = "hour"
    day = "day"
    week = "week"
    month = "month"


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("monitor", epilog="Example: riskloop monitor --batch customers-2026-11-01.csv")(monitor)


def monitor(
    batch: Annotated[
        str | None,
        typer.Option("--batch", help="A table, or a folder: its newest by the date in the name. Else the ledger."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Of the ledger, predictions from this day or time on (UTC): 2026-11-01.")
    ] = None,
    by: Annotated[
        By | None,
        typer.Option(help="Show windows of time; of the ledger, judge the newest one, beside its season."),
    ] = None,
    segment: Annotated[
        str | None, typer.Option(help="A category column: also judge the customers of each of its levels.")
    ] = None,
    classifier: Annotated[
        bool, typer.Option("--classifier", help="Also try to tell these rows from the training rows: joint drift.")
    ] = False,
    version: Annotated[
        int | None, typer.Option("--model-version", min=1, help="Version to compare with; the champion if left out.")
    ] = None,
    language: LanguageOption = Language.en,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say what has moved since training and what it costs: in a batch, or in the ledger; exit code 3 if it drifted."""
    from riskloop.loop.workflows.monitor import monitor_batch, monitor_ledger, write_drift_report
    from riskloop.report.documents.moved import headline, moved_in_words, sentences
    from riskloop.report.documents.pen import Pen
    from riskloop.wiring import open_project

    if batch is not None and since is not None:
        raise UsageError("A batch has no days.", where="--since", next_step="leave out --since, or --batch")
    opened, from_day = open_project(project), _moment(since)
    period: Period | None = by.value if by else None
    if batch is not None:
        found = monitor_batch(opened, batch, version=version, by=period, segment=segment, classifier=classifier)
    else:
        found = monitor_ledger(opened, from_day, version=version, by=period, segment=segment, classifier=classifier)
    written = write_drift_report(opened, found, language.value)
    pen, reporter = Pen(language.value, found.currency), Reporter(as_json)
    told = headline(found.drift, pen)
    reporter.data(found.to_dict() | {"headline": told, "files": dict(written.files)})
    colour = _COLOURS[found.drift.verdict]
    word = pen.say(f"verdict_{found.drift.verdict}")
    reporter.say(f"[bold {colour}]{word}[/] {verbatim(told)}")
    for sentence in sentences(found.drift, pen):
        if sentence != told:
            reporter.say(f"  {verbatim(sentence)}")
    moved = [one for one in found.drift.columns if one.verdict != "stable"][:_MOST_SHOWN]
    if moved:
        heads = [pen.say(key) for key in ("col_column", "col_verdict", "col_psi", "col_what")]
        rows = [
            (one.name, pen.say(f"verdict_{one.verdict}"), pen.fixed(one.psi).text, moved_in_words(one, pen))
            for one in moved
        ]
        reporter.table("", heads, rows)
    _beside(found, pen, reporter)
    for line in _performance(found, pen):
        reporter.say(verbatim(line))
    for path in written.files.values():
        reporter.say(pen.say("wrote", path=verbatim(path)))
    if found.drift.drifted:
        raise typer.Exit(3)


def _beside(found: Monitored, pen: Pen, reporter: Reporter) -> None:
    """The run of windows, segments, groups below four fifths, and the classifier: what was asked for."""
    from riskloop.report.documents import drift_over_time as told

    raw = found.to_dict()
    if raw["windows"] and found.by:
        shown = raw["windows"][-_MOST_SHOWN:]
        rows = [tuple(cell.text for cell in told.window_cells(one, found.by, pen)) for one in shown]
        reporter.table(pen.say("drift_windows_title"), [pen.say(key) for key in told.WINDOW_HEADS], rows)
    if raw["segments"]:
        rows = [tuple(cell.text for cell in told.segment_cells(one, pen)) for one in raw["segments"]]
        title = pen.say("drift_segments_table", column=raw["segments"][0]["column"])
        reporter.table(title, [pen.say(key) for key in told.SEGMENT_HEADS], rows)
    if raw["classifier"]:
        for sentence in told.classifier_said(raw["classifier"], pen):
            reporter.say(verbatim(sentence))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no day.", where="--since", next_step="write 2026-11-01 or 2026-11-01T12:00:00"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _performance(found: Monitored, pen: Pen) -> Iterator[str]:
    """What was promised, what is to be expected, and what came true."""
    estimated = found.estimated.to_dict()["metrics"]
    realised = {} if found.realised is None else found.realised.to_dict()["metrics"]
    parts = ((found.promised, "col_promised"), (estimated, "col_estimated"), (realised, "col_realised"))
    for name, how in (("roc_auc", "fixed"), ("cost_per_thousand", "money")):
        told = [f"{pen.say(key).lower()} {pen.interval(one.get(name), how).text}" for one, key in parts if one]
        yield pen.say("labelled", label=pen.say(f"metric_{name}"), value=" · ".join(told))
