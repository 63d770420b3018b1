"""Alerts as pages show them: what is open and who looks after it, what is silenced, and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from riskloop.keep.alerts import Alert, AlertEvent, Alerts, Silence
from riskloop.report.alert_message import limit_of, next_of, severity_of, subject_of, what_of
from riskloop.report.documents.pen import Pen
from riskloop.report.words import Language

SIGNS = {"critical": "bad", "warning": "warn", "info": "info"}
"""A severity's icon, and the kind of a thing to do."""
_BADGES = {"critical": "bad", "warning": "warn", "info": "accent"}
_RESOLVED = 10
_EVENTS = 40


@dataclass(frozen=True)
class Alarm:
    """An alert in somebody's language."""

    alert: Alert
    severity: str
    what: str
    where: str
    limit: str | None
    step: str

    @property
    def badge(self) -> str:
        return _BADGES[self.alert.severity]

    @property
    def sign(self) -> str:
        return SIGNS[self.alert.severity]


@dataclass(frozen=True)
class Alarms:
    """What there is to know of alerts.

    Attributes
    ----------
    open : tuple of Alarm
        The gravest first.
    resolved : tuple of Alarm
        The last ones, the newest first.
    silences : tuple of Silence
        In force now.
    events : tuple of AlertEvent
        What happened last, the newest first.
    """

    open: tuple[Alarm, ...]
    resolved: tuple[Alarm, ...]
    silences: tuple[Silence, ...]
    events: tuple[AlertEvent, ...]

    @property
    def waiting(self) -> int:
        """How many nobody looks after."""
        return sum(one.alert.acknowledged_at is None for one in self.open)


def alarms(store: Alerts, at: datetime, language: Language) -> Alarms:
    """Everything about alerts at a moment. Blocks."""
    pen = Pen(language)
    told = [in_words(one, pen) for one in store.list(resolved=_RESOLVED)]
    return Alarms(
        open=tuple(one for one in told if one.alert.resolved_at is None),
        resolved=tuple(one for one in told if one.alert.resolved_at is not None),
        silences=store.silences(at),
        events=store.events(_EVENTS),
    )


def in_words(alert: Alert, pen: Pen) -> Alarm:
    """One alert in the pen's language."""
    return Alarm(
        alert, severity_of(alert, pen), what_of(alert, pen), subject_of(alert, pen), limit_of(alert, pen),
        next_of(alert, pen),
    )  # fmt: skip
