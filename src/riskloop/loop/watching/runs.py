"""A run of windows: what became of each, beside training and beside its season."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskloop.intervals import Interval, finite
from riskloop.loop.watching.folding import Slice, by_period
from riskloop.watch.column_drift import ColumnDrift
from riskloop.watch.distances import benjamini_hochberg
from riskloop.watch.drift import Drift, drift
from riskloop.watch.profile import Profile
from riskloop.watch.season import beside_season, same_season
from riskloop.watch.thresholds import Thresholds
from riskloop.watch.windows import Period, Window

MOST_WINDOWS = 60
"""Of a longer run, the newest are judged."""


@dataclass(frozen=True, eq=False)
class WindowDrift:
    """What became of one window.

    Attributes
    ----------
    window : Window
    drift : Drift
    seasons : int
        Past windows of the same season that it was held against.
    """

    window: Window
    drift: Drift
    seasons: int

    @property
    def worst(self) -> ColumnDrift | None:
        """The column that moved farthest above chance, of those that moved."""
        moved = [one for one in self.drift.columns if one.verdict != "stable"]
        return max(moved, key=lambda one: one.effect, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: a line of a run, not every statistic."""
        found = self.drift
        return {
            "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "rows": found.rows,
            "verdict": found.verdict,
            "reasons": [one.to_dict() for one in found.reasons],
            "moved": [one.name for one in found.moved],
            "season": [one.name for one in found.columns if one.verdict == "season"],
            "worst": None if self.worst is None else {"name": self.worst.name, "psi": self.worst.psi},
            "act_rate": found.act_rate[1],
            "cost_per_thousand": finite(found.cost[1]),
            "harm": found.harm.to_dict(),
            "psi": {one.name: one.psi for one in found.columns},
            "effect": {one.name: one.effect for one in found.columns},
            "seasons": self.seasons,
        }


def judged_run(
    reference: Profile,
    slices: Sequence[Slice],
    period: Period,
    thresholds: Thresholds,
    past: Sequence[Slice] = (),
) -> tuple[WindowDrift, ...]:
    """The verdict of every window, the oldest first; of a long run, of the newest.

    Parameters
    ----------
    slices : sequence of Slice
        Hours or days; those of a window of weeks or months are its blocks.
    past : sequence of Slice
        Of before: only to hold windows against.
    """
    windows, before = by_period(slices, period), by_period(past, period)
    found = []
    for place, one in enumerate(windows):
        if place < len(windows) - MOST_WINDOWS:
            continue
        season = [each for each in (*before, *windows) if each.window.start < one.window.start]
        alike = [each.profile for each in season if same_season(each.window, one.window, period)]
        days = [part.profile for part in by_period([s for s in slices if s.window.start in one.window], "day")]
        made = drift(reference, one.profile, thresholds, days=days)
        made = beside_season(made, one.profile, alike)
        found.append(WindowDrift(one.window, made, len(alike)))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class SegmentDrift:
    """What became of the customers of one level of a column, beside those of training.

    Attributes
    ----------
    column, level : str
    rows, reference_rows : int
    drift : Drift or None
        Of columns alone; None where there are too few rows to judge, now or in the reference.
    adjusted : float
        p-value of nothing having moved in the segment, adjusted for the other segments.
    act_rate, cost_per_thousand : float
        Now.
    """

    column: str
    level: str
    rows: int
    reference_rows: int
    drift: Drift | None
    adjusted: float
    act_rate: float
    cost_per_thousand: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "column": self.column,
            "level": self.level,
            "rows": self.rows,
            "reference_rows": self.reference_rows,
            "verdict": None if self.drift is None else self.drift.verdict,
            "moved": [] if self.drift is None else [one.name for one in self.drift.moved],
            "adjusted": self.adjusted,
            "act_rate": self.act_rate,
            "cost_per_thousand": finite(self.cost_per_thousand),
        }


def judged_segments(
    column: str,
    references: dict[str, Profile],
    current: dict[str, Profile],
    thresholds: Thresholds,
    days: dict[str, list[Profile]] | None = None,
) -> tuple[SegmentDrift, ...]:
    """The verdict of every level that has rows now, the largest first; small ones are shown and not judged.

    Parameters
    ----------
    references : dict of str to Profile
        Training rows of every level, with their scores left out: the model has learnt from them.
    """
    found = []
    for level, profile in sorted(current.items(), key=lambda one: -one[1].rows):
        reference, made = references.get(level), None
        if reference is not None and min(reference.rows, profile.rows) >= thresholds.rows:
            others = {name: one for name, one in profile.columns.items() if name != column}
            made = drift(
                replace(reference, score=profile.score, acted=profile.acted, cost=profile.cost),
                replace(profile, columns=others),
                thresholds,
                days=(days or {}).get(level, ()),
            )
            made = replace(made, harm=_NOTHING, relative_harm=_NOTHING)
        found.append(
            SegmentDrift(
                column=column,
                level=level,
                rows=profile.rows,
                reference_rows=0 if reference is None else reference.rows,
                drift=made,
                adjusted=1.0,
                act_rate=profile.act_rate,
                cost_per_thousand=profile.cost.mean * 1000,
            )
        )
    return _over_segments(found, thresholds)


_NOTHING = Interval(float("nan"), float("nan"), float("nan"))


def _over_segments(found: list[SegmentDrift], thresholds: Thresholds) -> tuple[SegmentDrift, ...]:
    """False discoveries are held over segments too: by Simes' p-value of the columns of each."""
    judged = [place for place, one in enumerate(found) if one.drift is not None]
    least = [min((c.adjusted for c in one.drift.columns), default=1.0) for one in found if one.drift is not None]
    adjusted = benjamini_hochberg(np.array(least)) if least else ()
    made = list(found)
    for place, p_value in zip(judged, adjusted, strict=True):
        one = found[place]
        told = one.drift
        if told is not None and p_value > thresholds.level:
            quiet = tuple(replace(column, verdict="stable", reasons=()) for column in told.columns)
            told = replace(told, verdict="stable", columns=quiet)
        made[place] = replace(one, drift=told, adjusted=float(p_value))
    return tuple(made)
