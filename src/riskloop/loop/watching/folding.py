"""Windows of the ledger: profiled once when they are over, made anew when predictions arrive late, never re-read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from riskloop.bundle.bundle import Bundle
from riskloop.data.column import category_text
from riskloop.keep.ledger import Prediction
from riskloop.keep.profiles import ALL, StoredProfile
from riskloop.loop.project import Project
from riskloop.loop.watching.seen import MISSING, Groups, Seen, added_groups, pages_of
from riskloop.watch.packed import packed, unpacked
from riskloop.watch.profile import Profile
from riskloop.watch.windows import Period, Window, window_of

Base = Literal["hour", "day"]
"""What is stored: weeks and months are made of days."""

LATE = timedelta(days=30)
"""How long after its end a window waits for predictions that arrive late."""
_MOST_LEVELS = 50


@dataclass(frozen=True, eq=False)
class Slice:
    """What was decided in a window: the profile of its rows, and groups of protected attributes among them."""

    window: Window
    profile: Profile
    groups: Groups = field(default_factory=dict)

    def merge(self, other: Slice) -> Slice:
        """Both, as one window that holds them."""
        window = Window(min(self.window.start, other.window.start), max(self.window.end, other.window.end))
        return Slice(window, added(self.profile, other.profile), added_groups(self.groups, other.groups))


@dataclass(frozen=True)
class Ledgered:
    """The ledger of one version as windows of time.

    Attributes
    ----------
    project : Project
    version : int
    bundle : Bundle
    reference : Profile
    """

    project: Project
    version: int
    bundle: Bundle
    reference: Profile

    def slices(self, base: Base, since: datetime | None = None, *, arm: str = ALL) -> list[Slice]:
        """Windows in which anything was decided, the oldest first; those that are over are stored.

        Parameters
        ----------
        base : {"hour", "day"}
        since : datetime, optional
            What was decided before is left out, within a window too.
        arm : str
            One arm only.
        """
        first = since or self.project.ledger.first_at()
        if first is None:
            return []
        self.fold(base, first)
        found = []
        for window in self._live(base, first, since):
            counted = self._count(window, None)
            found.append(counted.everybody if arm == ALL else counted.by_arm.get(arm))
        return _in_order([*self._stored(base, first, since, arm, ""), *found])

    def by_level(self, base: Base, column: str, since: datetime) -> dict[str, list[Slice]]:
        """The same for the customers of every level of a category column."""
        self.fold(base, since, column)
        found: dict[str, list[Slice]] = {
            level: list(self._stored(base, since, since, ALL, _segment(column, level)))
            for level in self.project.profiles.levels(self.version, base, column)
        }
        for window in self._live(base, since, since):
            for level, one in self._count(window, column).by_level.items():
                found.setdefault(level, []).append(one)
        return {level: _in_order(slices) for level, slices in sorted(found.items()) if slices}

    def _live(self, base: Base, first: datetime, since: datetime | None) -> Iterator[Window]:
        """What is not stored: the window that is not over, and what is left of one that ``since`` cuts."""
        current, begin = window_of(self.project.clock(), base), window_of(first, base)
        if since is not None and begin.start < since:
            yield Window(since, begin.end)
        elif begin == current:
            yield current
        if begin.start < current.start:
            yield current

    def _stored(self, base: Base, first: datetime, since: datetime | None, arm: str, segment: str) -> Iterator[Slice]:
        """Whole windows that are over."""
        begin = window_of(first, base)
        start = begin.end if since is not None and begin.start < since else begin.start
        current = window_of(self.project.clock(), base).start
        for one in self.project.profiles.list(self.version, base, arm=arm, segment=segment, since=start, until=current):
            if one.rows:
                yield Slice(window_of(one.start, base), unpacked(self.reference, one.profile), _groups_of(one))

    def stored(self, base: Base, until: datetime) -> Iterator[Slice]:
        """The windows that are stored already, before a moment."""
        for one in self.project.profiles.list(self.version, base, until=until):
            if one.rows:
                yield Slice(window_of(one.start, base), unpacked(self.reference, one.profile), _groups_of(one))

    def fold(self, base: Base, first: datetime, column: str | None = None) -> int:
        """Profile the windows that are over and not stored, or of which predictions have come in late; how many.

        Any number of processes may do so at once: a window is stored as a whole, once.
        """
        project, now = self.project, self.project.clock()
        mark = f"{column}=" if column else ""
        known = project.profiles.seen(self.version, base, mark)
        start = window_of(first, base).start
        if known and min(known) <= start:
            start = max(start, max(known) - LATE)
        folded = 0
        for begin, seen in project.ledger.counts_by(base, start).items():
            window = window_of(begin, base)
            if window.end <= now and seen > known.get(begin, -1):
                project.profiles.put(list(self._counted(window, base, seen, column, now)))
                folded += 1
        return folded

    def _counted(
        self, window: Window, base: Base, seen: int, column: str | None, now: datetime
    ) -> Iterator[StoredProfile]:
        counted = self._count(window, column)
        if not column:
            yield self._row(window, base, seen, now, ALL, "", counted.everybody)
            for arm, one in counted.by_arm.items():
                yield self._row(window, base, seen, now, arm, "", one)
            return
        yield self._row(window, base, seen, now, ALL, f"{column}=", None)
        for level, one in counted.by_level.items():
            yield self._row(window, base, seen, now, ALL, _segment(column, level), one)

    def _row(
        self, window: Window, base: Base, seen: int, now: datetime, arm: str, segment: str, counted: Slice | None
    ) -> StoredProfile:
        return StoredProfile(
            version=self.version,
            arm=arm,
            segment=segment,
            period=base,
            start=window.start,
            rows=counted.profile.rows if counted else 0,
            seen=seen,
            profile=packed(counted.profile) if counted else b"",
            groups=counted.groups if counted else {},
            made_at=now,
        )

    def _count(self, window: Window, column: str | None) -> _Counted:
        made = self.project.ledger.within(self.version, window.start, window.end)
        arms, levels = _Parts(self, window), _Parts(self, window)
        for page in pages_of(made):
            arms.add(page, [one.arm for one in page])
            if column:
                levels.add(page, [level_of(one, column) for one in page])
        by_arm, by_level = arms.slices(), levels.slices()
        return _Counted(together(by_arm.values()), by_arm, by_level)


@dataclass(frozen=True, eq=False)
class _Counted:
    everybody: Slice | None
    by_arm: dict[str, Slice]
    by_level: dict[str, Slice]


class _Parts:
    """Predictions of one window, counted apart by a key."""

    def __init__(self, ledgered: Ledgered, window: Window) -> None:
        self._of, self._window = ledgered, window
        self._seen: dict[str, Seen] = {}
        self._groups: dict[str, Groups] = defaultdict(dict)

    def add(self, page: list[Prediction], keys: list[str]) -> None:
        parts: dict[str, list[Prediction]] = defaultdict(list)
        for one, key in zip(page, keys, strict=True):
            parts[key].append(one)
        for name, some in parts.items():
            if name not in self._seen:
                self._seen[name] = Seen(self._of.bundle, self._of.reference)
            self._seen[name].page([(one, None) for one in some])
            counted = groups_among(some, self._of.project, self._of.bundle)
            self._groups[name] = added_groups(self._groups[name], counted)

    def slices(self) -> dict[str, Slice]:
        return {name: Slice(self._window, seen.current(), self._groups[name]) for name, seen in self._seen.items()}


def together(slices: Iterable[Slice]) -> Slice | None:
    """Slices as one; None of none."""
    made: Slice | None = None
    for one in slices:
        made = one if made is None else made.merge(one)
    return made


def by_period(slices: Iterable[Slice], period: Period) -> list[Slice]:
    """Hours or days put together to windows of a period, the oldest first."""
    found: dict[Window, list[Slice]] = {}
    for one in slices:
        found.setdefault(window_of(one.window.start, period), []).append(one)
    made = ((window, together(parts)) for window, parts in found.items())
    return [replace(one, window=window) for window, one in made if one is not None]


def added(first: Profile, second: Profile) -> Profile:
    """Both together, with the columns that both have."""
    names = [name for name in first.columns if name in second.columns]
    if len(names) == len(first.columns) == len(second.columns):
        return first.merge(second)
    kept = (replace(one, columns={name: one.columns[name] for name in names}) for one in (first, second))
    return next(kept).merge(next(kept))


def groups_among(predictions: Iterable[Prediction], project: Project, bundle: Bundle) -> Groups:
    """Customers by level of every protected attribute that their requests held."""
    act, named = bundle.policy.labels[0], project.settings.problem.problem().sensitive
    found: Groups = {}
    for one in predictions:
        for name in named:
            level = level_of(one, name)
            levels = found.setdefault(name, {})
            if level == MISSING or (level not in levels and len(levels) >= _MOST_LEVELS):
                continue
            acted, rows = levels.get(level, (0, 0))
            levels[level] = acted + (one.decision == act), rows + 1
    return found


def level_of(one: Prediction, column: str) -> str:
    """Of a category column, as its contract writes it."""
    return category_text(one.features.get(column)) or MISSING


def _segment(column: str, level: str) -> str:
    """As it is stored; no longer than its place."""
    return f"{column}={level}"[:200]


def _in_order(slices: Iterable[Slice | None]) -> list[Slice]:
    return sorted((one for one in slices if one is not None), key=lambda one: one.window)


def _groups_of(one: StoredProfile) -> Groups:
    return {name: {level: (a, b) for level, (a, b) in levels.items()} for name, levels in one.groups.items()}
