"""The promotion log: which version leads, who decided so, when and why. Append-only and hash-chained.

The log is the one truth about the release; registry aliases and a service's loaded model only follow it. Every verb
reads, checks and appends inside one serialised transaction, so that of two writers one is first and the other sees
what it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from riskloop.errors import BundleRefused, Conflict, GateRefused, NotFound, UsageError
from riskloop.keep.chain import (
    LIVE,
    Event,
    Head,
    Kind,
    Promotion,
    ReleaseState,
    VerifyResult,
    champions,
    link,
    release_state,
    verify_chain,
)
from riskloop.keep.database import reading, serialised
from riskloop.keep.instant import utc_text
from riskloop.keep.tables import promotions
from riskloop.keep.versions import Version, find_version

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How much earlier than the event before it an event may be dated: clocks differ by seconds, history by more."""


class Promotions:
    """The promotion log of one project.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.
    require_approval : bool
        Four eyes: a promotion is only requested until a second person approves it. A rollback never waits.

    Notes
    -----
    Every verb raises UsageError for an empty ``reason`` or ``actor``, Conflict when ``expected_head`` is given and
    another writer was first, and Unavailable when the database is away.
    """

    def __init__(self, engine: Engine, *, require_approval: bool = False) -> None:
        self._engine = engine
        self.require_approval = require_approval

    # Reading

    def events(self) -> tuple[Promotion, ...]:
        """The whole log, the oldest first."""
        with reading(self._engine) as connection:
            return _log(connection)

    def state(self) -> ReleaseState:
        """Who leads now, folded from the log."""
        return release_state(self.events())

    def head(self) -> Head:
        """The end of the chain. Keep it elsewhere and give it to :meth:`verify`: a cut tail shows only so."""
        with reading(self._engine) as connection:
            columns = promotions.c.seq, promotions.c.hash
            row = connection.execute(select(*columns).order_by(promotions.c.seq.desc()).limit(1)).first()
        return Head(*row) if row else Head()

    def head_seq(self) -> int:
        """How many events there are: one indexed SELECT, for those who poll."""
        with reading(self._engine) as connection:
            return connection.scalar(_HEAD_SEQ) or 0

    def pending(self) -> tuple[Promotion, ...]:
        """Requests that nobody has approved or rejected."""
        return _pending(self.events())

    def verify(self, expected_head: Head | None = None) -> VerifyResult:
        """Recompute the chain; with ``expected_head`` also prove that it still contains what was kept elsewhere."""
        return verify_chain(self.events(), expected_head)

    # Writing

    def append(self, event: Event, *, expected_head: int | None = None) -> Promotion:
        """Append one event as it is. The verbs below check first; this does not.

        Parameters
        ----------
        expected_head : int, optional
            The ``head_seq`` the caller decided on.
        """
        with serialised(self._engine) as connection:
            return _append(connection, _log(connection), event, expected_head)

    def promote(
        self,
        version: int,
        digest: str,
        *,
        actor: str,
        reason: str,
        at: datetime,
        approver: str | None = None,
        override: bool = False,
        details: dict[str, Any] | None = None,
        expected_head: int | None = None,
    ) -> Promotion:
        """Put a version in charge, or request it where a second person must agree.

        Returns
        -------
        Promotion
            Of kind ``promoted``; ``overridden`` for a version the gate refused; ``requested`` when approval is
            required and ``approver`` is None.

        Raises
        ------
        GateRefused
            If the gate refused the version and ``override`` is False, or if the actor is the approver.
        BundleRefused
            If ``digest`` is not the digest that was recorded for the version.
        NotFound
            If there is no such version.
        Conflict
            If the version leads already.
        """
        _four_eyes(actor, approver)
        with serialised(self._engine) as connection:
            log = _log(connection)
            kind = _check_promotion(connection, log, version, digest, override=override)
            if self.require_approval and approver is None:
                kind, details = "requested", {**(details or {}), "override": override}
            event = Event(kind, version, digest, actor, reason, at, approver, details or {})
            return _append(connection, log, event, expected_head)

    def approve(
        self, seq: int, *, approver: str, at: datetime, reason: str | None = None, expected_head: int | None = None
    ) -> Promotion:
        """Agree to a request: the version leads from now on. The gate is asked again.

        Raises
        ------
        NotFound
            If event ``seq`` is no request.
        GateRefused
            If the approver is the one who asked.
        Conflict
            If the request is settled, or the champion has changed since it was made.
        """
        with serialised(self._engine) as connection:
            log = _log(connection)
            asked = _open_request(log, seq)
            _four_eyes(asked.actor, approver)
            _unchanged_since(asked, log)
            override = bool(asked.details.get("override"))
            kind = _check_promotion(connection, log, asked.version, asked.digest, override=override)
            details = {**asked.details, "request": seq} | ({"approval": reason} if reason else {})
            event = Event(kind, asked.version, asked.digest, asked.actor, asked.reason, at, approver, details)
            return _append(connection, log, event, expected_head)

    def reject(
        self, seq: int, *, approver: str, reason: str, at: datetime, expected_head: int | None = None
    ) -> Promotion:
        """Turn a request down, or take one's own back.

        Raises
        ------
        NotFound
            If event ``seq`` is no request.
        Conflict
            If the request is settled.
        """
        with serialised(self._engine) as connection:
            log = _log(connection)
            asked = _open_request(log, seq)
            event = Event("rejected", asked.version, asked.digest, approver, reason, at, details={"request": seq})
            return _append(connection, log, event, expected_head)

    def rollback(
        self,
        to: int | None = None,
        *,
        actor: str,
        reason: str,
        at: datetime,
        approver: str | None = None,
        details: dict[str, Any] | None = None,
        expected_head: int | None = None,
    ) -> Promotion:
        """Go back to the previous champion, or to a named version that has led before.

        The champion rolled back from leaves the line of champions: after A, B, C a rollback brings B, a second one
        A, a third one finds nothing. Naming a version goes straight back to it; one that was rolled back from can be
        named too and then leads again, with the present champion as its previous.

        Raises
        ------
        NotFound
            If there is no previous champion, or the named version never led.
        GateRefused
            If the gate refused that version (it led by an override); promote it with an override instead.
        Conflict
            If the named version leads already.
        """
        _four_eyes(actor, approver)
        with serialised(self._engine) as connection:
            log = _log(connection)
            target = _rollback_target(log, to)
            record = find_version(connection, target.version)
            _same_bundle(record, target.digest)
            if record.status == "refused":
                raise _refused(record)
            event = Event("rolled_back", record.version, target.digest, actor, reason, at, approver, details or {})
            return _append(connection, log, event, expected_head)

    def challenge(
        self, version: int, *, actor: str, reason: str, at: datetime, details: dict[str, Any] | None = None
    ) -> Promotion:
        """Name the challenger (an A/B, shadow or canary arm).

        Raises
        ------
        GateRefused
            If the gate refused the version.
        Conflict
            If it leads already.
        """
        with serialised(self._engine) as connection:
            log = _log(connection)
            record = find_version(connection, version)
            _check_promotion(connection, log, version, record.digest, override=False)
            event = Event("challenged", version, record.digest, actor, reason, at, details=details or {})
            return _append(connection, log, event, None)

    def withdraw(self, *, actor: str, reason: str, at: datetime, details: dict[str, Any] | None = None) -> Promotion:
        """End the challenge.

        Raises
        ------
        NotFound
            If there is no challenger.
        """
        with serialised(self._engine) as connection:
            log = _log(connection)
            current = release_state(log).challenger
            if current is None:
                raise NotFound("There is no challenger.", where="promotions", next_step="nothing to withdraw")
            digest = next(e.digest for e in reversed(log) if e.version == current)
            event = Event("withdrawn", current, digest, actor, reason, at, details=details or {})
            return _append(connection, log, event, None)


_HEAD_SEQ = select(func.max(promotions.c.seq))


def _log(connection: Connection) -> tuple[Promotion, ...]:
    rows = connection.execute(select(promotions).order_by(promotions.c.seq)).mappings()
    return tuple(Promotion(**row) for row in rows)


def _append(connection: Connection, log: Sequence[Promotion], event: Event, expected_head: int | None) -> Promotion:
    _in_words(event)
    last = log[-1] if log else None
    head = last.seq if last else 0
    if expected_head is not None and expected_head != head:
        raise Conflict(
            f"The promotion log has moved on: event {head} is its last, not {expected_head}.",
            where="promotions",
            next_step="look at the history and decide again",
        )
    if last and utc_text(event.at) < utc_text(last.at - CLOCK_TOLERANCE):
        raise Conflict(
            f"The event is dated {utc_text(event.at)}, before the last one ({utc_text(last.at)}).",
            where="promotions",
            next_step="set the clock; history is only added to at its end",
        )
    linked = link(event, last, release_state(log).champion)
    connection.execute(insert(promotions), asdict(linked))
    return linked


def _in_words(event: Event) -> None:
    for name in ("actor", "reason"):
        if not str(getattr(event, name)).strip():
            raise UsageError(f"The {name} is empty.", where="promotions", next_step=f"say the {name} in words")


def _four_eyes(actor: str, approver: str | None) -> None:
    if approver is not None and actor.strip().casefold() == approver.strip().casefold():
        raise GateRefused(
            f"{actor} cannot approve their own request.",
            where="promotions",
            next_step="ask a second person to approve it",
        )


def _check_promotion(
    connection: Connection, log: Sequence[Promotion], version: int, digest: str, *, override: bool
) -> Kind:
    record = find_version(connection, version)
    _same_bundle(record, digest)
    if release_state(log).champion == version:
        raise Conflict(f"Version {version} is the champion already.", where="promotions", next_step="nothing to do")
    if record.status != "refused":
        return "promoted"
    if not override:
        raise _refused(record)
    return "overridden"


def _same_bundle(record: Version, digest: str) -> None:
    if record.digest != digest:
        raise BundleRefused(
            f"Version {record.version} is recorded with bundle digest {record.digest}, not {digest}.",
            where="promotions",
            next_step="restore the bundle, or train and register it again",
        )


def _refused(record: Version) -> GateRefused:
    failed = [check for check in record.gate if not check.get("passed", True)]
    return GateRefused(
        f"The gate refused version {record.version}.",
        where="promotions",
        next_step="choose an accepted version, or promote this one with an override and a reason",
        details={"version": record.version, "failed": failed},
    )


def _pending(log: Sequence[Promotion]) -> tuple[Promotion, ...]:
    settled = {event.details.get("request") for event in log}
    return tuple(event for event in log if event.kind == "requested" and event.seq not in settled)


def _open_request(log: Sequence[Promotion], seq: int) -> Promotion:
    asked = next((event for event in log if event.seq == seq and event.kind == "requested"), None)
    if asked is None:
        raise NotFound(
            f"Event {seq} is not a request.", where="promotions", next_step="see the open requests in the history"
        )
    if asked not in _pending(log):
        raise Conflict(f"Request {seq} is settled already.", where="promotions", next_step="see the history")
    return asked


def _unchanged_since(asked: Promotion, log: Sequence[Promotion]) -> None:
    champion = release_state(log).champion
    if champion != asked.previous_version:
        raise Conflict(
            f"The champion has changed since request {asked.seq}: it was {asked.previous_version}, it is {champion}.",
            where="promotions",
            next_step="request the promotion again, against the present champion",
        )


def _rollback_target(log: Sequence[Promotion], to: int | None) -> Promotion:
    standing = champions(log)
    if to is None and len(standing) < 2:
        raise NotFound(
            "There is no previous champion to go back to.",
            where="promotions",
            next_step="name a version, or promote another one",
        )
    if to is not None and standing and to == standing[-1]:
        raise Conflict(f"Version {to} is the champion already.", where="promotions", next_step="nothing to do")
    wanted = standing[-2] if to is None else to
    led = [event for event in log if event.kind in LIVE and event.version == wanted]
    if not led:
        raise NotFound(
            f"Version {to} has never been the champion.",
            where="promotions",
            next_step=f"choose one of {', '.join(map(str, dict.fromkeys(reversed(standing[:-1])))) or 'none'}, "
            "or promote it",
        )
    return led[-1]
