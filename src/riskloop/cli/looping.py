"""Verbs that close the loop: retrain, loop."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import HERE, JsonOption, ProjectOption, names
from riskloop.cli.show import Reporter, training_progress, verbatim
from riskloop.errors import UsageError

if TYPE_CHECKING:
    from riskloop.keep.retrainings import Retraining
    from riskloop.loop.workflows.retrain import Retrained
    from riskloop.loop.workflows.turning import Turn

_CandidatesOption = Annotated[
    str | None,
    typer.Option(
        help="Families a,b,c, and blend, stack, voting, distilled; those of the settings if not.",
        autocompletion=completing.candidates,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("retrain", epilog="Example: riskloop retrain --if-needed --window recent:180d")(retrain)
    app.command("loop", epilog="Example: riskloop loop --every 1h")(loop)


def retrain(
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Only if there is reason to; says why or why not.")
    ] = False,
    window: Annotated[
        str | None, typer.Option(help="Rows to learn from: all, recent:180d or sliding:50000.", show_default="settings")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Time for the training: 90s, 10m, 2h.")] = None,
    candidates: _CandidatesOption = None,
    history: Annotated[bool, typer.Option("--history", help="List the retrainings instead.")] = False,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Learn from what became of customers, hold the new version against the champion, let it lead if it is better."""
    from riskloop.loop.workflows.retrain import history as past
    from riskloop.loop.workflows.retrain import retrain as again
    from riskloop.wiring import open_project

    opened, reporter = open_project(project), Reporter(as_json)
    if history:
        _show_history(reporter, past(opened))
        return
    with training_progress(enabled=True) as watcher:
        done = again(
            opened, if_needed=if_needed, window=window, candidates=names(candidates), budget=budget, watcher=watcher
        )
    reporter.data(done)
    show_retraining(reporter, done)
    if done.refused:
        raise typer.Exit(3)


def show_retraining(reporter: Reporter, done: Retrained) -> None:
    """Why, on what, what the gate said, and what came of it."""
    if done.need is not None:
        for ground in done.need.grounds:
            reporter.say(f"  {'[yellow]yes[/]' if ground.holds else '[dim]no [/]'} {verbatim(ground.words)}")
    for warning in done.warnings:
        reporter.say(f"  [yellow]warning[/] {verbatim(warning)}")
    if done.record is not None:
        data = done.record.data
        reporter.say(
            f"  Learnt from {data['old']:,} old rows and {data['new']:,} new ones ({verbatim(data['window'])}), judged "
            f"on the {data['held']:,} newest."
        )
        for check in done.record.gate:
            mark = "[green]ok[/]" if check["passed"] else "[red]no[/]"
            reporter.say(f"  gate {mark} {str(check['name']).replace('_', ' ')}: {verbatim(check['message'])}")
    reporter.say(f"[bold]{verbatim(done.words)}[/]")


def _show_history(reporter: Reporter, records: tuple[Retraining, ...]) -> None:
    reporter.data(records)
    reporter.table(
        "Retrainings",
        ("no.", "started", "by", "champion", "version", "result", "difference per 1,000", "rows", "why"),
        [
            (
                one.seq,
                one.started_at.isoformat(timespec="seconds"),
                one.actor,
                one.champion or "-",
                one.version or "-",
                one.result,
                _difference(one),
                f"{one.data.get('rows', 0):,}",
                " ".join(one.reasons),
            )
            for one in records
        ],
    )
    if not records:
        reporter.say("Nothing was retrained yet. Next: [bold]riskloop retrain --if-needed[/]")


def _difference(one: Retraining) -> str:
    found = one.difference
    return "-" if not found else f"{found['mean']:+,.0f} [{found['low']:+,.0f}, {found['high']:+,.0f}]"


def loop(
    every: Annotated[str, typer.Option(help="Time from turn to turn: 90s, 10m, 1h, 1d.")] = "1h",
    once: Annotated[bool, typer.Option("--once", help="One turn, if no other process leads.")] = False,
    candidates: _CandidatesOption = None,
    lease: Annotated[str, typer.Option(help="How long a process that died is waited for by the others.")] = "60s",
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Watch, and retrain if needed, again and again; SIGTERM or Ctrl-C ends it, what was begun is resumed later."""
    from riskloop.loop.workflows.turning import keep_turning
    from riskloop.settings.section import duration
    from riskloop.wiring import open_project

    try:
        seconds, lease_seconds = duration(every), duration(lease)
    except ValueError as error:
        raise UsageError(f"{error}.", where="--every or --lease", next_step="write 1h, or 60s") from error
    opened, reporter = open_project(project), Reporter(as_json)
    before = signal.signal(signal.SIGTERM, _end)
    try:
        with training_progress(enabled=sys.stderr.isatty()) as watcher:
            keep_turning(
                opened,
                every=seconds,
                once=once,
                told=lambda turn: _tell(reporter, turn),
                candidates=names(candidates),
                lease_seconds=lease_seconds,
                watcher=watcher,
            )
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _tell(reporter: Reporter, turn: Turn) -> None:
    """One line a turn; under ``--json`` one document a line."""
    if reporter.as_json:
        import json

        from riskloop.cli.show import plain

        sys.stdout.write(json.dumps(plain(turn), ensure_ascii=False) + "\n")
    else:
        due = f" Next: {turn.next_at:%Y-%m-%d %H:%M} UTC." if turn.next_at else ""
        reporter.say(f"{turn.at:%Y-%m-%d %H:%M:%S} {verbatim(turn.words)}{due}")
    sys.stdout.flush()
