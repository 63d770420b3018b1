"""What becomes of a retrained version: it leads, waits for a second person, challenges, or is left to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskloop.errors import Conflict, NotFound
from riskloop.keep.chain import Promotion
from riskloop.keep.retrainings import Result
from riskloop.keep.versions import Version
from riskloop.learn.evaluation.paired import PairedDifference
from riskloop.loop.project import Project
from riskloop.loop.workflows.arms import start_arms
from riskloop.loop.workflows.release import promote


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of it: the result, the sentence, and the event in the promotion log if there is one."""

    result: Result
    told: str
    event: Promotion | None = None


def settle(
    project: Project,
    version: Version,
    difference: PairedDifference | None,
    *,
    reasons: Sequence[str],
    customers: int,
    details: Mapping[str, Any] | None = None,
) -> Settled:
    """Act on what the gate and the comparison said, by `retraining.promote` and `retraining.then`.

    A version leads at once only if it is better than the champion beyond noise. Where a promotion needs a second person
    it becomes a request.

    Parameters
    ----------
    difference : PairedDifference, optional
        New minus champion, per 1,000 customers; None without a champion that could be compared.
    reasons : sequence of str
        Why it was trained.
    customers : int
        On whom the two were compared.
    details : mapping, optional
        Plain JSON values, for the promotion log.
    """
    section, number = project.settings.retraining, version.version
    if version.status == "refused":
        failed = "; ".join(str(check["message"]) for check in version.gate if not check["passed"])
        return Settled("refused", f"Version {number} was refused by the gate: {failed}.")
    beside = _beside(difference, customers)
    why = f"retrained: {' '.join(reasons)} It {beside}"
    better = difference is not None and difference.high < 0
    if better and section.promote == "auto":
        event = promote(project, number, reason=why, details=details)
        if event.kind == "requested":
            return Settled("requested", f"Version {number} {beside} It waits for a second person.", event)
        return Settled("promoted", f"Version {number} leads. It {beside}", event)
    if section.then == "challenge":
        try:
            event = start_arms(project, number, reason=why, share=section.share)
        except (Conflict, NotFound) as hindered:
            return Settled("proposed", f"Version {number} {beside} It cannot challenge: {hindered.message}")
        told = f"Version {number} {beside} It answers {section.share:.0%} of the customers."
        return Settled("challenging", told, event)
    step = f"It leads if you say so: riskloop promote {number} --reason TEXT."
    return Settled("proposed", f"Version {number} {beside} {step}")


def _beside(found: PairedDifference | None, customers: int) -> str:
    if found is None:
        return "could not be compared with the champion."
    verdict = "better beyond noise" if found.high < 0 else "no better than noise"
    return (
        f"costs {found.mean:+,.0f} [{found.low:+,.0f}, {found.high:+,.0f}] per 1,000 against the champion on the "
        f"{customers:,} newest customers: {verdict}."
    )
