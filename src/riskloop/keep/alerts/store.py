"""Alerts that are kept: at most one unresolved for a rule and its subject, with all that happened to it.

A rule that fires makes a row, at first perhaps a pending one; it is opened, told, repeated, acknowledged, resolved. All
of it in transactions that do not overlap, so any number of evaluators may work at once. The clock may step back: what
lies in its future is taken to be now, so that no pause ever lasts longer than it was meant to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, func, insert, select, update

from riskloop.errors import Conflict, NotFound, UsageError
from riskloop.keep import tables
from riskloop.keep.alerts.records import (
    EVENT,
    OPEN,
    SILENCE,
    Alert,
    AlertEvent,
    Pace,
    Settled,
    Silence,
    alert_of,
    found_alert,
    happened,
    lasts,
)
from riskloop.keep.alerts.steps import Step
from riskloop.keep.database import reading, serialised
from riskloop.watch.alerts import SEVERITIES, Judgement

LONGEST_NOTE = 2_000
_A, _E, _S = tables.alerts.c, tables.alert_events.c, tables.alert_silences.c


class Alerts:
    """Alerts, their history and silences, in SQL. Safe to share between threads and processes.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.

    Notes
    -----
    Every method raises Unavailable when the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def settle(
        self, judgements: Iterable[Judgement], at: datetime, pace: Pace, *, rules: Collection[str] | None = None
    ) -> Settled:
        """Bring the alerts up to date with an evaluation, and call for the messages that are due, in one transaction.

        What is not judged, or not sure, leaves an alert as it is; only a pending one is given up. With ``rules``, all
        that there are, alerts of others are resolved.
        """
        with serialised(self._engine) as connection:
            step = Step(connection, at, pace)
            if rules is not None:
                step.retire(rules)
            for judgement in judgements:
                step.take(judgement)
        return Settled(tuple(step.opened), tuple(step.repeated), tuple(step.resolved))

    def list(self, *, resolved: int = 0) -> tuple[Alert, ...]:
        """The open alerts, the gravest and oldest first; then the last ``resolved`` ones, the newest first."""
        with reading(self._engine) as connection:
            found = [alert_of(row) for row in connection.execute(OPEN.order_by(_A.alert_id))]
            past = select(tables.alerts).where(_A.resolved_at.is_not(None), _A.opened_at.is_not(None))
            done = connection.execute(past.order_by(_A.alert_id.desc()).limit(resolved)).all() if resolved else ()
        found.sort(key=lambda one: -SEVERITIES.index(one.severity))
        return (*found, *(alert_of(row) for row in done))

    def get(self, alert_id: int) -> Alert:
        """One alert.

        Raises
        ------
        NotFound
        """
        with reading(self._engine) as connection:
            return found_alert(connection, alert_id)

    def acknowledge(self, alert_id: int, at: datetime, *, actor: str, reason: str) -> Alert:
        """Say that somebody looks after it: it is not told again until it is resolved.

        Raises
        ------
        NotFound
            If there is no such alert.
        Conflict
            If it is resolved, or acknowledged already.
        UsageError
            Without a reason.
        """
        note = _words(reason)
        with serialised(self._engine) as connection:
            found = found_alert(connection, alert_id)
            if found.opened_at is None:
                raise NotFound(f"There is no alert {alert_id}.", where="alerts", next_step="see `riskloop alerts`")
            if found.resolved_at is not None:
                raise Conflict(f"Alert {alert_id} is resolved.", where="alerts", next_step="see `riskloop alerts`")
            if found.acknowledged_at is not None:
                raise Conflict(
                    f"{found.acknowledged_by} has acknowledged alert {alert_id} already.",
                    where="alerts",
                    next_step="see `riskloop alerts history`",
                )
            values = {"acknowledged_at": at, "acknowledged_by": actor}
            connection.execute(update(tables.alerts).where(_A.alert_id == alert_id).values(values))
            happened(connection, at, found, "acknowledged", actor, note)
            return found_alert(connection, alert_id)

    def silence(self, rule: str, at: datetime, seconds: float, *, actor: str, reason: str) -> Silence:
        """Send no message about a rule for a while; a new silence takes the place of the one before.

        Raises
        ------
        UsageError
            Without a reason.
        """
        made = Silence(rule, at, at + timedelta(seconds=seconds), actor, _words(reason))
        with serialised(self._engine) as connection:
            connection.execute(delete(tables.alert_silences).where(_S.rule == rule))
            connection.execute(insert(tables.alert_silences), asdict(made))
            event = AlertEvent(
                at, None, rule, "", "silenced", actor, f"until {made.until:%Y-%m-%d %H:%M} UTC: {reason}"
            )
            connection.execute(insert(tables.alert_events), asdict(event))
        return made

    def silences(self, at: datetime) -> tuple[Silence, ...]:
        """Those in force."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(*SILENCE)).all()
        return tuple(one for one in (Silence(*row) for row in rows) if lasts(one, at))

    def events(self, limit: int = 100, alert_id: int | None = None) -> tuple[AlertEvent, ...]:
        """What happened last, the newest first; of one alert, if named."""
        query = select(*EVENT).order_by(_E.seq.desc()).limit(limit)
        with reading(self._engine) as connection:
            rows = connection.execute(query if alert_id is None else query.where(_E.alert_id == alert_id)).all()
        return tuple(AlertEvent(*row) for row in rows)


def open_by_severity(engine: Engine) -> Mapping[str, int]:
    """How many alerts are open, of each severity."""
    query = OPEN.with_only_columns(_A.severity, func.count()).group_by(_A.severity)
    with reading(engine) as connection:
        counted: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    return {severity: counted.get(severity, 0) for severity in SEVERITIES}


def _words(reason: str) -> str:
    text = reason.strip()
    if not text or len(text) > LONGEST_NOTE:
        raise UsageError(
            f"A reason has 1 to {LONGEST_NOTE} characters.", where="alerts", next_step="say why, with --reason"
        )
    return text
