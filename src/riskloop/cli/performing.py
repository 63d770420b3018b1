"""The verb of performance over time."""

from __future__ import annotations

from typing import Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import HERE, By, JsonOption, Language, LanguageOption, ProjectOption, moment
from riskloop.cli.show import Reporter, verbatim

_MOST_SHOWN = 24


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("performance", epilog="Example: riskloop performance --by month --segment plan")(performance)


def performance(
    by: Annotated[By | None, typer.Option(help="Windows; performance.window of riskloop.yaml if left out.")] = None,
    since: Annotated[str | None, typer.Option(help="Predictions from this day or time on (UTC): 2026-11-01.")] = None,
    version: Annotated[
        int | None,
        typer.Option("--model-version", min=1, help="Only this version's.", autocompletion=completing.versions),
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option(
            help="Also by the values of a category column, of risk_band or of arm.", autocompletion=completing.columns
        ),
    ] = None,
    arm: Annotated[
        str | None, typer.Option(help="Only of an arm: champion, challenger, batch; shadow is left out unless named.")
    ] = None,
    scoreboard: Annotated[
        bool, typer.Option("--scoreboard", help="Show how good kept estimates were, instead of the windows.")
    ] = False,
    language: LanguageOption = Language.en,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say how good decisions were, window by window; exit code 3 if the newest that can be judged broke its promise."""
    from riskloop.loop.workflows.performance import performance as follow
    from riskloop.loop.workflows.performance import write_performance_report
    from riskloop.report.documents.pen import Pen
    from riskloop.report.documents.performance import HEADS, row_of, score_row, sentences
    from riskloop.wiring import open_project

    opened = open_project(project)
    found = follow(
        opened,
        by=by.value if by else None,
        since=moment(since),
        version=version,
        arm=arm,
        segment=segment,
    )
    written = write_performance_report(opened, found, language.value)
    pen, reporter, raw = Pen(language.value, found.currency), Reporter(as_json), found.to_dict()
    reporter.data(raw | {"files": dict(written.files)})
    for sentence in sentences(raw, pen):
        reporter.say(verbatim(sentence))
    if scoreboard:
        keys = ("col_metric", "col_method", "col_windows", "col_error", "col_absolute_error", "col_covered")
        scores = [[cell.text for cell in score_row(one, pen)] for one in raw["scoreboard"]]
        if scores:
            reporter.table("", [pen.say(key) for key in keys], scores)
        else:
            reporter.say(verbatim(pen.say("performance_no_scores")))
    else:
        heads = [pen.say(key) for key in ("col_segment", *HEADS)] if segment else [pen.say(key) for key in HEADS]
        shown = [
            [*([one["segment"] or ""] if segment else []), *(cell.text for cell in row_of(one, found.period, pen))]
            for one in raw["cohorts"][-_MOST_SHOWN:]
        ]
        reporter.table("", heads, shown)
    for path in written.files.values():
        reporter.say(pen.say("wrote", path=verbatim(path)))
    if found.worse:
        raise typer.Exit(3)
