"""Verbs of watching: monitor, and its alias report drift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from riskloop.cli import completing
from riskloop.cli.options import (
    HERE,
    By,
    EngineName,
    JsonOption,
    Language,
    LanguageOption,
    ProjectOption,
    WorkersOption,
    check_workers,
    moment,
)
from riskloop.cli.show import Reporter, verbatim
from riskloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from riskloop.loop.project import Project
    from riskloop.loop.watching.monitored import Monitored
    from riskloop.report.documents.pen import Pen
    from riskloop.watch.windows import Period


class Engine(StrEnum):
    """Who else writes a report about the same rows."""

    evidently = "evidently"


_COLOURS = {"stable": "green", "watch": "yellow", "drifted": "red"}
_MOST_SHOWN = 20


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
        str | None,
        typer.Option(
            help="A category column: also judge the customers of each of its levels.", autocompletion=completing.columns
        ),
    ] = None,
    classifier: Annotated[
        bool, typer.Option("--classifier", help="Also try to tell these rows from the training rows: joint drift.")
    ] = False,
    version: Annotated[
        int | None,
        typer.Option(
            "--model-version",
            min=1,
            help="Version to compare with; the champion if left out.",
            autocompletion=completing.versions,
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on looking at the folder, and monitor each new batch once.")
    ] = False,
    every: Annotated[str, typer.Option(help="With --watch: how long between two looks.")] = "30s",
    engine: Annotated[
        Engine | None, typer.Option(help="Also write this tool's own report about the same rows, with its defaults.")
    ] = None,
    on: Annotated[
        EngineName | None,
        typer.Option(
            "--on", help="The batch is a folder or glob of Parquet files: count it by partitions, or on Dask."
        ),
    ] = None,
    workers: WorkersOption = None,
    alerts: Annotated[bool, typer.Option("--alerts/--no-alerts", help="Whether to evaluate alerts at the end.")] = True,
    language: LanguageOption = Language.en,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say what has moved since training and what it costs: in a batch, or in the ledger; exit code 3 if it drifted."""
    from riskloop.engines.evidently import require_evidently
    from riskloop.loop.workflows.monitor import monitor_batch, monitor_ledger
    from riskloop.wiring import open_engine, open_project

    if batch is not None and since is not None:
        raise UsageError("A batch has no days.", where="--since", next_step="leave out --since, or --batch")
    if watch and batch is None:
        raise UsageError("There is no folder to watch.", where="--watch", next_step="name it with --batch")
    check_workers(on, workers)
    if on and (watch or engine or batch is None):
        raise UsageError(
            "Only a batch is counted by partitions, by itself.",
            where="--on",
            next_step="name it with --batch, and leave out --watch and --engine; or leave out --on",
        )
    if engine:
        require_evidently()
    opened, from_day, reporter = open_project(project), moment(since), Reporter(as_json)
    door = _Door(opened, reporter, language.value, engine, alerts)
    if watch and batch is not None:
        _watch(door, Path(batch), _seconds(every), version)
        return
    period: Period | None = by.value if by else None
    if batch is not None and on:
        with open_engine(on.value, workers) as worked_by:
            found = monitor_batch(
                opened,
                batch,
                version=version,
                by=period,
                segment=segment,
                classifier=classifier,
                engine=worked_by,
                reopen=open_project,
            )
    elif batch is not None:
        found = monitor_batch(opened, batch, version=version, by=period, segment=segment, classifier=classifier)
    else:
        found = monitor_ledger(opened, from_day, version=version, by=period, segment=segment, classifier=classifier)
    reporter.data(door.tell(found, from_day))
    if found.drift.drifted:
        raise typer.Exit(3)


@dataclass(frozen=True)
class _Door:
    """What was found, written down and told."""

    project: Project
    reporter: Reporter
    language: Literal["en", "fr"]
    engine: Engine | None
    alerts: bool

    def tell(self, found: Monitored, since: datetime | None = None) -> dict[str, Any]:
        """Write the reports and tell people; gives what machines are told."""
        from riskloop.cli.alerting import tell_evaluated
        from riskloop.loop.publishing import publish
        from riskloop.loop.workflows.alerting import alert_monitored
        from riskloop.loop.workflows.engines import write_evidently_report
        from riskloop.loop.workflows.monitor import write_drift_report
        from riskloop.report.documents.moved import headline, moved_in_words, sentences
        from riskloop.report.documents.pen import Pen

        written = write_drift_report(self.project, found, self.language)
        evaluated = alert_monitored(self.project, found, str(written.files["html"])) if self.alerts else None
        publish(self.project, written.files.values())  # a store that is away holds up no alert
        theirs = write_evidently_report(self.project, found, since) if self.engine else None
        pen, reporter = Pen(self.language, found.currency), self.reporter
        told = headline(found.drift, pen)
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
        for path in (*written.files.values(), *(theirs.files.values() if theirs else ())):
            reporter.say(pen.say("wrote", path=verbatim(path)))
        if evaluated is not None:
            tell_evaluated(evaluated, pen, reporter)
        more = {"evidently": theirs.to_dict()} if theirs else {}
        return found.to_dict() | {"headline": told, "files": dict(written.files), "alerts": evaluated} | more


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


def _watch(door: _Door, folder: Path, every: float, version: int | None) -> None:
    """Until Ctrl-C."""
    from riskloop.loop.workflows.watch_folder import watch_folder

    reporter = door.reporter
    reporter.note(f"Watching {folder}, a look every {every:g} s; Ctrl-C ends it, and the same command goes on.")

    def finish(found: Monitored) -> str:
        reporter.say(f"[bold]{verbatim(Path(found.path).name)}[/]")
        told = door.tell(found)
        reporter.line(told)
        return str(told["headline"])

    for arrived in watch_folder(door.project, folder, _looks(every), version=version, finish=finish):
        if arrived.error:
            reporter.line({"path": str(arrived.path), "error": arrived.error.to_dict()})
            reporter.note(f"error: {arrived.path.name}: {arrived.error}")


def _looks(every: float) -> Iterator[None]:
    while True:
        sleep(every)
        yield


def _seconds(text: str) -> float:
    from riskloop.settings.section import duration

    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"{error}.", where="--every", next_step="write 30s, 10m or 2h") from error


def _performance(found: Monitored, pen: Pen) -> Iterator[str]:
    """What was promised, what is to be expected, and what came true."""
    estimated = found.estimated.to_dict()["metrics"]
    realised = {} if found.realised is None else found.realised.to_dict()["metrics"]
    parts = ((found.promised, "col_promised"), (estimated, "col_estimated"), (realised, "col_realised"))
    for name, how in (("roc_auc", "fixed"), ("cost_per_thousand", "money")):
        told = [f"{pen.say(key).lower()} {pen.interval(one.get(name), how).text}" for one, key in parts if one]
        yield pen.say("labelled", label=pen.say(f"metric_{name}"), value=" · ".join(told))
