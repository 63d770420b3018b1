"""Predictions of the ledger, window by window, on their way to a tally: memory holds one window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from riskloop.bundle.bundle import Bundle
from riskloop.costs import BoolArray
from riskloop.data.contract import Columns
from riskloop.errors import BundleRefused, NotFound, UsageError
from riskloop.keep.cohorts import Judged
from riskloop.learn.density import MOST_ROWS
from riskloop.loop.project import Project
from riskloop.watch.performance import both_ways
from riskloop.watch.tally import Tally
from riskloop.watch.windows import Period, Window, window_of

OWN = ("arm", "risk_band")
"""Segments that need no column."""
MISSING = "–"


@dataclass
class Cohort:
    """The decisions of a version in a window, or of a segment of it.

    Attributes
    ----------
    window : Window
    version : int
    segment : str or None
        The value of the segment's column; None for all.
    bundle : Bundle
    tally : Tally
    told, silent, late : int
        Outcomes that somebody told; negatives by silence; positives told without a date, too late to be placed.
    otherwise : int
        Rows that a worklist, or exploration, decided about otherwise than the policy.
    rows : list of Judged
        At most 20,000 of them, drawn at random, where they were asked for.
    """

    window: Window
    version: int
    segment: str | None
    bundle: Bundle
    tally: Tally = field(default_factory=Tally.empty)
    told: int = 0
    silent: int = 0
    late: int = 0
    otherwise: int = 0
    rows: list[Judged] = field(default_factory=list)

    def features(self) -> Columns:
        """Decoded features of the rows drawn."""
        columns, kept = _decoded(self.bundle, self.rows)
        return {name: columns[name][kept] for name in self.bundle.contract.features}

    def add(self, rows: list[Judged]) -> None:
        """Count rows in."""
        bundle, policy = self.bundle, self.bundle.policy
        columns: Columns = {}
        if policy.costs.names:
            columns, kept = _decoded(bundle, rows)
            columns = {name: values[kept] for name, values in columns.items()}
            rows = [one for one, keep in zip(rows, kept.tolist(), strict=True) if keep]
        if not rows:
            return
        act = np.array([one.decision == policy.labels[0] for one in rows])
        review = policy.review
        reviewed = np.array([review is not None and one.decision == review.label for one in rows])
        probability, priced = np.array([one.probability for one in rows]), policy.costs.of(columns)
        costs = both_ways(policy, act, reviewed, priced, len(rows))
        self.otherwise += int((act != policy.act(probability, priced)).sum())
        self.tally = self.tally.merge(
            Tally.of(
                probability,
                act,
                costs,
                np.array([bool(one.outcome) for one in rows]),
                np.array([one.outcome is not None for one in rows]),
            )
        )
        self.told += sum(one.told == "told" for one in rows)
        self.silent += sum(one.told == "silent" for one in rows)
        self.late += sum(one.told == "late" for one in rows)


def cohorts(
    project: Project,
    period: Period,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    version: int | None = None,
    arm: str | None = None,
    segment: str | None = None,
    draw: bool = False,
    lenient: bool = False,
) -> Iterator[Cohort]:
    """The cohorts of the ledger in the order of their windows: of each window every version, then its segments.

    Parameters
    ----------
    since, until : datetime, optional
        Brought to the beginning of their windows: half a window is none.
    segment : str, optional
        A category column, ``arm`` or ``risk_band``.
    draw : bool
        Also keep rows of every whole cohort.
    lenient : bool
        Leave out versions whose bundle is not there any more or was altered.

    Raises
    ------
    UsageError
        If the segment is no category column.
    NotFound, BundleRefused
        If the bundle of a version is not there or was altered, unless lenient.
    """
    now = project.clock()
    pages = project.cohorts.pages(
        project.settings.problem.matures(),
        now,
        since=None if since is None else window_of(since, period).start,
        until=None if until is None else window_of(until, period).start,
        version=version,
        arm=arm,
    )
    bundles: dict[int, Bundle | None] = {}
    window: Window | None = None
    made: dict[tuple[int, str | None], Cohort] = {}
    drawn: dict[int, _Reservoir] = {}
    for page in pages:
        for its_window, of_version, rows in _groups(page, period):
            if its_window != window:
                yield from _ordered(made, drawn)
                window, made, drawn = its_window, {}, {}
            if of_version not in bundles:
                bundles[of_version] = _bundle(project, of_version, lenient)
            bundle = bundles[of_version]
            if bundle is None:
                continue
            _check_segment(bundle, segment)
            for value, part in [(None, rows), *_segments(rows, segment)]:
                key = (of_version, value)
                made.setdefault(key, Cohort(its_window, of_version, value, bundle)).add(part)
            if draw:
                drawn.setdefault(of_version, _Reservoir()).add(rows)
    yield from _ordered(made, drawn)


def _bundle(project: Project, version: int, lenient: bool) -> Bundle | None:
    try:
        return project.bundle(version)[1]
    except (NotFound, BundleRefused):
        if lenient:
            return None
        raise


def _ordered(made: dict[tuple[int, str | None], Cohort], drawn: dict[int, _Reservoir]) -> Iterator[Cohort]:
    for (version, value), cohort in sorted(made.items(), key=lambda one: (one[0][0], one[0][1] or "")):
        if value is None and version in drawn:
            cohort.rows = drawn[version].kept
        yield cohort


def _groups(page: list[Judged], period: Period) -> Iterator[tuple[Window, int, list[Judged]]]:
    """A page by window and version; windows in order."""
    grouped: dict[tuple[Window, int], list[Judged]] = {}
    window = window_of(page[0].at, period)
    for one in page:
        if one.at not in window:
            window = window_of(one.at, period)
        grouped.setdefault((window, one.version), []).append(one)
    for (of, version), rows in sorted(grouped.items(), key=lambda one: one[0]):
        yield of, version, rows


def _segments(rows: list[Judged], segment: str | None) -> Iterator[tuple[str, list[Judged]]]:
    if segment is None:
        return
    grouped: dict[str, list[Judged]] = {}
    for one in rows:
        value = getattr(one, segment) if segment in OWN else json.loads(one.features).get(segment)
        grouped.setdefault(MISSING if value is None or value == "" else str(value), []).append(one)
    yield from grouped.items()


def _check_segment(bundle: Bundle, segment: str | None) -> None:
    if segment is None or segment in OWN:
        return
    names = [one.name for one in bundle.contract.columns if one.type == "category" and not one.personal]
    if segment not in names:
        raise UsageError(
            f"{segment!r} is no category column of the contract.",
            where="--segment",
            next_step=f"choose of {', '.join((*OWN, *names))}",
        )


class _Reservoir:
    """Some rows of a stream, each with the same chance (Vitter, 1985)."""

    def __init__(self) -> None:
        self.kept: list[Judged] = []
        self._seen = 0
        self._random = np.random.default_rng(0)

    def add(self, rows: list[Judged]) -> None:
        room = MOST_ROWS - len(self.kept)
        self.kept += rows[:room]
        self._seen += min(room, len(rows))
        rest = rows[room:]
        places = self._random.integers(0, np.arange(self._seen + 1, self._seen + 1 + len(rest)))
        for one, place in zip(rest, places.tolist(), strict=True):
            if place < MOST_ROWS:
                self.kept[place] = one
        self._seen += len(rest)


def _decoded(bundle: Bundle, rows: list[Judged]) -> tuple[Columns, BoolArray]:
    """Features as they were received, and which rows can be read."""
    decoded = bundle.contract.decode_kept([json.loads(one.features) for one in rows])
    return decoded.columns, ~decoded.broken()
