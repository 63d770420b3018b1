"""Verbs of release: promote, approve, rollback, history, audit verify."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import HERE, JsonOption, ProjectOption, ReasonOption
from riskloop.cli.show import Reporter


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("promote", epilog="Example: riskloop promote 2 --reason 'cheaper on the May cohort'")(promote)
    app.command("approve", epilog="Example: riskloop approve 4 --reason 'reviewed the model card'")(approve)
    app.command("rollback", epilog="Example: riskloop rollback --reason 'complaints since Monday'")(rollback)
    app.command("history", epilog="Example: riskloop history --customer C0000017 --on 2026-11-26")(history)
    audit = typer.Typer(help="Prove that the record is whole.")
    audit.command("verify", epilog="Example: riskloop audit verify")(verify)
    app.add_typer(audit, name="audit")


def promote(
    version: Annotated[int, typer.Argument(help="Version that is to lead.", autocompletion=completing.versions)],
    reason: ReasonOption,
    override: Annotated[
        bool, typer.Option("--override", help="Promote although the gate refused; logged as such.")
    ] = False,
    approver: Annotated[str | None, typer.Option(help="Second person who agreed, if the project asks for one.")] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Let a version lead; the service follows within a second."""
    from riskloop.loop.workflows.release import promote as lead
    from riskloop.wiring import open_project

    event = lead(open_project(project), version, reason=reason, override=override, approver=approver)
    reporter = Reporter(as_json)
    reporter.data(event)
    if event.kind == "requested":
        reporter.say(f"Requested. Another person approves it with: [bold]riskloop approve {event.seq}[/]")
    else:
        reporter.say(f"Version {event.version} leads (event {event.seq}, {event.kind}).")


def approve(
    request: Annotated[int, typer.Argument(help="Number of the request in the promotion log.")],
    reason: Annotated[str | None, typer.Option(help="Why; kept in the log.")] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Agree to another person's request."""
    from riskloop.loop.workflows.release import approve as agree
    from riskloop.wiring import open_project

    event = agree(open_project(project), request, reason=reason)
    reporter = Reporter(as_json)
    reporter.data(event)
    reporter.say(f"Version {event.version} leads (event {event.seq}, approved by {event.approver}).")


def rollback(
    reason: ReasonOption,
    version: Annotated[
        int | None,
        typer.Argument(help="Version to go back to; the previous one if left out.", autocompletion=completing.versions),
    ] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Go back to the previous champion or a named one, once it answers its golden requests again."""
    from riskloop.loop.workflows.release import rollback as go_back
    from riskloop.wiring import open_project

    event = go_back(open_project(project), version, reason=reason)
    reporter = Reporter(as_json)
    reporter.data(event)
    reporter.say(f"Version {event.version} leads again (event {event.seq}).")


def history(
    customer: Annotated[str | None, typer.Option(help="Show the decisions about this customer instead.")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only decisions of this day (UTC).")] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List versions and promotions; or which model decided about a customer, and when."""
    from riskloop.loop.workflows.history import decisions_about
    from riskloop.loop.workflows.history import history as past
    from riskloop.wiring import open_project

    opened, reporter = open_project(project), Reporter(as_json)
    if customer is not None:
        decided = decisions_about(opened, customer, on.date() if on else None)
        reporter.data(decided)
        reporter.table(
            f"Decisions about {customer}",
            ("time", "version", "family", "probability", "decision", "bundle"),
            [
                (
                    one.prediction.at.isoformat(timespec="seconds"),
                    one.version.version,
                    one.version.summary.get("family", ""),
                    f"{one.prediction.probability:.4f}",
                    one.prediction.decision,
                    one.prediction.digest[:12],
                )
                for one in decided
            ],
        )
        if not decided:
            reporter.say("No decision is on record.")
        return
    found = past(opened)
    reporter.data({"state": found.state, "versions": found.versions, "events": found.events})
    reporter.table(
        "Versions",
        ("version", "alias", "family", "gate", "cost per 1,000", "ROC-AUC", "trained"),
        [
            (
                one.version,
                found.alias(one.version) or "",
                one.summary.get("family", ""),
                one.status,
                _value(one.metrics, "cost_per_thousand", 0),
                _value(one.metrics, "roc_auc", 4),
                one.created_at.isoformat(timespec="seconds"),
            )
            for one in found.versions
        ],
    )
    reporter.say()
    reporter.table(
        "Promotion log",
        ("event", "time", "kind", "version", "by", "reason"),
        [
            (one.seq, one.at.isoformat(timespec="seconds"), one.kind, one.version, one.actor, one.reason)
            for one in found.events
        ],
    )


def _value(metrics: dict[str, dict[str, dict[str, float | None]]], name: str, digits: int) -> str:
    value = metrics.get("metrics", {}).get(name, {}).get("value")
    return "-" if value is None else f"{value:,.{digits}f}"


def verify(
    head: Annotated[str | None, typer.Option(help="Head kept elsewhere, SEQ:HASH, to detect a cut-off log.")] = None,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Check the hash chain of the promotion log; prints the head to keep elsewhere."""
    from riskloop.errors import RiskloopError, UsageError
    from riskloop.keep.chain import Head
    from riskloop.loop.workflows.history import verify_log
    from riskloop.wiring import open_project

    opened, reporter = open_project(project), Reporter(as_json)
    expected = None
    if head:
        seq, _, digest = head.partition(":")
        if not seq.isdigit() or not digest:
            raise UsageError("A head is SEQ:HASH.", where="--head", next_step="copy it from an earlier `audit verify`")
        expected = Head(int(seq), digest)
    result = verify_log(opened, expected)
    current = opened.promotions.head()
    if not result.ok:
        raise RiskloopError(
            f"The chain is broken at event {result.first_broken_seq}: {result.why}.",
            where="promotion log",
            next_step="compare with a backup; nothing after this event can be trusted",
        )
    reporter.data({"ok": result.ok, "checked": result.checked, "head": f"{current.seq}:{current.hash}"})
    reporter.say(f"[green]whole[/]: {result.checked} events. Keep this head elsewhere: {current.seq}:{current.hash}")
