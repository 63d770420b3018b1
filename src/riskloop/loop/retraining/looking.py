"""Looking: what the ledger says of the champion, drift, performance and new outcomes, before anything is decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import numpy as np

from riskloop.bundle.bundle import Bundle
from riskloop.costs import Costs
from riskloop.decide.arms import share_explored
from riskloop.errors import DataError, NotFound
from riskloop.keep.retrainings import Retraining
from riskloop.keep.versions import Version
from riskloop.learn.evaluation.metrics import Evaluation, evaluate
from riskloop.loop.project import Project
from riskloop.loop.retraining.labelled import Judged, Labelled, gather, judged
from riskloop.loop.retraining.table import Cut, cut
from riskloop.loop.watching.monitored import Monitored
from riskloop.loop.watching.seen import Seen, pages_of
from riskloop.loop.workflows.monitor import monitor_ledger
from riskloop.settings import RetrainingSection
from riskloop.watch.column_drift import Reason
from riskloop.watch.need import Facts, Need, Wanted, need
from riskloop.watch.performance import fallen
from riskloop.watch.profile import Profile

_WITHOUT_SUCCESS = ("requested", "challenging", "proposed", "refused", "failed")
_QUARTERS = 4
_UNUSED = Costs(fp=1, fn=1)  # every decision brings its own cost


@dataclass(frozen=True)
class Looked:
    """What was seen.

    Attributes
    ----------
    champion : Version
    watched : Monitored or None
        Drift of the latest predictions; None where there are none.
    labelled : Labelled
    division : Cut
        Which labelled rows are new, and which of them are held out.
    need : Need
    """

    champion: Version
    watched: Monitored | None
    labelled: Labelled
    division: Cut
    need: Need


def look(project: Project, *, asked: bool = False) -> Looked:
    """Look at the ledger and decide whether a new version is needed.

    Raises
    ------
    NotFound
        If there is no champion.
    """
    settings, now = project.settings.retraining, project.clock()
    champion, bundle = project.bundle()
    watched = _watched(project, now)
    realised = _Realised(champion, bundle, project)
    labelled = gather(project, realised.passing(judged(project, now)), now)
    division = cut(labelled, learnt_until(project, champion.version), settings.held_out, settings.fewest_rows)
    held = np.array([row.outcome for row, out in zip(labelled.rows, division.held, strict=True) if out], dtype=bool)
    fell = realised.fallen()
    facts = Facts(
        now=now,
        trained_at=champion.created_at,
        drift=None if watched is None else watched.drift,
        fallen=fell,
        judged=realised.rows,
        new_labels=int(division.new.sum()),
        held_out=len(held),
        held_out_rarer=int(min(held.sum(), (~held).sum())),
        tried=_tried(project, champion.version),
    )
    return Looked(champion, watched, labelled, division, need(facts, wanted(settings), asked=asked))


def wanted(settings: RetrainingSection) -> Wanted:
    """From when on a ground is reason enough."""
    return Wanted(
        every=settings.schedule,
        min_new_labels=settings.min_new_labels,
        harm=settings.harm,
        fewest_rows=settings.fewest_rows,
        fewest_positives=settings.fewest_positives,
    )


def learnt_until(project: Project, version: int) -> datetime | None:
    """Until when a version has learnt from the ledger; None for one that learnt from the training table only."""
    made: Retraining | None = project.retrainings.of_version(version)
    until = made.data.get("trained_until") if made else None
    return datetime.fromisoformat(until) if until else None


def _tried(project: Project, champion: int) -> int | None:
    """New outcomes of the last retraining that was to succeed this champion and did not."""
    made = [one for one in project.retrainings.list() if one.champion == champion and one.result in _WITHOUT_SUCCESS]
    return made[-1].data.get("new_labels") if made else None


def _watched(project: Project, now: datetime) -> Monitored | None:
    try:
        return monitor_ledger(project, now - project.settings.retraining.looks_back)
    except (NotFound, DataError):  # nothing was scored lately, or the bundle is of a time before profiles
        return None


class _Realised:
    """How good the champion's decisions were lately, from the rows that pass by.

    Lately is the last `retraining.look_back` before the newest outcome, in quarters of it: what went well a year ago
    must not hide that it no longer does.
    """

    def __init__(self, champion: Version, bundle: Bundle, project: Project) -> None:
        settings = project.settings.retraining
        self._version = champion.version
        self._hidden = settings.acted == "leave_out"
        matures = project.settings.problem.matures().after
        self._before = None if matures is None else project.clock() - matures
        self._promised = bundle.card.get("test", {}).get("metrics", {})
        self._least = project.settings.monitoring.thresholds().rows
        self._bundle, self._quarter = bundle, settings.looks_back.total_seconds() / _QUARTERS
        self._seen: dict[int, Seen] = {}
        self.rows = 0

    def passing(self, pairs: Iterator[Judged]) -> Iterator[Judged]:
        """The same rows, page by page; those of the champion that are old enough are looked at."""
        for page in pages_of(pairs):
            if self._bundle.profile:
                self._look([one for one in page if self._counts(one)])
            yield from page

    def _look(self, mine: list[Judged]) -> None:
        for quarter, some in groupby(mine, key=lambda one: int(one[0].at.timestamp() // self._quarter)):
            if quarter not in self._seen:
                self._seen[quarter] = Seen(self._bundle, Profile.from_dict(self._bundle.profile), as_policy=True)
            self._seen[quarter].page([*some])

    def _counts(self, one: Judged) -> bool:
        prediction, outcome = one
        if prediction.version != self._version or outcome is None:
            return False
        if self._before is not None and prediction.at > self._before:
            return False
        explored = share_explored(prediction.arm) is not None
        # Where acting changes the outcome, only those whom nobody could act on show what would have been.
        return explored if self._hidden else not explored

    def fallen(self) -> tuple[Reason, ...]:
        """Where it is worse than promised."""
        found = self._evaluation()
        if found is None or found.n < self._least:
            return ()
        metrics = found.to_dict()["metrics"]
        if self._hidden:  # everybody was left alone: what that cost is not what the decisions would have cost
            metrics.pop("cost_per_thousand")
        return fallen(self._promised, metrics)

    def _evaluation(self) -> Evaluation | None:
        lately = [one for quarter, one in self._seen.items() if quarter > max(self._seen) - _QUARTERS]
        if not lately:
            return None
        outcome, probability, act = (
            np.concatenate([part for one in lately for part in one.outcome]),
            np.concatenate([part for one in lately for part in one.probability]),
            np.concatenate([part for one in lately for part in one.act]),
        )
        self.rows = len(outcome)
        if not len(outcome):
            return None
        positive, negative = (np.concatenate([part[way] for one in lately for part in one.costs]) for way in (0, 1))
        cost = np.where(outcome, positive, negative)
        return evaluate(outcome, probability, act, _UNUSED, seed=0, cost=cost)
