"""One evaluation and what it does to the alerts: opened, told, repeated, resolved.

The clock may step back: what lies in its future is taken to be now, so that no pause ever lasts longer than it was
meant to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from riskloop.intervals import finite
from riskloop.keep import tables
from riskloop.keep.alerts.records import (
    SILENCE,
    Alert,
    MessageKind,
    Pace,
    Silence,
    alert_of,
    found_alert,
    happened,
    lasts,
)
from riskloop.watch.alerts import Judgement, Rule

_A, _S, _D = tables.alerts.c, tables.alert_silences.c, tables.alert_deliveries.c


class Step:
    """One evaluation within its transaction."""

    def __init__(self, connection: Connection, at: datetime, pace: Pace) -> None:
        self._connection, self._at, self._pace = connection, at, pace
        silences = [Silence(*row) for row in connection.execute(select(*SILENCE))]
        for one in silences:
            if at < one.made_at:  # the clock stepped back: the silence begins anew, and is no longer for it
                until = at + (one.until - one.made_at)
                moved = update(tables.alert_silences).where(_S.rule == one.rule).values(made_at=at, until=until)
                connection.execute(moved)
        self._silenced = {one.rule for one in silences if lasts(one, at)}
        self.opened: list[Alert] = []
        self.repeated: list[Alert] = []
        self.resolved: list[Alert] = []

    def take(self, judgement: Judgement) -> None:
        """Let one judgement have its effect."""
        if judgement.status == "not_judged":
            return
        rule = judgement.rule
        known = select(tables.alerts).where(
            _A.rule == rule.name, _A.subject == judgement.subject, _A.resolved_at.is_(None)
        )
        row = self._connection.execute(known).first()
        held = None if row is None else self._with_sound_clock(alert_of(row))
        if judgement.status == "firing":
            self._fires(judgement, held)
        elif held is not None and held.opened_at is None:
            self._connection.execute(delete(tables.alerts).where(_A.alert_id == held.alert_id))
        elif held is not None and judgement.status == "clear":
            self._resolve(judgement, held)
        elif held is not None:
            self._tell(self._changed(held, _measured(judgement)), rule)

    def retire(self, rules: Collection[str]) -> None:
        """End what belongs to a rule that is no more."""
        known = select(tables.alerts).where(_A.resolved_at.is_(None), _A.rule.not_in(rules))
        for row in self._connection.execute(known).all():
            held = alert_of(row)
            if held.opened_at is None:
                self._connection.execute(delete(tables.alerts).where(_A.alert_id == held.alert_id))
                continue
            done = self._changed(held, {"resolved_at": self._at})
            happened(self._connection, self._at, done, "resolved", note="its rule is no more")
            self.resolved.append(done)

    def _with_sound_clock(self, held: Alert) -> Alert:
        """Moments in the future, from before the clock stepped back, become now."""
        names = ("since", "last_at", "opened_at", "notified_at")
        ahead = {name: self._at for name in names if (when := getattr(held, name)) is not None and when > self._at}
        return self._changed(held, ahead) if ahead else held

    def _fires(self, judgement: Judgement, held: Alert | None) -> None:
        rule, at = judgement.rule, self._at
        measured = _measured(judgement) | {"last_at": at}
        if held is None:
            new = measured | {"rule": rule.name, "subject": judgement.subject, "streak": 1, "since": at}
            made = insert(tables.alerts).values(new).returning(_A.alert_id)
            held = found_alert(self._connection, self._connection.execute(made).scalar_one())
        else:
            held = self._changed(held, measured | {"streak": held.streak + 1})
        lasted = (at - held.since).total_seconds()
        if held.opened_at is None:
            if held.streak < rule.consecutive or lasted < rule.lasting:
                return
            held = self._changed(held, {"opened_at": at})
            happened(self._connection, at, held, "opened")
            self.opened.append(held)
        self._tell(held, rule)

    def _tell(self, held: Alert, rule: Rule) -> None:
        """Call for a message if one is due."""
        if not self._channels(rule):
            return
        first = held.notified_at is None
        pause = self._pace.cool_down if rule.cool_down is None else rule.cool_down
        if not first:
            if self._pace.repeat is None or held.acknowledged_at is not None:
                return
            pause = max(pause, self._pace.repeat)
        elif held.acknowledged_at is not None:
            return
        last = self._last_told(held)
        if last is not None and (self._at - last).total_seconds() < pause:
            if first and held in self.opened:
                happened(self._connection, self._at, held, "held", note="a message was sent a short time ago")
            return
        if rule.name in self._silenced:
            if first and held in self.opened:
                happened(self._connection, self._at, held, "silenced")
            return
        told = self._changed(held, {"notified_at": self._at})
        self._call(told, "opened" if first else "repeated", rule)
        if not first:
            happened(self._connection, self._at, told, "repeated")
            self.repeated.append(told)

    def _last_told(self, held: Alert) -> datetime | None:
        """When there was last a message about the same thing, in this alert or one before."""
        told = select(func.max(_A.notified_at)).where(_A.rule == held.rule, _A.subject == held.subject)
        last: datetime | None = self._connection.scalar(told)
        if last is None or last <= self._at:
            return last
        ahead = (_A.rule == held.rule, _A.subject == held.subject, _A.notified_at > self._at)
        self._connection.execute(update(tables.alerts).where(*ahead).values(notified_at=self._at))
        return self._at

    def _resolve(self, judgement: Judgement, held: Alert) -> None:
        done = self._changed(held, _measured(judgement) | {"resolved_at": self._at})
        happened(self._connection, self._at, done, "resolved")
        self.resolved.append(done)
        if done.notified_at is not None and done.rule not in self._silenced:
            self._call(done, "resolved", judgement.rule)

    def _call(self, alert: Alert, kind: MessageKind, rule: Rule) -> None:
        """A message to every channel of the rule; none where the same is still on its way."""
        waiting = select(_D.channel).where(
            _D.alert_id == alert.alert_id, _D.kind == kind, _D.delivered_at.is_(None), _D.given_up_at.is_(None)
        )
        on_its_way = set(self._connection.scalars(waiting))
        for channel in self._channels(rule):
            if channel not in on_its_way:
                new = {"alert_id": alert.alert_id, "kind": kind, "channel": channel}
                values = new | {"made_at": self._at, "attempts": 0}
                self._connection.execute(insert(tables.alert_deliveries).values(values))

    def _channels(self, rule: Rule) -> tuple[str, ...]:
        return self._pace.channels if rule.channels is None else rule.channels

    def _changed(self, held: Alert, values: Mapping[str, Any]) -> Alert:
        self._connection.execute(update(tables.alerts).where(_A.alert_id == held.alert_id).values(values))
        return found_alert(self._connection, held.alert_id)


def _measured(judgement: Judgement) -> dict[str, Any]:
    """What the newest evaluation says of an alert; the rule may have changed since the one before."""
    rule, fact = judgement.rule, judgement.fact
    said: dict[str, Any] = {name: getattr(rule, name) for name in ("measure", "comparison", "threshold", "severity")}
    if fact is not None:
        ends = {name: None if end is None else finite(end) for name, end in (("low", fact.low), ("high", fact.high))}
        said |= ends | {"value": finite(fact.value), "context": {**fact.context, "n": fact.n}}
    return said
