"""Rows on their way from a table or the ledger to a profile, with what their performance is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.bundle.bundle import Bundle
from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Breach, Columns
from riskloop.data.dataset import microseconds
from riskloop.data.frames import as_text, decode_frame
from riskloop.data.outcome import known_outcome
from riskloop.decide.prices import priceless
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.problem import Problem
from riskloop.watch.performance import both_ways
from riskloop.watch.profile import Profile, Scores

if TYPE_CHECKING:
    from riskloop.loop.watching.gathering import Gathered

KEPT = 2_000_000
"""Rows of which at most what a performance is computed from is kept: 27 bytes each."""
_PAGE = 10_000
_EPOCH = date(1970, 1, 1)
MISSING = "(missing)"
Row = TypeVar("Row")
IntArray = NDArray[np.int64]
Groups = dict[str, dict[str, tuple[int, int]]]
"""By protected attribute and level: customers acted on, and customers."""


@dataclass(frozen=True, eq=False)
class _Part:
    """Decoded rows, the scores of those that were kept, and cells that broke the contract."""

    columns: Columns
    scores: Scores
    refused: dict[str, BoolArray]
    kept: BoolArray

    def measured(self, reference: Profile, rows: IntArray | None = None) -> Profile:
        """The profile of all rows, or of some, by position."""
        if rows is None or len(rows) == len(self.kept):
            return reference.measure(self.columns, self.scores, self.refused)
        refused = {name: cells[rows] for name, cells in self.refused.items()}
        scored = self.places[rows][self.kept[rows]]
        return reference.measure(_take(self.columns, rows), self.scores.take(scored), refused)

    @cached_property
    def places(self) -> IntArray:
        """Of each row that was kept, which of the scores is its own, shape (n,)."""
        return np.cumsum(self.kept) - 1


@dataclass
class Seen:
    """Rows on their way: profiles are added up, and of each row only what a performance is computed from is kept.

    Of more than `most` rows every k-th is, where k is the ``step``: it doubles when there are too many, so that memory
    stays flat. Profiles count every row.

    Attributes
    ----------
    profiled : bool
        Whether profiles are made: not where only a performance is asked for.
    sample : int
        Rows of each part that are kept for a classifier; none unless asked for.
    sensitive : tuple of str
        Protected attributes by which decisions are counted, where rows have them.
    segment : str or None
        A category column by whose levels profiles are made too.
    as_policy : bool
        Whether the performance of rows of the ledger too is that of what the policy decides: to judge a model where a
        worklist took some of those to act on.
    otherwise : int
        Rows of the ledger that a worklist, or exploration, decided about otherwise than the policy.
    days : dict of date or None to Profile
        Of rows with an event time, by day; by Monday where there are more than ``most_days``.
    """

    bundle: Bundle
    reference: Profile
    most: int = KEPT
    step: int = 1
    profiled: bool = True
    sample: int = 0
    sensitive: tuple[str, ...] = ()
    segment: str | None = None
    as_policy: bool = False
    most_days: int = 400
    profile: Profile | None = None
    rows: int = 0
    decided: int = 0
    otherwise: int = 0
    lacking: set[str] = field(default_factory=set)
    probability: list[FloatArray] = field(default_factory=list)
    act: list[BoolArray] = field(default_factory=list)
    costs: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    outcome: list[BoolArray] = field(default_factory=list)
    known: list[BoolArray] = field(default_factory=list)
    days: dict[date, Profile] = field(default_factory=dict)
    groups: dict[date | None, Groups] = field(default_factory=dict)
    levels: dict[str, Profile] = field(default_factory=dict)
    sampled: list[tuple[Columns, IntArray | None]] = field(default_factory=list)

    def frame(self, frame: pl.DataFrame, problem: Problem) -> None:
        """Rows of a table, decided about anew."""
        bundle = self.bundle
        decoded = decode_frame(bundle.contract, frame)
        kept = ~decoded.broken()
        costs = bundle.policy.costs.of(decoded.columns)
        kept &= ~np.broadcast_to(priceless(costs), frame.height)
        columns = _take(decoded.columns, kept)
        scores = Scores.of(bundle.policy, bundle.scorer.probability(columns), costs.take(kept))
        when = days_of(frame, problem, self.most_days)
        self._count_groups(frame.filter(kept), scores.act, None if when is None else when[kept])
        if problem.target_column in frame.columns:
            outcome, known = known_outcome(frame, problem)
        else:
            outcome = known = np.zeros(frame.height, dtype=bool)
        self._add(decoded.columns, decoded.breaches, scores, kept, outcome[kept], known[kept], when)

    def page(self, page: list[tuple[Prediction, Outcome | None]]) -> None:
        """Rows of the ledger. Their profile is of what the policy decides: a worklist, which takes some of those to act
        on, would look like a drift of decisions that makes them dearer. Performance is that of what was decided."""
        policy, contract = self.bundle.policy, self.bundle.contract
        needed = frozenset(contract.read_names)
        for _, group in groupby(page, key=lambda one: needed - one[0].features.keys()):
            told = list(group)
            decoded = contract.decode_kept([one.features for one, _ in told])
            absent = {b.column for b in decoded.breaches if b.code == "absent" and len(b.rows) == len(told)}
            self.lacking |= absent
            breaches = [one for one in decoded.breaches if one.column not in absent]
            kept = np.ones(len(told), dtype=bool)
            for breach in breaches:
                kept[breach.rows] = False
            probability = np.array([one.probability for one, _ in told])[kept]
            act = np.array([one.decision == policy.labels[0] for one, _ in told])[kept]
            reviewed = np.array([policy.review is not None and one.decision == policy.review.label for one, _ in told])
            judged = Scores.of(policy, probability, policy.costs.of(_take(decoded.columns, kept)))
            decided = judged if self.as_policy else replace(judged, act=act, reviewed=reviewed[kept])
            self.otherwise += int((act != judged.act).sum())
            both = np.array([(bool(said and said.outcome), said is not None) for _, said in told], dtype=bool)
            self._add(decoded.columns, breaches, judged, kept, both[kept, 0], both[kept, 1], decided=decided)

    def _add(
        self,
        columns: Columns,
        breaches: Iterable[Breach],
        scores: Scores,
        kept: BoolArray,
        outcome: BoolArray,
        known: BoolArray,
        when: IntArray | None = None,
        decided: Scores | None = None,
    ) -> None:
        refused: dict[str, BoolArray] = {}
        for breach in breaches:
            if breach.column in columns:
                refused.setdefault(breach.column, np.zeros(len(kept), dtype=bool))[breach.rows] = True
        part = _Part(columns, scores, refused, kept)
        if self.profiled:
            self._profile(part, when)
        if self.sample:
            step = max(1, -(-len(kept) // self.sample))
            some = {name: values[kept][::step] for name, values in columns.items()}
            self.sampled.append((some, None if when is None else when[kept][::step]))
        self.rows += len(kept)
        policy = self.bundle.policy
        costs = policy.costs.of({name: columns[name][kept] for name in policy.costs.names})
        decided = decided or scores
        both = both_ways(policy, decided.act, decided.reviewed, costs, len(decided))
        self._keep(decided.probability, decided.act, both, outcome, known)

    def _keep(
        self,
        probability: FloatArray,
        act: BoolArray,
        costs: tuple[FloatArray, FloatArray],
        outcome: BoolArray,
        known: BoolArray,
    ) -> None:
        some = slice(-self.decided % self.step, None, self.step)
        self.decided += len(probability)
        self.probability.append(probability[some])
        self.act.append(act[some])
        self.costs.append((costs[0][some], costs[1][some]))
        self.outcome.append(outcome[some])
        self.known.append(known[some])
        while sum(map(len, self.probability)) > self.most:
            self._thin_out()

    def add(self, other: Gathered) -> None:
        """What was seen of the rows that follow, all of it, with the same reference."""
        if other.profile is not None:
            self.profile = _plus(self.profile, other.profile)
        self.rows += other.rows
        self.lacking |= other.lacking
        for place, costs in enumerate(other.costs):
            known = other.outcome[place], other.known[place]
            self._keep(other.probability[place], other.act[place], costs, *known)
        for day, profile in other.days.items():
            self.days[day] = _plus(self.days.get(day), profile)
        for when, groups in other.groups.items():
            self.groups[when] = added_groups(self.groups.get(when, {}), groups)
        for level, profile in other.levels.items():
            self.levels[level] = _plus(self.levels.get(level), profile)
        self.sampled += other.sampled

    def _thin_out(self) -> None:
        self.step *= 2
        self.probability = [np.concatenate(self.probability)[::2]]
        self.act = [np.concatenate(self.act)[::2]]
        self.costs = [
            (np.concatenate([a for a, _ in self.costs])[::2], np.concatenate([b for _, b in self.costs])[::2])
        ]
        self.outcome = [np.concatenate(self.outcome)[::2]]
        self.known = [np.concatenate(self.known)[::2]]

    def _profile(self, part: _Part, when: IntArray | None) -> None:
        """Of the whole part; where rows have days, of each day, added up."""
        if when is None or not len(when):
            self.profile = _plus(self.profile, part.measured(self.reference))
        else:
            order = np.argsort(when, kind="stable")
            numbers, starts = np.unique(when[order], return_index=True)
            for number, rows in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
                day, profile = _EPOCH + timedelta(number), part.measured(self.reference, rows)
                self.profile = _plus(self.profile, profile)
                self.days[day] = _plus(self.days.get(day), profile)
        if self.segment and self.segment in part.columns:
            codes, levels = part.columns[self.segment], self._levels_of(self.segment)
            for code in np.unique(codes).tolist():
                if code < len(levels):
                    name = levels[code] if code >= 0 else MISSING
                    made_of = part.measured(self.reference, np.flatnonzero(codes == code))
                    self.levels[name] = _plus(self.levels.get(name), made_of)

    def _levels_of(self, column: str) -> tuple[str, ...]:
        return next(one.levels for one in self.bundle.contract.read if one.name == column)

    def _count_groups(self, frame: pl.DataFrame, act: BoolArray, when: IntArray | None) -> None:
        """Customers acted on, by protected attribute, level and day."""
        day = pl.Series("day", [None] * frame.height if when is None else when, dtype=pl.Int64)
        for name in self.sensitive:
            if name not in frame.columns:
                continue
            told = pl.DataFrame([as_text(frame[name]).alias("level"), pl.Series("act", act), day]).drop_nulls("level")
            counts = told.group_by("day", "level").agg(pl.col("act").sum(), pl.len().alias("rows"))
            for number, level, acted, rows in counts.sort("day", "level").iter_rows():
                key = None if number is None else _EPOCH + timedelta(number)
                counted = {name: {level: (acted, rows)}}
                self.groups[key] = added_groups(self.groups.get(key, {}), counted)

    def current(self) -> Profile:
        """Everything seen, without the columns that were not."""
        assert self.profile is not None  # noqa: S101 - rows were seen
        columns = {name: one for name, one in self.profile.columns.items() if name not in self.lacking}
        return replace(self.profile, columns=columns, repeats=None if self.lacking else self.profile.repeats)


def pages_of(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows of the ledger, some thousands at a time."""
    page: list[Row] = []
    for one in rows:
        page.append(one)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def days_of(frame: pl.DataFrame, problem: Problem, most: int) -> IntArray | None:
    """The day of every row's event time, in days since 1970, shape (n,); None where a row has none that can be read.

    Of more days than ``most``, the Monday before.
    """
    if problem.time is None or problem.time not in frame.columns:
        return None
    instants = microseconds(frame[problem.time])
    if instants.null_count():
        return None
    days: IntArray = instants.to_numpy().astype(np.int64) // 86_400_000_000
    if len(np.unique(days)) > most:
        days = days - (days + 3) % 7  # 1970 began on a Thursday
    return days


def added_groups(first: Groups, second: Groups) -> Groups:
    """Customers of both."""
    made = {name: dict(levels) for name, levels in first.items()}
    for name, levels in second.items():
        mine = made.setdefault(name, {})
        for level, (acted, rows) in levels.items():
            before = mine.get(level, (0, 0))
            mine[level] = before[0] + acted, before[1] + rows
    return made


def _plus(first: Profile | None, second: Profile) -> Profile:
    return second if first is None else first.merge(second)


def _take(columns: Columns, rows: NDArray[Any]) -> Columns:
    if rows.dtype == np.bool_ and rows.all():
        return columns
    return {name: values[rows] for name, values in columns.items()}
