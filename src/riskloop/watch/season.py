"""Season: whether what has moved since training moves so at this time of the week or the year.

A window is held against the same period of past windows. How far past windows lie from each other is known by leaving
each out in turn; a window is of its season unless it lies farther from them than they do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from riskloop.costs import FloatArray
from riskloop.watch.column import ColumnProfile
from riskloop.watch.column_drift import ColumnDrift, Reason
from riskloop.watch.distances import benjamini_hochberg, psi
from riskloop.watch.drift import Drift, judged_anew

if TYPE_CHECKING:
    from riskloop.watch.profile import Profile
    from riskloop.watch.windows import Period, Window

FEWEST_WINDOWS = 3
LEVEL = 0.05
"""Of the columns that are said to differ from their season, the share that may be so by chance."""


def same_season(one: Window, other: Window, period: Period) -> bool:
    """Whether two windows are of the same hour of the week, day of the week, or month; weeks have no season."""
    if period == "week":
        return False
    if period == "month":
        return one.start.month == other.start.month
    same_day = one.start.weekday() == other.start.weekday()
    return same_day and (period == "day" or one.start.hour == other.start.hour)


def beside_season(found: Drift, current: Profile, past: Sequence[Profile]) -> Drift:
    """The same drift, where what moves so in this season raises no alarm.

    Parameters
    ----------
    found : Drift
        Of the window, beside training.
    current : Profile
    past : sequence of Profile
        Of past windows of the same season; fewer than 3 say nothing.
    """
    past = [one for one in past if one.rows >= found.thresholds.rows]
    if len(past) < FEWEST_WINDOWS:
        return found
    moved = [one for one in found.columns if one.verdict in {"watch", "drifted"}]
    tested = [_column_p(current.columns[one.name], [each.columns.get(one.name) for each in past]) for one in moved]
    tested.append(_column_p(current.score, [each.score for each in past]))
    tested.append(_value_p(current.act_rate, [one.act_rate for one in past]))
    tested.append(_value_p(current.cost.mean, [one.cost.mean for one in past]))
    adjusted = benjamini_hochberg(np.array(tested))
    quiet = {one.name for one, p_value in zip(moved, adjusted, strict=False) if p_value > LEVEL}
    columns = tuple(_of_season(one, len(past)) if one.name in quiet else one for one in found.columns)
    worth = {"score": found.score.verdict != "stable", "decisions": found.act_rate_p <= found.thresholds.level}
    worth["cost"] = found.harm.low > 0
    alike = adjusted[len(moved) :] > LEVEL
    seasonal = frozenset(name for (name, told), same in zip(worth.items(), alike, strict=True) if told and same)
    return judged_anew(replace(found, columns=columns, in_season=seasonal))


def _of_season(one: ColumnDrift, windows: int) -> ColumnDrift:
    return replace(one, verdict="season", reasons=(Reason("season", {"windows": windows}), *one.reasons))


def _column_p(current: ColumnProfile, past: Sequence[ColumnProfile | None]) -> float:
    """p-value of a window being one of its season, by distances of shares."""
    known = [one.cells for one in past if one is not None]
    if len(known) < FEWEST_WINDOWS or not current.rows:
        return 1.0
    together = reduce(np.add, known)
    distance = psi(together, current.cells)
    left_out = np.array([psi(together - one, one) for one in known])
    return _farther(distance, left_out)


def _farther(distance: float, left_out: FloatArray) -> float:
    """p-value of a squared distance to the mean of k, beside those of each of the k to the mean of the others.

    Where one direction dominates, which is the worst case, both are squares of normal numbers: their ratio is F with 1
    and k - 1 degrees of freedom, each corrected for the number of windows in its mean.
    """
    from scipy.special import fdtrc

    count = len(left_out)
    between = float(left_out.mean()) / (count / (count - 1))
    if between <= 0:
        return 0.0 if distance > 0 else 1.0
    return float(fdtrc(1, count - 1, distance / (1 + 1 / count) / between))


def _value_p(current: float, past: Sequence[float]) -> float:
    """p-value of one more value of the same kind: of a prediction interval (Student)."""
    from scipy.special import stdtr

    values = np.array([one for one in past if math.isfinite(one)])
    if len(values) < FEWEST_WINDOWS or not math.isfinite(current):
        return 1.0
    spread = float(values.std(ddof=1)) * math.sqrt(1 + 1 / len(values))
    apart = abs(current - float(values.mean()))
    if spread <= 0:
        return 1.0 if apart <= 0 else 0.0
    return 2 * float(stdtr(len(values) - 1, -apart / spread))
