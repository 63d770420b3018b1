"""`riskloop ab replay`: what another version would have decided about the ledger; nobody is answered."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from riskloop.bundle.bundle import Bundle
from riskloop.costs import BoolArray, FloatArray
from riskloop.decide.policy import Policy
from riskloop.errors import NotFound, UsageError
from riskloop.intervals import Z95, Interval
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.loop.experiments.pairs import Read, code_of, expected, priced, read_by
from riskloop.loop.project import Project
from riskloop.loop.watching.final import final_outcomes
from riskloop.loop.watching.seen import pages_of

_MOST_LEVELS = 8
_WORDS = ("pass", "act", "review")


@dataclass
class Sum:
    """Differences in cost, added up."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, values: FloatArray) -> None:
        """Add differences, shape (n,), in currency."""
        self.n += len(values)
        self.total += float(values.sum())
        self.squares += float((values**2).sum())

    def mean(self) -> Interval:
        """Per prediction, in currency, with its interval; NaN without any."""
        if not self.n:
            return Interval(math.nan, math.nan, math.nan)
        mean = self.total / self.n
        variance = max(0.0, self.squares / self.n - mean**2)
        half = Z95 * math.sqrt(variance / self.n)
        return Interval(mean, mean - half, mean + half)


@dataclass
class Group:
    """Predictions that are looked at together.

    Attributes
    ----------
    predictions, changed : int
        All, and those decided otherwise.
    expected : (Sum, Sum)
        Expected cost of the version's decisions less that of those taken, by the probabilities that were answered, and
        by the version's own: each flatters its own decisions.
    realised : Sum
        The same where the outcome is known and final, as if the decision did not change it.
    """

    predictions: int = 0
    changed: int = 0
    expected: tuple[Sum, Sum] = field(default_factory=lambda: (Sum(), Sum()))
    realised: Sum = field(default_factory=Sum)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "predictions": self.predictions,
            "changed": self.changed,
            "expected_by_answered": self.expected[0].mean().to_dict(),
            "expected_by_version": self.expected[1].mean().to_dict(),
            "realised": self.realised.mean().to_dict(),
            "outcomes": self.realised.n,
        }


@dataclass
class Replayed:
    """What a version would have decided.

    Attributes
    ----------
    version : int
    currency : str
    whole : Group
    segments : dict of Group
        By column and level.
    changes : Counter
        Predictions by what was decided and what would have been: pass, act or review.
    unread : int
        Predictions that the version cannot read.
    """

    version: int
    currency: str
    whole: Group = field(default_factory=Group)
    segments: dict[tuple[str, str], Group] = field(default_factory=dict)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unread: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "version": self.version,
            "currency": self.currency,
            **self.whole.to_dict(),
            "unread": self.unread,
            "changes": [{"from": old, "to": new, "predictions": n} for (old, new), n in sorted(self.changes.items())],
            "segments": [
                {"column": column, "level": level, **group.to_dict()}
                for (column, level), group in sorted(self.segments.items())
            ],
            "share_changed": self.whole.changed / self.whole.predictions if self.whole.predictions else None,
        }


def replay(
    project: Project,
    version: int,
    *,
    since: datetime | None = None,
    by: Sequence[str] = (),
    done: Callable[[int], None] = lambda _rows: None,
) -> Replayed:
    """Ask a version about every prediction in the ledger; shadows are left out, and nothing is written.

    Outcomes count as they do everywhere: once `problem.maturity` is over, and silence as the settings say. The ledger
    is read page by page: memory stays flat.

    Parameters
    ----------
    since : datetime, optional
        Predictions made at or after it.
    by : sequence of str
        Category columns to tell apart; those of the contract with few levels if left out.
    done : callable
        Told of rows that are done.

    Raises
    ------
    NotFound
        If there is no such version, or no prediction.
    UsageError
        If a column is no category of the version's contract.
    """
    record, bundle = project.bundle(version)
    walk = _Walk(project, bundle, _segments(bundle, by), Replayed(record.version, bundle.policy.costs.currency))
    for page in pages_of(final_outcomes(project, since=since)):
        walk.page(page)
        done(len(page))
    if not walk.found.whole.predictions and not walk.found.unread:
        raise NotFound(
            "The ledger holds no prediction" + (f" since {since:%Y-%m-%d}." if since else "."),
            where="ledger",
            next_step="score customers first: riskloop score, or POST /predict",
        )
    return walk.found


def _segments(bundle: Bundle, by: Sequence[str]) -> tuple[str, ...]:
    levels = {one.name: one.levels for one in bundle.contract.read if one.type == "category" and not one.personal}
    for name in by:
        if name not in levels:
            raise UsageError(
                f"{name!r} is no category that version reads.",
                where="--by",
                next_step=f"choose among {', '.join(levels) or 'none'}",
            )
    return tuple(by) or tuple(name for name, some in levels.items() if len(some) <= _MOST_LEVELS)


@dataclass
class _Walk:
    project: Project
    bundle: Bundle
    by: tuple[str, ...]
    found: Replayed
    policies: dict[int, Policy] = field(default_factory=dict)

    def page(self, page: Sequence[tuple[Prediction, Outcome | None]]) -> None:
        read = read_by(self.bundle, [one.features for one, _ in page])
        kept = [one for one, fine in zip(page, read.kept, strict=True) if fine]
        self.found.unread += len(page) - len(kept)
        if not kept:
            return
        policy, costs = self.bundle.policy, self.bundle.policy.costs.of(read.columns)
        told = np.array([one.probability for one, _ in kept])
        known = np.array([said is not None for _, said in kept])
        outcome = np.array([said is not None and said.outcome for _, said in kept])
        before = np.empty(len(kept), dtype=np.int8)
        differences = [expected(read.code, p, costs, policy.review) for p in (told, read.probability)]
        realised = priced(read.code, outcome, costs, policy.review)
        version = np.array([one.version for one, _ in kept])
        for number in np.unique(version).tolist():  # each decision in the words and at the reviews of who took it
            rows = np.flatnonzero(version == number)
            old, theirs = self._policy(number), costs.take(rows)
            before[rows] = [code_of(old, kept[row][0].decision) for row in rows.tolist()]
            for difference, p in zip(differences, (told, read.probability), strict=True):
                difference[rows] -= expected(before[rows], p[rows], theirs, old.review)
            realised[rows] -= priced(before[rows], outcome[rows], theirs, old.review)
        changed = read.code != before
        everybody = np.ones(len(kept), dtype=bool)
        for group, rows in [(self.found.whole, everybody), *self._groups(read)]:
            group.predictions += int(rows.sum())
            group.changed += int(changed[rows].sum())
            for total, difference in zip(group.expected, differences, strict=True):
                total.add(difference[rows])
            group.realised.add(realised[rows & known])
        pairs = zip(before.tolist(), read.code.tolist(), strict=True)
        self.found.changes.update((_WORDS[old], _WORDS[new]) for old, new in pairs if old != new)

    def _policy(self, version: int) -> Policy:
        """Of a version that answered; of the one that is asked, where it is gone."""
        if version not in self.policies:
            try:
                self.policies[version] = self.project.bundle(version)[1].policy
            except NotFound:
                self.policies[version] = self.bundle.policy
        return self.policies[version]

    def _groups(self, read: Read) -> list[tuple[Group, BoolArray]]:
        found = []
        for name in self.by:
            codes = read.columns[name]
            levels = self.bundle.contract.by_name[name].levels
            for code in np.unique(codes).tolist():
                level = "missing" if code < 0 else levels[code] if code < len(levels) else "other"
                group = self.found.segments.setdefault((name, level), Group())
                found.append((group, np.asarray(codes == code)))
        return found
