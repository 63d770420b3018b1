"""`riskloop ab start`, `stop`, `status`: let a challenger answer some customers, see what it saves, and end that."""

from __future__ import annotations

import math
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from riskloop.decide.arms import Split
from riskloop.errors import Conflict, GateRefused, NotFound, UsageError
from riskloop.keep.chain import LIVE, Promotion, challenge
from riskloop.keep.ledger import ArmCount
from riskloop.loop.experiments.counting import Counted, count
from riskloop.loop.experiments.pairs import Pair
from riskloop.loop.experiments.terms import Terms, glance, started, terms, terms_of
from riskloop.loop.project import Project
from riskloop.loop.publishing import publish
from riskloop.loop.workflows.release import project_aliases, promote
from riskloop.report.documents import experiment as documented
from riskloop.report.documents.writing import Written, write_document
from riskloop.report.words import Language
from riskloop.watch.experiment import Look, days_more, grouped, looks
from riskloop.watch.guardrails import USUAL_RAILS, Rails
from riskloop.watch.split_check import SplitCheck, split_check

Verdict = Literal["promote", "stop", "undecided"]


@dataclass(frozen=True)
class Compared:
    """What a comparison has told so far.

    Attributes
    ----------
    verdict : {"promote", "stop", "undecided"}
    looks : tuple of Look
        The end of each day on which outcomes came to count.
    days_more : float or None
        About how long until it is decided, if the difference is what it seems.
    split : SplitCheck
        Whether customers came to the arms in the shares that were meant.
    counted : Counted
    terms : Terms
    rails : Rails
        What ends it at once.
    """

    verdict: Verdict
    looks: tuple[Look, ...]
    days_more: float | None
    split: SplitCheck
    counted: Counted
    terms: Terms
    rails: Rails = USUAL_RAILS

    @property
    def trusted(self) -> bool:
        """Whether the split is as it was meant."""
        return not self.split.off

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        counted, last = self.counted, self.looks[-1] if self.looks else None
        return {
            "verdict": self.verdict,
            "difference": None if last is None else last.difference.to_dict(),
            "customers": None if last is None else list(last.customers),
            "cost": None if last is None else last.to_dict()["cost"],
            "days": [one.to_dict() for one in self.looks],
            "days_more": self.days_more,
            "sample_ratio": {
                "meant": self.split.meant,
                "found": None if math.isnan(self.split.found) else self.split.found,
                "p_value": self.split.p_value,
                "off": self.split.off,
            },
            "assigned": counted.assigned,
            "mature": counted.mature,
            "told": counted.told,
            "differing": sum(tally.differing for tally in counted.days.values()),
            "mixed": counted.mixed,
            "fallback": counted.fallback,
            "left_out": counted.left_out,
            "otherwise": counted.otherwise,
            "terms": self.terms.to_dict(),
            "guardrails": asdict(self.rails),
        }


@dataclass(frozen=True)
class ArmsStatus:
    """A comparison in production that runs.

    Attributes
    ----------
    champion, challenger : int
    split : Split
    since : datetime
        From when on it counts: its start, or a later change of the champion.
    reason : str
    counts : tuple of ArmCount
        What each arm has decided since.
    currency : str
    compared : Compared or None
        What it has told; None for a shadow.
    """

    champion: int | None
    challenger: int
    split: Split
    since: datetime
    reason: str
    counts: tuple[ArmCount, ...]
    currency: str = ""
    compared: Compared | None = None


def start_arms(
    project: Project, version: int, *, reason: str, share: float | None = None, shadow: bool = False
) -> Promotion:
    """Let a version challenge the champion; the terms by which it will be judged are fixed now.

    Raises
    ------
    UsageError
        If the share makes no sense, a shadow is given one, or nothing says how large costs get.
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
    pair = pair_of(project, version)
    asked = [name for name in pair.challenger.contract.read_names if name not in pair.champion.contract.by_name]
    if asked:
        raise Conflict(
            f"Version {version} asks for {asked[0]!r}, which callers of version {state.champion} do not send.",
            where="ab",
            next_step="let callers send it first, with a champion whose contract knows it",
        )
    details = split.to_dict()
    if not shadow:
        details["experiment"] = terms(project, pair, split.share, glance(project, pair, split.share)).to_dict()
    event = project.promotions.challenge(
        version, actor=project.actor, reason=reason, at=project.clock(), details=details
    )
    project_aliases(project)
    return event


def pair_of(project: Project, version: int) -> Pair:
    """The champion and a version, verified."""
    return Pair(project.bundle()[1], project.bundle(version)[1])


def stop_arms(project: Project, *, reason: str, decide: bool = False) -> Promotion:
    """End the challenge: the champion answers everybody again within a second.

    Parameters
    ----------
    decide : bool
        Let the challenger lead instead, if it is surely cheaper.

    Raises
    ------
    NotFound
        If nobody challenges.
    GateRefused
        If it is to be decided, and is not yet, or the split is off.
    """
    if decide:
        status = arms_status(project)
        told = status.compared
        if told is None or told.verdict == "undecided" or not told.trusted:
            raise GateRefused(
                f"It is not decided: {sentence(status)}.",
                where="ab",
                next_step="go on, or end it as it is: riskloop ab stop --reason ... without --decide",
            )
        if told.verdict == "promote":
            return promote(project, status.challenger, reason=f"{reason} ({sentence(status)})")
        reason = f"{reason} ({sentence(status)})"
    event = project.promotions.withdraw(actor=project.actor, reason=reason, at=project.clock())
    project_aliases(project)
    return event


def running(project: Project) -> tuple[Promotion, datetime]:
    """The challenge that runs, and from when on it counts.

    Raises
    ------
    NotFound
        If nobody challenges.
    """
    events = project.promotions.events()
    named = challenge(events)
    if named is None:
        raise NotFound("Nobody challenges the champion.", where="ab", next_step="riskloop ab start VERSION --share 0.5")
    changed = [event.at for event in events if event.kind in LIVE]
    return named, started(named.at, changed[-1] if changed else None)


def arms_status(project: Project) -> ArmsStatus:
    """Who challenges whom, since when, what each arm has decided, and what the challenger saves.

    Raises
    ------
    NotFound
        If nobody challenges.
    """
    named, since = running(project)
    champion, split = project.promotions.state().champion, Split.from_dict(named.details)
    found, currency = None, ""
    if champion is not None:
        pair = pair_of(project, named.version)
        currency = pair.champion.policy.costs.currency
        if not split.shadow:
            found = compared(project, pair, (champion, named.version), split, named, since)
    return ArmsStatus(
        champion=champion,
        challenger=named.version,
        split=split,
        since=since,
        reason=named.reason,
        counts=project.ledger.arm_counts(since),
        currency=currency,
        compared=found,
    )


def compared(
    project: Project, pair: Pair, versions: tuple[int, int], split: Split, named: Promotion, since: datetime
) -> Compared:
    """What the comparison of champion and challenger has told since a moment, by the terms it started with."""
    fixed = terms_of(named.details) or terms(project, pair, split.share, glance(project, pair, split.share))
    counted = count(project, pair, versions, split, fixed, since)
    told = looks(grouped(counted.days, project.clock().date()), fixed.design)
    days = max(1, len(counted.met))
    more = days_more(told[-1], fixed.design, sum(counted.told) / days) if told else None
    verdict = _verdict(told)
    return Compared(
        verdict=verdict,
        looks=told,
        days_more=more if verdict == "undecided" else None,
        split=split_check(counted.arms, split.share),
        counted=counted,
        terms=fixed,
        rails=project.settings.experiments.rails(),
    )


def _verdict(told: tuple[Look, ...]) -> Verdict:
    if told and told[-1].difference.high < 0:
        return "promote"
    return "stop" if told and told[-1].difference.low > 0 else "undecided"


def write_experiment_report(project: Project, status: ArmsStatus, language: Language = "en") -> Written:
    """Write ``experiment-CHALLENGER.html``, ``.md`` and ``.json`` in ``.riskloop/reports``.

    Raises
    ------
    NotFound
        For a shadow, which is not compared.
    RiskloopError
        If they cannot be written.
    """
    if status.compared is None or status.champion is None:
        raise NotFound(
            "A shadow is not compared.", where="ab", next_step="see riskloop ab replay for what it would change"
        )
    told = documented.Compared(
        title=project.name,
        champion=status.champion,
        challenger=status.challenger,
        digest=project.versions.get(status.challenger).digest,
        log=project.promotions.head().hash,
        currency=status.currency,
        since=status.since,
        generated=project.clock(),
        looks=status.compared.looks,
        raw=status.compared.to_dict(),
    )
    stem = f"experiment-{status.challenger}" + ("" if language == "en" else f".{language}")
    written = write_document(documented.experiment_report(told, language), project.locations.reports, stem)
    publish(project, written.files.values())
    return written


def sentence(status: ArmsStatus) -> str:
    """What a comparison says, in one sentence."""
    told = status.compared
    if told is None:
        return "a shadow answers nobody: see riskloop ab replay for what it would change"
    if not told.trusted:
        return (
            f"customers came {told.split.found:.1%} to the challenger, {told.split.meant:.1%} were meant: "
            "find the reason before trusting a difference"
        )
    if not told.looks:
        return "no outcome counts yet"
    found, money = told.looks[-1].difference, status.currency
    if told.verdict == "promote":
        saves = f"{-found.value:,.2f} [{-found.high:,.2f}, {-found.low:,.2f}]"
        return f"the challenger saves {saves} {money} per customer: promote"
    seen = f"{found.value:+,.2f} [{found.low:+,.2f}, {found.high:+,.2f}] {money} per customer"
    if told.verdict == "stop":
        return f"the challenger costs more, {seen}: stop"
    more = told.days_more
    if more is None or more > 730:
        return f"not decided yet, {seen}"
    return f"not decided yet, {seen}; about {max(1, round(more))} days more"
