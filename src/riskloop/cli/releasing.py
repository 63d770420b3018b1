"""Verbs of release: promote, approve, rollback, ab, history, audit verify."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from riskloop.cli.options import HERE, JsonOption, ProjectOption, ReasonOption
from riskloop.cli.show import Reporter


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("promote", epilog="Example: riskloop promote 3 --reason 'cheaper on the May cohort'")(promote)
    app.command("approve", epilog="Example: riskloop approve 7 --reason 'reviewed the model card'")(approve)
    app.command("rollback", epilog="Example: riskloop rollback --reason 'complaints since Monday'")(rollback)
    app.command("history", epilog="Example: riskloop history --customer C-17 --on 2026-03-01")(history)
    arms = typer.Typer(help="Compare a challenger with the champion in production.")
    arms.command("start", epilog="Example: riskloop ab start 4 --share 0.1 --reason 'cheaper on May'")(ab_start)
    arms.command("status", epilog="Example: riskloop ab status --json")(ab_status)
    arms.command("stop", epilog="Example: riskloop ab stop --reason 'enough seen'")(ab_stop)
    app.add_typer(arms, name="ab")
    audit = typer.Typer(help="Prove that the record is whole.")
    audit.command("verify", epilog="Example: riskloop audit verify")(verify)
    app.add_typer(audit, name="audit")


def promote(
    version: Annotated[int, typer.Argument(help="Version that is to lead.")],
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
    version: Annotated[int | None, typer.Argument(help="Version to go back to; the previous one if left out.")] = None,
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


def ab_start(
    version: Annotated[int, typer.Argument(help="Version that challenges.")],
    reason: ReasonOption,
    share: Annotated[
        float | None, typer.Option(help="Share of customers that it answers: 0.5 for a test, little for a canary.")
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="It answers nobody; what it would have said is kept.")
    ] = False,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Let a challenger answer some customers, always the same ones, or look on as a shadow."""
    from riskloop.loop.workflows.arms import start_arms
    from riskloop.wiring import open_project

    event = start_arms(open_project(project), version, reason=reason, share=share, shadow=shadow)
    reporter = Reporter(as_json)
    reporter.data(event)
    what = "looks on" if shadow else f"answers {share:.0%} of the customers"
    reporter.say(f"Version {version} {what} (event {event.seq}). See: [bold]riskloop ab status[/]")


def ab_status(project: ProjectOption = HERE, as_json: JsonOption = False) -> None:
    """Say who challenges whom, since when, and what each arm has decided."""
    from riskloop.loop.workflows.arms import arms_status
    from riskloop.wiring import open_project

    status = arms_status(open_project(project))
    reporter = Reporter(as_json)
    reporter.data(status)
    what = "looks on" if status.split.shadow else f"answers {status.split.share:.0%} of the customers"
    reporter.say(
        f"Version {status.challenger} {what} beside version {status.champion} since {status.since:%Y-%m-%d %H:%M} UTC"
    )
    reporter.table(
        "Decided since",
        ("version", "arm", "decision", "customers", "mean probability", "expected cost each"),
        [
            (
                one.version,
                one.arm,
                one.decision,
                f"{one.predictions:,}",
                f"{one.mean_probability:.2%}",
                "-" if one.mean_expected_cost is None else f"{one.mean_expected_cost:,.2f}",
            )
            for one in status.counts
        ],
    )


def ab_stop(reason: ReasonOption, project: ProjectOption = HERE, as_json: JsonOption = False) -> None:
    """End the challenge: the champion answers everybody again."""
    from riskloop.loop.workflows.arms import stop_arms
    from riskloop.wiring import open_project

    event = stop_arms(open_project(project), reason=reason)
    reporter = Reporter(as_json)
    reporter.data(event)
    reporter.say(f"Version {event.version} challenges no more (event {event.seq}).")


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
