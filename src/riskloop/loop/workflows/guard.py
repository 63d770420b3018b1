"""`riskloop ab watch`: guardrails that end a challenge by themselves, with the reason in the promotion log."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from riskloop.decide.arms import Split
from riskloop.errors import BundleRefused, NotFound
from riskloop.keep.chain import Promotion
from riskloop.keep.enrolled import ArmTraffic, assigned_lately, traffic
from riskloop.loop.experiments.pairs import ACT, Pair, code_of
from riskloop.loop.experiments.terms import terms_of
from riskloop.loop.project import Project
from riskloop.loop.workflows.arms import compared, pair_of, running
from riskloop.loop.workflows.release import project_aliases
from riskloop.watch.guardrails import EDGES, Arm, Breach, breaches

RECENT = timedelta(days=1)
"""How far back answers are looked at: what has been mended is forgotten."""
GRACE = timedelta(seconds=10)
"""After the start, in which services come to follow it."""
GUARD = "riskloop guard"
"""Who ends a challenge by itself, in the promotion log."""


@dataclass(frozen=True)
class ArmsGuarded:
    """What a look at the guardrails found.

    Attributes
    ----------
    status : {"none", "quiet", "ended"}
        Nobody challenges; all holds; the challenge was ended.
    challenger : int or None
    breaches : tuple of Breach
    event : Promotion or None
        That ended it.
    """

    status: Literal["none", "quiet", "ended"]
    challenger: int | None = None
    breaches: tuple[Breach, ...] = ()
    event: Promotion | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "status": self.status,
            "challenger": self.challenger,
            "breaches": [asdict(one) for one in self.breaches],
            "event": None if self.event is None else self.event.seq,
        }


def guard_arms(project: Project, *, costs: bool = True) -> ArmsGuarded:
    """Hold the challenger against the guardrails, and end the challenge if one does not hold.

    Safe to call as often as one likes, and from several places: what chance explains ends nothing.

    Parameters
    ----------
    costs : bool
        Whether to look at costs too: that reads every customer of the experiment once.
    """
    try:
        named, since = running(project)
    except NotFound:
        return ArmsGuarded("none")
    split = Split.from_dict(named.details)
    champion = project.promotions.state().champion
    if split.shadow or champion is None:
        return ArmsGuarded("quiet", named.version)
    rails = project.settings.experiments.rails()
    recent = max(since + GRACE, project.clock() - RECENT)
    try:
        pair = pair_of(project, named.version)
    except BundleRefused as refused:
        found: tuple[Breach, ...] = (
            Breach("fallback", 1.0, rails.fallback, f"its bundle is refused: {refused.message}"),
        )
    else:
        arms = [_arm(traffic(project.engine, arm, recent, EDGES), pair) for arm in ("champion", "challenger")]
        asked = [arm for who, arm in assigned_lately(project.engine, recent) if split.arm_of(who) == "challenger"]
        fixed = terms_of(named.details)
        foreseen = None if fixed is None else fixed.foreseen
        found = breaches(arms[0], arms[1], (asked.count("champion"), len(asked)), rails, foreseen)
        if costs and not found:
            found = _costs(project, pair, (champion, named.version), split, named, since)
    if not found:
        return ArmsGuarded("quiet", named.version)
    event = project.promotions.withdraw(
        actor=GUARD,
        reason=f"guardrail: {'; '.join(one.message for one in found)}",
        at=project.clock(),
        details={"guardrails": [asdict(one) for one in found]},
    )
    project_aliases(project)
    return ArmsGuarded("ended", named.version, found, event)


def _arm(told: ArmTraffic, pair: Pair) -> Arm:
    """Answers of an arm; acting is told by the words of whoever has them."""
    policies = [bundle.policy for bundle in (pair.champion, pair.challenger)]
    acted = sum(n for (_, word), n in told.decisions.items() if any(code_of(one, word) == ACT for one in policies))
    return Arm(told.answers, acted, told.below, told.latencies)


def _costs(
    project: Project, pair: Pair, versions: tuple[int, int], split: Split, named: Promotion, since: datetime
) -> tuple[Breach, ...]:
    """Whether the challenger surely costs more, as `riskloop ab status` tells it."""
    told = compared(project, pair, versions, split, named, since).looks
    if not told or told[-1].difference.low <= 0:
        return ()
    found = told[-1].difference
    money = pair.champion.policy.costs.currency
    words = f"it costs {found.value:.2f} [{found.low:.2f}, {found.high:.2f}] {money} more per customer"
    return (Breach("cost", found.value, 0.0, words),)
