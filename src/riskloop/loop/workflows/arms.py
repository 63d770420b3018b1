"""`riskloop ab`: let a challenger answer some customers, or look on, and end that."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from riskloop.decide.arms import Split
from riskloop.errors import Conflict, NotFound, UsageError
from riskloop.keep.chain import Promotion, challenge
from riskloop.keep.ledger import ArmCount
from riskloop.loop.project import Project
from riskloop.loop.workflows.release import project_aliases


@dataclass(frozen=True)
class ArmsStatus:
    """A comparison in production that runs.

    Attributes
    ----------
    champion, challenger : int
    split : Split
    since : datetime
    reason : str
    counts : tuple of ArmCount
        What each arm has decided since.
    """

    champion: int | None
    challenger: int
    split: Split
    since: datetime
    reason: str
    counts: tuple[ArmCount, ...]


def start_arms(
    project: Project, version: int, *, reason: str, share: float | None = None, shadow: bool = False
) -> Promotion:
    """Let a version challenge the champion.

    Raises
    ------
    UsageError
        If the share makes no sense, or a shadow is given one.
    NotFound
        If there is no such version, or no champion.
    Conflict
        If it leads, another one challenges, or it asks callers for what they do not send.
    GateRefused, BundleRefused
        If the gate refused it, or its bundle was altered.
    """
    if shadow and share is not None:
        raise UsageError("A shadow answers nobody.", where="--share", next_step="leave out --share or --shadow")
    if (shadow, share) == (False, None):
        raise UsageError("How many customers?", where="--share", next_step="give --share 0.5, or --shadow")
    split = Split(0.0 if share is None else share, shadow, secrets.token_hex(8))
    state = project.promotions.state()
    if state.challenger is not None:
        raise Conflict(
            f"Version {state.challenger} challenges already.", where="ab", next_step="end that: riskloop ab stop"
        )
    _, leading = project.bundle()
    _, bundle = project.bundle(version)
    asked = [name for name in bundle.contract.read_names if name not in leading.contract.by_name]
    if asked:
        raise Conflict(
            f"Version {version} asks for {asked[0]!r}, which callers of version {state.champion} do not send.",
            where="ab",
            next_step="let callers send it first, with a champion whose contract knows it",
        )
    event = project.promotions.challenge(
        version, actor=project.actor, reason=reason, at=project.clock(), details=split.to_dict()
    )
    project_aliases(project)
    return event


def stop_arms(project: Project, *, reason: str) -> Promotion:
    """End the challenge: the champion answers everybody again within a second.

    Raises
    ------
    NotFound
        If nobody challenges.
    """
    event = project.promotions.withdraw(actor=project.actor, reason=reason, at=project.clock())
    project_aliases(project)
    return event


def arms_status(project: Project) -> ArmsStatus:
    """Who challenges whom, since when, and what each arm has decided.

    Raises
    ------
    NotFound
        If nobody challenges.
    """
    events = project.promotions.events()
    named = challenge(events)
    if named is None:
        raise NotFound("Nobody challenges the champion.", where="ab", next_step="riskloop ab start VERSION --share 0.5")
    return ArmsStatus(
        champion=project.promotions.state().champion,
        challenger=named.version,
        split=Split.from_dict(named.details),
        since=named.at,
        reason=named.reason,
        counts=project.ledger.arm_counts(named.at),
    )
