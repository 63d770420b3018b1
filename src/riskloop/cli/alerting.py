"""The verb alerts: what is open, who looks after it, what is silenced, and whether messages arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from riskloop.cli.options import HERE, JsonOption, Language, LanguageOption, ProjectOption
from riskloop.cli.show import Reporter, verbatim

if TYPE_CHECKING:
    from riskloop.keep.alerts import Alert, Delivery
    from riskloop.loop.workflows.alerting import Evaluated
    from riskloop.report.documents.pen import Pen

_COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}
_Why = Annotated[str, typer.Option("--reason", help="Why; kept in the history.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    alerts = typer.Typer(help="Alerts: what is beyond its threshold.", invoke_without_command=True)
    alerts.callback(epilog="Example: riskloop alerts")(list_them)
    alerts.command("check", epilog="Example: riskloop alerts check")(check)
    alerts.command("ack", epilog='Example: riskloop alerts ack 1 --reason "a late file; it comes tonight"')(acknowledge)
    alerts.command("silence", epilog='Example: riskloop alerts silence no_traffic --for 2h --reason "upgrade"')(silence)
    alerts.command("history", epilog="Example: riskloop alerts history --limit 20")(history)
    alerts.command("test", epilog="Example: riskloop alerts test")(try_them)
    app.add_typer(alerts, name="alerts")


def list_them(
    context: typer.Context,
    resolved: Annotated[int, typer.Option(min=0, help="How many resolved ones to show too.")] = 10,
    language: LanguageOption = Language.en,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List alerts, the open ones first."""
    if context.invoked_subcommand is not None:
        return
    from riskloop.loop.workflows.alerting import list_alerts
    from riskloop.report.documents.pen import Pen
    from riskloop.wiring import open_project

    found = list_alerts(open_project(project), resolved)
    pen, reporter = Pen(language.value), Reporter(as_json)
    reporter.data(found)
    if not found.alerts:
        reporter.say("No alert.")
    else:
        heads = ("id", "state", "severity", "rule", "what", "where", "since")
        reporter.table("Alerts", heads, [_row(one, pen) for one in found.alerts])
    for silence in found.silences:
        reporter.say(
            f"{verbatim(silence.rule)} is silenced until {silence.until:%Y-%m-%d %H:%M} UTC by "
            f"{verbatim(silence.actor)}: {verbatim(silence.reason)}"
        )
    for one in found.waiting:
        why = f": {verbatim(one.error)}" if one.error else ""
        reporter.say(f"[yellow]Alert {one.alert_id} is not sent to {verbatim(one.channel)} yet[/]{why}")


def check(language: LanguageOption = Language.en, project: ProjectOption = HERE, as_json: JsonOption = False) -> None:
    """Evaluate alerts by the ledger and the running service; `riskloop monitor` does so too, with drift."""
    from riskloop.loop.workflows.alerting import evaluate_alerts
    from riskloop.report.documents.pen import Pen
    from riskloop.wiring import open_project

    found = evaluate_alerts(open_project(project))
    reporter, pen = Reporter(as_json), Pen(language.value)
    reporter.data(found)
    tell_evaluated(found, pen, reporter)
    reporter.say(f"{len(found.open)} open.")


def acknowledge(
    alert_id: Annotated[int, typer.Argument(min=1, help="The alert.")],
    reason: _Why,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say that you look after an alert: it is not sent again."""
    from riskloop.loop.workflows.alerting import acknowledge_alert
    from riskloop.wiring import open_project

    found = acknowledge_alert(open_project(project), alert_id, reason)
    reporter = Reporter(as_json)
    reporter.data(found)
    reporter.say(f"Alert {found.alert_id} is acknowledged by {verbatim(found.acknowledged_by)}.")


def silence(
    rule: Annotated[str, typer.Argument(help="The rule.")],
    lasting: Annotated[str, typer.Option("--for", help="How long: 30m, 2h or 1d.")],
    reason: _Why,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Send no message about a rule for a while; its alerts are kept all the same."""
    from riskloop.loop.workflows.alerting import silence_rule
    from riskloop.wiring import open_project

    made = silence_rule(open_project(project), rule, lasting, reason)
    reporter = Reporter(as_json)
    reporter.data(made)
    reporter.say(f"{verbatim(rule)} is silenced until {made.until:%Y-%m-%d %H:%M} UTC.")


def history(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List what happened to alerts, the newest first."""
    from riskloop.loop.workflows.alerting import alert_history
    from riskloop.wiring import open_project

    found = alert_history(open_project(project), limit)
    reporter = Reporter(as_json)
    reporter.data(found)
    reporter.table(
        "History",
        ("at", "alert", "rule", "where", "what", "by", "note"),
        [
            (
                f"{one.at:%Y-%m-%d %H:%M:%S}",
                one.alert_id or "",
                one.rule,
                one.subject,
                one.kind.replace("_", " "),
                one.actor,
                one.note or "",
            )
            for one in found
        ],
    )


def try_them(project: ProjectOption = HERE, as_json: JsonOption = False) -> None:
    """Send a message to every channel and say what came of it; exit code 1 if one did not take it."""
    from riskloop.loop.workflows.alerting import try_channels
    from riskloop.wiring import open_project

    tried = try_channels(open_project(project))
    reporter = Reporter(as_json)
    reporter.data(tried)
    for one in tried:
        told = "[green]sent[/]" if one.error is None else f"[red]not sent[/]: {verbatim(one.error)}"
        reporter.say(f"{verbatim(one.channel)}: {told}")
    if any(one.error is not None for one in tried):
        raise typer.Exit(1)


def tell_evaluated(found: Evaluated, pen: Pen, reporter: Reporter) -> None:
    """What an evaluation opened and resolved, what was sent, and what could not be judged."""
    from riskloop.report.alert_message import severity_of, what_of

    for key, alerts in (("opened", found.opened), ("repeated", found.repeated), ("resolved", found.resolved)):
        for one in alerts:
            colour = "green" if key == "resolved" else _COLOURS[one.severity]
            words = pen.say(f"alerts_{key}", id=one.alert_id, severity=severity_of(one, pen), what=what_of(one, pen))
            reporter.say(f"[{colour}]{verbatim(words)}[/]")
            for delivery in found.deliveries:
                if delivery.alert_id == one.alert_id:
                    reporter.say(_sent(delivery, pen))
    told = {one.alert_id for one in (*found.opened, *found.repeated, *found.resolved)}
    for delivery in found.deliveries:
        if delivery.alert_id not in told:
            reporter.say(f"{delivery.alert_id}:{_sent(delivery, pen)}")
    for note in found.notes:
        reporter.say(f"[yellow]{verbatim(note)}[/]")
    if found.not_judged:
        names = ", ".join(f"{one.rule.name} ({pen.say(f'why_{one.why}')})" for one in found.not_judged)
        words = pen.say("alerts_not_judged", count=len(found.not_judged), names=names)
        reporter.say(f"[dim]{verbatim(words)}[/]")


def _sent(delivery: Delivery, pen: Pen) -> str:
    key = "alerts_sent" if delivery.delivered_at else "alerts_given_up" if delivery.given_up_at else "alerts_not_sent"
    return verbatim(pen.say(key, channel=delivery.channel, error=delivery.error or ""))


def _row(one: Alert, pen: Pen) -> tuple[object, ...]:
    from riskloop.report.alert_message import severity_of, subject_of, what_of

    state = "resolved" if one.resolved_at else f"seen by {one.acknowledged_by}" if one.acknowledged_by else "open"
    when = f"{one.since:%Y-%m-%d %H:%M}"
    return one.alert_id, state, severity_of(one, pen), one.rule, what_of(one, pen), subject_of(one, pen), when
