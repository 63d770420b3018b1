"""Documents: report data, points, model, compliance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import HERE, JsonOption, Language, LanguageOption, ProjectOption
from riskloop.cli.show import Reporter, verbatim
from riskloop.cli.watching import monitor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from riskloop.report.documents.writing import Written
    from riskloop.report.words import Say


_VersionOption = Annotated[
    int | None,
    typer.Option(
        "--version",
        min=1,
        help="Version; the champion if left out, else the newest.",
        autocompletion=completing.versions,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    reports = typer.Typer(help="Write documents.")
    reports.command("data", epilog="Example: riskloop report data --language fr")(report_data)
    reports.command("model", epilog="Example: riskloop report model --version 2 --language fr")(report_model)
    reports.command("points", epilog="Example: riskloop report points --version 2 --pdo 20")(report_points)
    reports.command("compliance", epilog="Example: riskloop report compliance --language fr")(report_compliance)
    reports.command("drift", epilog="Example: riskloop report drift --batch customers-2026-11-01.csv")(monitor)
    app.add_typer(reports, name="report")


def report_data(
    language: LanguageOption = Language.en, project: ProjectOption = HERE, as_json: JsonOption = False
) -> None:
    """Write the data report: distributions by target, missingness, correlations, target rate over time."""
    from riskloop.loop.workflows.report import report_data as write
    from riskloop.report.words import speak
    from riskloop.wiring import open_project

    files = write(open_project(project), language.value)
    reporter = Reporter(as_json)
    reporter.data({"path": files["html"], "files": files})
    _tell_files(files, reporter, speak(language.value))


def report_model(
    version: _VersionOption = None,
    language: LanguageOption = Language.en,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the model report: model card and validation report of a version, as a page, Markdown and JSON."""
    from riskloop.loop.workflows.report_version import report_model as write
    from riskloop.wiring import open_project

    _tell(write(open_project(project), version, language.value), as_json, language)


def report_compliance(
    version: _VersionOption = None,
    language: LanguageOption = Language.en,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the compliance pack: technical documentation, notices, automated decisions, governance, components."""
    from riskloop.loop.workflows.report_version import report_compliance as write
    from riskloop.wiring import open_project

    _tell(write(open_project(project), version, language.value), as_json, language)


def report_points(
    version: Annotated[
        int | None,
        typer.Option(
            min=1, help="A scorecard's version; the champion if left out.", autocompletion=completing.versions
        ),
    ] = None,
    base: Annotated[float, typer.Option(help="Points at the base odds.")] = 600,
    odds: Annotated[float, typer.Option(help="Base odds: goods to one bad.")] = 50,
    pdo: Annotated[float, typer.Option(help="Points that double the odds.")] = 20,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write a scorecard's points as CSV and as SQL."""
    from riskloop.loop.workflows.report import report_points as write
    from riskloop.wiring import open_project

    done = write(open_project(project), version, base=base, odds=odds, pdo=pdo)
    reporter = Reporter(as_json)
    reporter.data({"csv": str(done.csv), "sql": str(done.sql)})
    reporter.say(f"Wrote {verbatim(done.csv)} and {verbatim(done.sql)}")


def _tell(written: Written, as_json: bool, language: Language) -> None:
    from riskloop.report.documents.pen import Pen

    pen, known = Pen(language.value), written.completeness
    share = pen.plain(known.share, "percent")
    counts = pen.say("answered_of", answered=known.answered, points=known.points, share=share)
    reporter = Reporter(as_json)
    reporter.data(written)
    reporter.say(pen.say("labelled", label=pen.say("version_of", version=written.version), value=counts))
    for role, places in known.open.items():
        reporter.say(f"  {pen.say('open_for', role=pen.say(f'role_{role}'), count=len(places))}")
    _tell_files(written.files, reporter, pen.say)


def _tell_files(files: Mapping[str, Path], reporter: Reporter, say: Say) -> None:
    for path in files.values():
        reporter.say(say("wrote", path=verbatim(path)))
