"""What is known of alerts, and how it is read from their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, insert, select

from riskloop.errors import NotFound
from riskloop.keep import tables
from riskloop.watch.alerts import Severity

EventKind = Literal[
    "opened", "repeated", "held", "silenced", "notified", "failed", "given_up", "acknowledged", "resolved"
]
MessageKind = Literal["opened", "repeated", "resolved"]
SYSTEM = "riskloop"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is, or was, beyond a rule's threshold.

    Attributes
    ----------
    alert_id : int
    rule, subject, measure, comparison, threshold, severity
        As they were when it was last judged.
    streak : int
        Evaluations in a row that agreed.
    since, last_at : datetime
        When it was first and last found.
    opened_at : datetime or None
        None while it must be found again to count.
    notified_at : datetime or None
        When messages were last called for.
    acknowledged_at, acknowledged_by
    resolved_at : datetime or None
    value, low, high : float or None
    context : mapping
    """

    alert_id: int
    rule: str
    subject: str
    measure: str
    comparison: str
    threshold: float
    severity: Severity
    streak: int
    since: datetime
    last_at: datetime
    opened_at: datetime | None = None
    notified_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """Something that happened to an alert; ``alert_id`` is None for what happened to a rule."""

    at: datetime
    alert_id: int | None
    rule: str
    subject: str
    kind: EventKind
    actor: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """No messages about a rule until a moment; its alerts are kept all the same."""

    rule: str
    made_at: datetime
    until: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How often messages may come.

    Attributes
    ----------
    cool_down : float
        Least seconds between two messages about the same thing, where its rule says nothing else.
    repeat : float or None
        Seconds after which an open, unacknowledged alert is told again; None for never.
    channels : tuple of str
        All that there are.
    """

    cool_down: float = 3_600.0
    repeat: float | None = 86_400.0
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What an evaluation changed."""

    opened: tuple[Alert, ...] = ()
    repeated: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()


def happened(
    connection: Connection, at: datetime, alert: Alert, kind: EventKind, actor: str = SYSTEM, note: str | None = None
) -> None:
    """Write down what happened to an alert, in the transaction of the connection."""
    event = AlertEvent(at, alert.alert_id, alert.rule, alert.subject, kind, actor, note)
    connection.execute(insert(tables.alert_events), asdict(event))


def lasts(one: Silence, at: datetime) -> bool:
    """Whether a silence holds at a moment."""
    return at < one.until


def found_alert(connection: Connection, alert_id: int) -> Alert:
    """The alert of that id.

    Raises
    ------
    NotFound
        If there is none.
    """
    row = connection.execute(select(tables.alerts).where(_A.alert_id == alert_id)).first()
    if row is None:
        raise NotFound(f"There is no alert {alert_id}.", where="alerts", next_step="see `riskloop alerts`")
    return alert_of(row)


def alert_of(row: Row[Any]) -> Alert:
    """The alert of a row of the table."""
    return Alert(**row._asdict())


_A = tables.alerts.c
OPEN: Select[Any] = select(tables.alerts).where(_A.resolved_at.is_(None), _A.opened_at.is_not(None))
SILENCE: Sequence[Any] = [column for column in tables.alert_silences.c if column.name != "seq"]
EVENT: Sequence[Any] = [column for column in tables.alert_events.c if column.name != "seq"]
