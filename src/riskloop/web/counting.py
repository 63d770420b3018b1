"""Counting: what the pages show of many predictions at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.web.book import Page

_HOURS, _DAYS, _BINS = 24, 14, 20
_NEWEST = 10_000


@dataclass(frozen=True)
class Saved:
    """What decisions save in expectation, in currency, beside acting on everybody and on nobody."""

    against_all: float
    against_none: float
    decisions: int


# A page never changes: what was counted of the newest one holds until there is another.


@lru_cache(maxsize=1)
def saved(page: Page) -> Saved:
    """Of every customer's newest decision, where its policy is known.

    Acting saves its gain beside acting on nobody; leaving alone saves what acting would have lost.
    """
    rows = page.latest
    gain, act = page.gain[rows], page.act[rows]
    known = ~np.isnan(gain)
    return Saved(float(-gain[known & ~act].sum()), float(gain[known & act].sum()), int(known.sum()))


@dataclass(frozen=True)
class Traffic:
    """Decisions by hour or by day: when each stretch starts, and how many of each decision there were."""

    unit: Literal["hour", "day"]
    starts: list[datetime]
    counts: Mapping[str, list[int]]

    def of(self, decision: str) -> list[int]:
        """Counts of a decision by the starts of the windows."""
        return self.counts.get(decision, [0] * len(self.starts))

    @property
    def totals(self) -> list[int]:
        return [sum(counts) for counts in zip(*self.counts.values(), strict=True)]


@lru_cache(maxsize=1)
def traffic(page: Page) -> Traffic:
    """The last day by hours where all is of that day, else the last two weeks by days; until the newest decision."""
    here = np.flatnonzero(page.decided)
    if not len(here):
        return Traffic("day", [], {})
    at = page.at[here]
    newest = at.max().astype("datetime64[us]").item()
    by_hour = newest - at.min().astype("datetime64[us]").item() < timedelta(hours=_HOURS)
    unit, step, stretches = ("h", timedelta(hours=1), _HOURS) if by_hour else ("D", timedelta(days=1), _DAYS)
    last = np.datetime64(newest).astype(f"datetime64[{unit}]")
    back = (last - at.astype(f"datetime64[{unit}]")).astype(int)
    shown = min(stretches, max(6, int(back.max()) + 1))
    kept = back < shown
    decisions = page.decision[here][kept]
    counts = {
        word: np.bincount(shown - 1 - back[kept][page.has(decisions, word)], minlength=shown).tolist()
        for word in page.told(decisions)
    }
    first = last.astype("datetime64[us]").item() - step * (shown - 1)
    return Traffic("hour" if by_hour else "day", [first + step * place for place in range(shown)], counts)


def score_bins(probability: FloatArray, act: BoolArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Decisions in twenty bins of equal width: acted on, and not."""
    edges = np.linspace(0, 1, _BINS + 1)
    return np.histogram(probability[act], edges)[0], np.histogram(probability[~act], edges)[0]


@lru_cache(maxsize=1)
def pace(page: Page) -> tuple[float | None, float | None]:
    """Median and 99th percentile of the milliseconds to decide, of the last ten thousand over HTTP."""
    known = page.latency[~np.isnan(page.latency)][-_NEWEST:]
    if not len(known):
        return None, None
    middle, slow = np.percentile(known, [50, 99]).tolist()
    return middle, slow
