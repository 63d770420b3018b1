"""The promotion log as pure values: events chained by hash, the release they add up to, and the proof.

Each event carries the SHA-256 of itself and of the hash before it (a hash chain, as in Haber and Stornetta, "How to
time-stamp a digital document", 1991). A chain alone shows every edited, deleted, inserted or reordered event except
two things: events cut off its end, and a chain rewritten from some event to its end. Both show against a Head that
was kept elsewhere (a ticket, a mail, a signed report).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from riskloop.keep.instant import utc_text

Kind = Literal["requested", "rejected", "promoted", "overridden", "rolled_back", "challenged", "withdrawn"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# The kinds that put a version in charge.
LIVE: frozenset[Kind] = frozenset({"promoted", "overridden", "rolled_back"})

GENESIS = "0" * 64
"""The hash before the first event."""


@dataclass(frozen=True, slots=True)
class Event:
    """What someone did to a release.

    Attributes
    ----------
    kind : str
        ``requested`` (waits for a second person), ``rejected``, ``promoted``, ``overridden`` (promoted although the
        gate refused it), ``rolled_back``, ``challenged`` (named challenger), ``withdrawn`` (challenger no more).
    version, digest : int, str
        The version concerned and the digest of its bundle.
    actor, approver : str, str or None
        Who did it, and who agreed.
    reason : str
        Why, in the actor's words.
    at : datetime
        When; aware.
    details : dict
        Plain JSON values.
    """

    kind: Kind
    version: int
    digest: str
    actor: str
    reason: str
    at: datetime
    approver: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promotion(Event):
    """An event as logged: its place in the chain and the champion that stood before it."""

    previous_version: int | None = None
    seq: int = 0
    prev_hash: str = GENESIS
    hash: str = ""

    def expected_hash(self) -> str:
        """SHA-256 over the canonical JSON of every field but the hash itself."""
        fields = asdict(self)
        del fields["hash"]
        fields["at"] = utc_text(self.at)
        return hashlib.sha256(canonical_json(fields).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many events, and the hash of the last. Keep it elsewhere to detect a cut tail."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """Who leads. ``previous`` is the version a rollback would bring back."""

    champion: int | None = None
    challenger: int | None = None
    previous: int | None = None
    head_seq: int = 0


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """Whether the chain holds: how many events were checked and, if it does not, where it breaks first and why."""

    ok: bool
    checked: int
    first_broken_seq: int | None = None
    why: str | None = None


def canonical_json(value: Any) -> str:
    """One text per value: keys sorted, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def link(event: Event, previous: Promotion | None, champion: int | None) -> Promotion:
    """``event`` as the next link after ``previous``."""
    fields = {name: getattr(event, name) for name in Event.__dataclass_fields__}
    fields["details"] = json.loads(canonical_json(event.details))
    place: dict[str, Any] = {
        "previous_version": champion,
        "seq": previous.seq + 1 if previous else 1,
        "prev_hash": previous.hash if previous else GENESIS,
    }
    digest = Promotion(**fields, **place).expected_hash()
    return Promotion(**fields, **place, hash=digest)


def champions(log: Iterable[Promotion]) -> list[int]:
    """The versions that lead one after the other, as far as they still stand: the last leads now.

    A promotion adds to the end. A rollback takes off the end, so that a second rollback goes one further back
    instead of returning to what the first one fled from. Rolling back to a version that no longer stands (rolled
    back from before) adds it again.
    """
    standing: list[int] = []
    for event in log:
        if event.kind not in LIVE:
            continue
        if event.kind == "rolled_back" and event.version in standing[:-1]:
            del standing[_last_place(standing[:-1], event.version) + 1 :]
        else:
            standing.append(event.version)
    return standing


def _last_place(versions: list[int], version: int) -> int:
    return len(versions) - 1 - versions[::-1].index(version)


def challenge(log: Iterable[Promotion]) -> Promotion | None:
    """The event that named the challenger of now: until it is withdrawn or leads."""
    current: Promotion | None = None
    for event in log:
        if event.kind == "challenged":
            current = event
        elif current and event.version == current.version and event.kind in LIVE | {"withdrawn"}:
            current = None
    return current


def release_state(log: Iterable[Promotion]) -> ReleaseState:
    """What the log adds up to."""
    events = tuple(log)
    standing, named = champions(events), challenge(events)
    return ReleaseState(
        champion=standing[-1] if standing else None,
        challenger=named.version if named else None,
        previous=standing[-2] if len(standing) > 1 else None,
        head_seq=events[-1].seq if events else 0,
    )


def verify_chain(log: Iterable[Promotion], expected: Head | None = None) -> VerifyResult:
    """Recompute every link of the chain, in the order of ``seq``."""
    head = Head()
    anchored = expected is None or expected.seq == 0
    for event in log:
        why = _broken(event, head)
        if why is None and expected is not None and event.seq == expected.seq:
            anchored = event.hash == expected.hash
            why = None if anchored else "its hash is not the one that was kept: the log was rewritten"
        if why:
            return VerifyResult(ok=False, checked=head.seq, first_broken_seq=head.seq + 1, why=why)
        head = Head(event.seq, event.hash)
    if not anchored:
        return VerifyResult(
            ok=False, checked=head.seq, first_broken_seq=head.seq + 1, why="the events after this place were cut off"
        )
    return VerifyResult(ok=True, checked=head.seq)


def _broken(event: Promotion, before: Head) -> str | None:
    if event.seq != before.seq + 1:
        return f"event {before.seq + 1} is missing"
    if event.prev_hash != before.hash:
        return "it does not follow the event before it: one of them was replaced, moved or removed"
    if event.hash != event.expected_hash():
        return "its content is not what was hashed: it was edited"
    return None
