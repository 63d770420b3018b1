"""Fairness over time: how often customers of each group were acted on, window by window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from riskloop.intervals import Z95, Interval
from riskloop.watch.distances import benjamini_hochberg
from riskloop.watch.windows import Window

FOUR_FIFTHS = 0.8
LEVEL = 0.05

Counted = Mapping[str, Mapping[str, tuple[int, int]]]
"""By protected attribute and level: customers acted on, and customers."""


@dataclass(frozen=True, slots=True)
class GroupRate:
    """How one group fared in one window.

    Attributes
    ----------
    window : Window
    attribute, level, best : str
        ``best`` is the group it is held against: over all windows, that with the highest rate.
    rows : int
    favourable : float
        Share of favourable decisions.
    ratio : Interval
        That share over the best group's (Katz et al., 1978); NaN where one of the two is too small to judge.
    adverse : bool
        The ratio is below four fifths beyond noise, false discoveries held over windows and groups.
    """

    window: Window
    attribute: str
    level: str
    best: str
    rows: int
    favourable: float
    ratio: Interval
    adverse: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "attribute": self.attribute,
            "level": self.level,
            "best": self.best,
            "rows": self.rows,
            "favourable": self.favourable,
            "ratio": self.ratio.to_dict(),
            "adverse": self.adverse,
        }


def rates_over_time(
    windows: Sequence[tuple[Window, Counted]], *, favourable: Literal["pass", "act"], least: int
) -> tuple[GroupRate, ...]:
    """Every group of every protected attribute in every window that has it.

    Parameters
    ----------
    favourable : {"pass", "act"}
        The decision that customers would rather have.
    least : int
        Rows below which a group of a window is shown and not judged.
    """
    found: list[GroupRate] = []
    tested: list[float] = []
    for attribute in dict.fromkeys(name for _, counted in windows for name in counted):
        counts = [(window, _favourable(counted.get(attribute, {}), favourable)) for window, counted in windows]
        best = _best([groups for _, groups in counts], least)
        for window, groups in counts:
            for level, (good, rows) in sorted(groups.items()):
                ratio, p_value = Interval(math.nan, math.nan, math.nan), 1.0
                if best is not None and level != best and best in groups and min(rows, groups[best][1]) >= least:
                    ratio, p_value = _ratio((good, rows), groups[best])
                found.append(GroupRate(window, attribute, level, best or "", rows, good / rows if rows else 0.0, ratio))
                tested.append(p_value)
    judged = [place for place, one in enumerate(found) if one.ratio.value == one.ratio.value]
    adjusted = benjamini_hochberg(np.array([tested[place] for place in judged])) if judged else ()
    adverse = {place for place, p_value in zip(judged, adjusted, strict=True) if p_value <= LEVEL}
    return tuple(
        GroupRate(one.window, one.attribute, one.level, one.best, one.rows, one.favourable, one.ratio, place in adverse)
        for place, one in enumerate(found)
    )


def _favourable(groups: Mapping[str, tuple[int, int]], favourable: str) -> dict[str, tuple[int, int]]:
    return {level: (acted if favourable == "act" else rows - acted, rows) for level, (acted, rows) in groups.items()}


def _best(windows: Sequence[Mapping[str, tuple[int, int]]], least: int) -> str | None:
    """Over all windows: the best group of each window would be the one that chance favoured."""
    good: dict[str, int] = {}
    rows: dict[str, int] = {}
    for groups in windows:
        for level, (one, all_of_them) in groups.items():
            good[level] = good.get(level, 0) + one
            rows[level] = rows.get(level, 0) + all_of_them
    large = [level for level in sorted(rows) if rows[level] >= least]
    return max(large, key=lambda level: good[level] / rows[level]) if len(large) > 1 else None


def _ratio(group: tuple[int, int], best: tuple[int, int]) -> tuple[Interval, float]:
    """Ratio of two shares with its interval, and the p-value of its not being below four fifths.

    Half a row is added to what is counted, so that nobody's favourable decision has a logarithm.
    """
    from scipy.special import ndtr

    (a, n), (b, m) = group, best
    ratio = ((a + 0.5) / (n + 0.5)) / ((b + 0.5) / (m + 0.5))
    error = math.sqrt(max(1 / (a + 0.5) - 1 / (n + 0.5) + 1 / (b + 0.5) - 1 / (m + 0.5), 1e-12))
    low, high = (ratio * math.exp(side * Z95 * error) for side in (-1, 1))
    return Interval(ratio, low, high), float(ndtr(math.log(ratio / FOUR_FIFTHS) / error))
