"""`riskloop loop`: look, alert, retrain if needed, wait, and again; one process leads, others stand by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from riskloop.errors import RiskloopError
from riskloop.keep.locks import LEASE_SECONDS, Held, holding
from riskloop.learn.plan import Watcher
from riskloop.loop.project import Project
from riskloop.loop.publishing import publish
from riskloop.loop.retraining.looking import Looked, look
from riskloop.loop.workflows.alerting import alert_monitored, evaluate_alerts
from riskloop.loop.workflows.guard import guard_arms
from riskloop.loop.workflows.monitor import write_drift_report
from riskloop.loop.workflows.release import project_aliases
from riskloop.loop.workflows.retrain import LOCK, Retrained, myself, retrain
from riskloop.watch.alerts import Fact

LEADER = "loop"
_TICK = 0.2

Kind = Literal["done", "failed", "standby"]


@dataclass(frozen=True)
class Turn:
    """One turn of the loop, or that another process leads.

    Attributes
    ----------
    kind : {"done", "failed", "standby"}
    number : int
        From 1, of this process.
    at : datetime
    words : str
        What happened, in one line.
    next_at : datetime or None
        When the next one is due.
    looked : Looked or None
    retrained : Retrained or None
    """

    kind: Kind
    number: int
    at: datetime
    words: str
    next_at: datetime | None = None
    looked: Looked | None = None
    retrained: Retrained | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        watched = self.looked.watched if self.looked else None
        return {
            "kind": self.kind,
            "number": self.number,
            "at": self.at.isoformat(),
            "words": self.words,
            "next_at": None if self.next_at is None else self.next_at.isoformat(),
            "verdict": None if watched is None else watched.drift.verdict,
            "retraining": None if self.retrained is None else self.retrained.to_dict(),
        }


def raise_alerts(project: Project, looked: Looked) -> None:
    """Hold a challenger against its guardrails, and judge all that was seen by the rules for alerts."""
    guarded = guard_arms(project)
    ended = guarded.status == "ended"
    why = "; ".join(one.message for one in guarded.breaches)
    facts = [Fact("guardrail", "challenger", float(ended), context={"version": guarded.challenger, "why": why})]
    if looked.watched is not None:
        report = write_drift_report(project, looked.watched) if looked.watched.drift.drifted else None
        alert_monitored(project, looked.watched, str(report.files["html"]) if report else None, more=facts)
        if report is not None:
            publish(project, report.files.values())  # a store that is away holds up no alert
    else:
        evaluate_alerts(project, facts)


def keep_turning(
    project: Project,
    *,
    every: float,
    told: Callable[[Turn], None],
    once: bool = False,
    stop: threading.Event | None = None,
    alert: Callable[[Project, Looked], None] = raise_alerts,
    candidates: tuple[str, ...] = (),
    lease_seconds: float = LEASE_SECONDS,
    watcher: Watcher | None = None,
) -> None:
    """Take turns until stopped.

    Of any number of processes one leads; if it dies, another takes over once its lease has run out, and goes on with a
    retraining that it had begun. A turn that fails is told, and the next one comes in its time. MLflow's aliases follow
    what was promoted since the turn before.

    Parameters
    ----------
    every : float
        Seconds from the start of a turn to the start of the next; a long one delays the next.
    told : callable
        Told of every turn.
    once : bool
        Take one turn if nobody else leads, and raise what goes wrong.
    stop : threading.Event, optional
        Ends the loop between two turns.
    alert : callable
        Called with what was seen, before anything is retrained.
    candidates : tuple of str
        See `riskloop.loop.workflows.train.train`.
    lease_seconds : float
        How long a process that died is waited for.

    Raises
    ------
    RiskloopError
        With ``once``, whatever a turn raises; else Unavailable if the database is away from the start.
    """
    stop = stop or threading.Event()
    number, leader, aliases = 0, "", _Aliases()
    while not stop.is_set():
        with holding(project.locks, LEADER, myself(), lease_seconds) as held:
            if held is None:
                now = project.locks.holder(LEADER) or leader
                if now != leader:
                    told(Turn("standby", number, project.clock(), f"{now} leads; standing by."))
                leader = now
            while held is not None and not stop.is_set() and not held.lost.is_set():
                number, begun = number + 1, time.monotonic()
                next_at = None if once else project.clock() + timedelta(seconds=every)
                told(_turn(project, number, next_at, once, alert, candidates, lease_seconds, watcher, aliases))
                if once:
                    return
                _wait(stop, held, begun + every)
        if once:
            return
        stop.wait(lease_seconds / 2)


class _Aliases:
    """MLflow's aliases, brought up to what was promoted over HTTP: what serves has no MLflow to do so itself."""

    def __init__(self) -> None:
        self._seen = 0

    def follow(self, project: Project) -> None:
        head = project.promotions.head_seq()
        if head != self._seen and project_aliases(project):
            self._seen = head


def _turn(
    project: Project,
    number: int,
    next_at: datetime | None,
    once: bool,
    alert: Callable[[Project, Looked], None],
    candidates: tuple[str, ...],
    lease_seconds: float,
    watcher: Watcher | None,
    aliases: _Aliases,
) -> Turn:
    at, looked = project.clock(), None
    try:
        aliases.follow(project)
        looked = look(project)
        alert(project, looked)
        done = _patiently(project, looked, candidates, lease_seconds, watcher)
    except RiskloopError as error:
        if once:
            raise
        return Turn("failed", number, at, f"Failed: {error}", next_at, looked)
    return Turn("done", number, at, _in_one_line(looked, done), next_at, looked, done)


def _patiently(
    project: Project, looked: Looked, candidates: tuple[str, ...], lease_seconds: float, watcher: Watcher | None
) -> Retrained:
    """Retrain if needed; the lease of a retraining whose process died is waited for."""
    deadline = time.monotonic() + lease_seconds + 1
    while project.locks.holder(LOCK) is not None and time.monotonic() < deadline:
        time.sleep(_TICK)
    return retrain(
        project, if_needed=True, candidates=candidates, looked=looked, lease_seconds=lease_seconds, watcher=watcher
    )


def _in_one_line(looked: Looked, done: Retrained) -> str:
    watched = looked.watched
    seen = "nothing scored lately" if watched is None else f"{watched.drift.verdict} ({watched.drift.rows:,} rows)"
    why = " ".join(done.need.reasons) if done.need else "Went on with what was interrupted."
    return " ".join(part for part in (f"{seen[0].upper()}{seen[1:]}.", why, done.words) if part)


def _wait(stop: threading.Event, held: Held, until: float) -> None:
    while not held.lost.is_set() and time.monotonic() < until:
        if stop.wait(min(_TICK, max(0.0, until - time.monotonic()))):
            return
