"""`riskloop alerts`: gather facts, judge them, keep what came of it, and tell people.

A message that cannot be sent never ends an evaluation: it is told, and tried again at the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskloop.data.contract import did_you_mean
from riskloop.errors import ConfigError, NotFound, RiskloopError, Unavailable, UsageError
from riskloop.keep.alerts import Alert, AlertEvent, Delivery, Pace, Silence
from riskloop.keep.alerts.samples import since_before
from riskloop.loop.notifying import Message, channel, secret
from riskloop.loop.project import Project
from riskloop.loop.watching.facts import of_ledger, of_monitored, of_service
from riskloop.loop.watching.service import counts_of
from riskloop.report.alert_message import body_of, title_of
from riskloop.report.documents.pen import Pen
from riskloop.settings.section import duration
from riskloop.watch.alerts import DEFAULTS, Fact, Judgement, judge_all

if TYPE_CHECKING:
    from riskloop.loop.watching.monitored import Monitored


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation came to.

    Attributes
    ----------
    opened, repeated, resolved : tuple of Alert
    open : tuple of Alert
        All that are open now, the gravest first.
    not_judged : tuple of Judgement
    deliveries : tuple of Delivery
        The messages that were tried, with what became of them.
    notes : tuple of str
        What could not be asked, and why.
    """

    opened: tuple[Alert, ...] = ()
    repeated: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()
    open: tuple[Alert, ...] = ()
    not_judged: tuple[Judgement, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what was opened, repeated and resolved by its number."""
        changed = {name: [one.alert_id for one in getattr(self, name)] for name in ("opened", "repeated", "resolved")}
        lists = {name: list(getattr(self, name)) for name in ("open", "not_judged", "deliveries", "notes")}
        return changed | lists


@dataclass(frozen=True)
class Tried:
    """What became of a message sent to try a channel; ``error`` is None if it arrived."""

    channel: str
    error: str | None


@dataclass(frozen=True)
class Listed:
    """Alerts and silences in force, and messages that have not arrived."""

    alerts: tuple[Alert, ...]
    silences: tuple[Silence, ...]
    waiting: tuple[Delivery, ...]


def alert_monitored(
    project: Project, found: Monitored, report: str | None = None, *, more: Iterable[Fact] = ()
) -> Evaluated:
    """Alert by what `monitor` found, by further facts, ledger and service; what goes wrong is told in the notes."""
    try:
        leads = project.promotions.state().champion == found.version.version
        return evaluate_alerts(project, (*of_monitored(found, leads=leads, report=report), *more))
    except RiskloopError as error:
        return Evaluated(notes=(f"alerts were not evaluated: {error}",))


def evaluate_alerts(project: Project, facts: Iterable[Fact] = ()) -> Evaluated:
    """Judge ledger, service and further facts by the rules, keep both, and send the messages due.

    Parameters
    ----------
    facts : iterable of Fact
        From elsewhere: `monitor`, an experiment with guardrails.

    Raises
    ------
    Unavailable
        If the database is away.
    """
    said, at = project.settings.alerts, project.clock()
    notes: list[str] = []
    gathered = [*facts, *of_ledger(project.engine, at, duration(said.window), _outcomes_due(project))]
    gathered += _of_service(project, notes)
    project.measures.keep(gathered, at)
    rules = said.all_rules()
    judgements = judge_all(rules, gathered)
    settled = project.alerts.settle(judgements, at, _pace(project), rules=frozenset(rule.name for rule in rules))
    return Evaluated(
        opened=settled.opened,
        repeated=settled.repeated,
        resolved=settled.resolved,
        deliveries=send_waiting(project),
        open=project.alerts.list(),
        not_judged=tuple(one for one in judgements if one.status == "not_judged"),
        notes=tuple(notes),
    )


def send_waiting(project: Project) -> tuple[Delivery, ...]:
    """Send every message that is due, those that failed before too; what became of them.

    Raises
    ------
    Unavailable
        If the database is away.
    """
    done = []
    for delivery, alert in project.deliveries.claim(project.clock()):
        error = _send(project, delivery, alert)
        done.append(project.deliveries.settle(delivery, project.clock(), error))
    return tuple(done)


def list_alerts(project: Project, resolved: int = 20) -> Listed:
    """The open alerts, then the last resolved ones."""
    alerts = project.alerts.list(resolved=resolved)
    return Listed(alerts, project.alerts.silences(project.clock()), project.deliveries.waiting())


def acknowledge_alert(project: Project, alert_id: int, reason: str) -> Alert:
    """Say that somebody looks after an alert; see `riskloop.keep.alerts.Alerts.acknowledge`."""
    return project.alerts.acknowledge(alert_id, project.clock(), actor=project.actor, reason=reason)


def silence_rule(project: Project, rule: str, lasting: str, reason: str) -> Silence:
    """Send no message about a rule for a while.

    Raises
    ------
    NotFound
        If there is no such rule.
    UsageError
        If the time is none, or there is no reason.
    """
    known = {*DEFAULTS, *project.settings.alerts.rules}
    if rule not in known:
        raise NotFound(
            f"There is no rule {rule!r}{did_you_mean(rule, tuple(known))}.",
            where="alerts",
            next_step=f"choose of {', '.join(sorted(known))}",
        )
    try:
        seconds = duration(lasting)
    except ValueError as error:
        raise UsageError(f"{error}.", where="--for", next_step="write 2h") from error
    return project.alerts.silence(rule, project.clock(), seconds, actor=project.actor, reason=reason)


def alert_history(project: Project, limit: int) -> tuple[AlertEvent, ...]:
    """What happened last, the newest first."""
    return project.alerts.events(limit)


def try_channels(project: Project) -> tuple[Tried, ...]:
    """Send a message to every channel, and say what came of it.

    Raises
    ------
    NotFound
        If riskloop.yaml names no channel.
    """
    said = project.settings.alerts
    if not said.channels:
        raise NotFound(
            "riskloop.yaml names no channel.",
            where="alerts.channels",
            next_step="add one there, such as team: env:RISKLOOP_ALERTS_TEAM, an Apprise URL",
        )
    say, tried = Pen(said.language).say, []
    for name, address in said.channels.items():
        title = say("alert_test_title", project=project.name)
        message = Message(title, say("alert_test_body", channel=name))
        try:
            error = channel(name, address).send(message, "info")
        except ConfigError as problem:
            error = str(problem)
        tried.append(Tried(name, error))
    return tuple(tried)


def _outcomes_due(project: Project) -> float | None:
    """Days after which an outcome should be known: what is said here, else when outcomes are final."""
    said, matures = project.settings.alerts.outcomes_due, project.settings.problem.matures()
    if said is not None or matures.after is None or matures.unreported == "negative":
        return said
    return matures.after.total_seconds() / 86_400


def _pace(project: Project) -> Pace:
    said = project.settings.alerts
    repeat = None if said.repeat is None else duration(said.repeat)
    return Pace(duration(said.cool_down), repeat, tuple(said.channels))


def _send(project: Project, delivery: Delivery, alert: Alert) -> str | None:
    """Send one message; None, or why it did not arrive."""
    said = project.settings.alerts
    if delivery.channel not in said.channels:
        return "riskloop.yaml names no such channel any more"
    pen, resolved = Pen(said.language), delivery.kind == "resolved"
    title = title_of(alert, project.name, pen, resolved=resolved)
    body = body_of(alert, pen, resolved=resolved, link=project.settings.serving.public_url)
    try:
        goes = channel(delivery.channel, said.channels[delivery.channel])
    except ConfigError as error:
        return str(error)
    return goes.send(Message(title, body), alert.severity, resolved=resolved)


def _of_service(project: Project, notes: list[str]) -> Iterator[Fact]:
    """What the service says of itself; where it was named and does not answer, that is a fact too."""
    said, serving = project.settings.alerts, project.settings.serving
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    address = said.service or f"http://{host}:{serving.port}"
    try:
        key = None if said.key is None else secret(said.key, "alerts.key")
        counts = counts_of(address, key)
    except ConfigError as error:
        notes.append(str(error))
        return
    except Unavailable as error:
        if said.service is None:
            return
        notes.append(str(error))
        yield Fact("service_down", "service", 1.0)
        return
    if said.service is None and project.name not in counts.names:
        return  # another project's service stands where ours would
    lately = since_before(project.engine, address, counts.totals, project.clock(), duration(said.window))
    yield from of_service(lately, counts.totals)
