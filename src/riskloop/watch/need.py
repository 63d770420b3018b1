"""Whether a new version is needed, and why, in one sentence for each ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from riskloop.watch.column_drift import Reason
from riskloop.watch.drift import Drift

MORE = 1.25
"""Times as many new outcomes as at the last attempt, before the next one."""

Name = Literal["drift", "performance", "schedule", "labels", "asked"]
State = Literal["needed", "waiting", "not_needed"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when it is asked whether a new version is needed.

    Attributes
    ----------
    now, trained_at : datetime
        Now, and when the champion was trained; aware.
    drift : Drift or None
        Of the latest predictions; None where there are none.
    fallen : sequence of Reason
        Where realised performance is worse than promised (see `riskloop.watch.performance.fallen`).
    judged : int
        Rows on which that rests.
    new_labels : int
        Outcomes known by now of predictions that the champion has not learnt from.
    held_out, held_out_rarer : int
        Of them, rows to compare versions on, and those of the rarer outcome.
    tried : int or None
        So many new outcomes there were when a successor was last trained that does not lead.
    """

    now: datetime
    trained_at: datetime
    drift: Drift | None
    fallen: Sequence[Reason]
    judged: int
    new_labels: int
    held_out: int
    held_out_rarer: int
    tried: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """From when on a ground is reason enough; see `riskloop.settings.RetrainingSection`."""

    every: timedelta | None = None
    min_new_labels: int | None = None
    harm: float = 0.0
    fewest_rows: int = 200
    fewest_positives: int = 20


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason for a new version, whether it holds, and the sentence."""

    name: Name
    holds: bool
    words: str


@dataclass(frozen=True, slots=True)
class Need:
    """The verdict.

    Attributes
    ----------
    state : {"needed", "waiting", "not_needed"}
        ``waiting``: needed, but too few outcomes are known to judge a new version by.
    grounds : tuple of Ground
        Those that hold first.
    lacking : str
        What is waited for, in one sentence; empty unless waiting.
    """

    state: State
    grounds: tuple[Ground, ...]
    lacking: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences of the grounds that hold."""
        return tuple(one.words for one in self.grounds if one.holds)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"state": self.state, "grounds": [asdict(one) for one in self.grounds], "lacking": self.lacking}


def need(facts: Facts, wanted: Wanted, *, asked: bool = False) -> Need:
    """Decide whether to train.

    Drift alone is no reason: it must have made decisions dearer for sure, by more than ``harm``. A fall of realised
    performance always is one. With too few outcomes to compare two versions, nothing is trained whatever the reasons.

    Parameters
    ----------
    facts : Facts
    wanted : Wanted
    asked : bool
        Somebody asks for it: reason enough.
    """
    grounds = [_drift(facts, wanted), _performance(facts), _schedule(facts, wanted), _labels(facts, wanted)]
    if asked:
        grounds.insert(0, Ground("asked", True, "A new version was asked for."))
    ordered = tuple(sorted(grounds, key=lambda one: not one.holds))
    if not any(one.holds for one in ordered):
        return Need("not_needed", ordered)
    lacking = _lacking(facts, wanted) or ("" if asked else _tried(facts))
    return Need("waiting" if lacking else "needed", ordered, lacking)


def _drift(facts: Facts, wanted: Wanted) -> Ground:
    found = facts.drift
    if found is None:
        return Ground("drift", False, "No prediction is recent enough to look for drift.")
    moved = f"{len(found.moved)} of {len(found.columns)} columns moved"
    change = found.relative_harm
    told = f"{change.value:+.1%} [{change.low:+.1%}, {change.high:+.1%}]" if change.value == change.value else "unknown"
    if not found.drifted:
        return Ground("drift", False, f"No drift: {moved}, expected cost {told}.")
    if change.low > wanted.harm:
        return Ground("drift", True, f"Drift does harm: {moved}, expected cost {told}.")
    return Ground("drift", False, f"Drift does no harm for sure: {moved}, expected cost {told}.")


def _performance(facts: Facts) -> Ground:
    if not facts.judged:
        return Ground("performance", False, "Nothing is known yet of how good decisions are.")
    if not facts.fallen:
        return Ground("performance", False, f"Decisions are as good as promised on {facts.judged:,} outcomes.")
    told = [_fallen(one) for one in facts.fallen]
    return Ground("performance", True, f"Performance fell on {facts.judged:,} outcomes: {' and '.join(told)}.")


def _fallen(reason: Reason) -> str:
    name = {"fallen_roc_auc": "ROC-AUC", "fallen_cost_per_thousand": "the cost per 1,000"}[reason.code]
    before, now = reason.values["promised"]["value"], reason.values["realised"]["value"]
    shape = ".3f" if reason.code == "fallen_roc_auc" else ",.0f"
    return f"{name} is {now:{shape}}, promised was {before:{shape}}"


def _schedule(facts: Facts, wanted: Wanted) -> Ground:
    days = (facts.now - facts.trained_at) / timedelta(days=1)
    if wanted.every is None:
        return Ground("schedule", False, f"The champion is {days:.0f} days old, and there is no schedule.")
    due = facts.trained_at + wanted.every
    if facts.now >= due:
        return Ground("schedule", True, f"The champion is {days:.0f} days old: a new one was due on {due:%Y-%m-%d}.")
    return Ground("schedule", False, f"The champion is {days:.0f} days old: a new one is due on {due:%Y-%m-%d}.")


def _labels(facts: Facts, wanted: Wanted) -> Ground:
    known = f"{facts.new_labels:,} outcomes are new to the champion"
    if wanted.min_new_labels is None:
        return Ground("labels", False, f"{known}; that alone is no reason.")
    if facts.new_labels >= wanted.min_new_labels:
        return Ground("labels", True, f"{known}: {wanted.min_new_labels:,} are reason enough.")
    return Ground("labels", False, f"{known}: {wanted.min_new_labels:,} would be reason enough.")


def _tried(facts: Facts) -> str:
    """The same rows would give the same version: every turn of a loop would train it anew."""
    if facts.tried is None or facts.new_labels >= MORE * facts.tried:
        return ""
    return (
        f"A successor trained on {facts.tried:,} new outcomes does not lead; the next attempt comes with "
        f"{math.ceil(MORE * facts.tried):,}, now there are {facts.new_labels:,}."
    )


def _lacking(facts: Facts, wanted: Wanted) -> str:
    if facts.held_out >= wanted.fewest_rows and facts.held_out_rarer >= wanted.fewest_positives:
        return ""
    return (
        f"Of {facts.new_labels:,} new outcomes {facts.held_out:,} would be held out, {facts.held_out_rarer:,} of them "
        f"of the rarer kind: {wanted.fewest_rows:,} and {wanted.fewest_positives:,} are needed to judge a new version."
    )
