"""Stability: how ranking and calibration hold from one stretch of time to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.evaluation.intervals import Interval, finite
from riskloop.learn.evaluation.ranking import Ranking
from riskloop.learn.evaluation.reliability import in_the_large

STRETCHES = 12
MOST_PERIODS = 40
FEWEST_PERIODS = 3
FEWEST_PER_OUTCOME = 10
"""Rows of either outcome below which a period's Gini is noise."""
_UNITS = ("W", "M", "3M", "Y")
_WEEK = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Period:
    """One stretch of time.

    Attributes
    ----------
    name : str
        Its first day, its month or year, or the rows it holds.
    rows, positives : int
    test_share : float
        Share of the rows that belong to the test block; the others were judged out of fold.
    gini : float
        NaN where either outcome is too rare.
    in_the_large : Interval
        Positives observed per positive expected.
    """

    name: str
    rows: int
    positives: int
    test_share: float
    gini: float
    in_the_large: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "rows": self.rows,
            "positives": self.positives,
            "test_share": self.test_share,
            "gini": finite(self.gini),
            "in_the_large": self.in_the_large.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Stability:
    """Gini by period, and the straight line through it.

    Attributes
    ----------
    by : {"week", "period"}
        The unit of the slope: weeks of the clock, or periods where the order of the rows is all there is.
    periods : tuple of Period
        The oldest first.
    mean, slope, residual : float
        Mean Gini; slope of the least-squares line, in Gini per unit; standard deviation of what the line leaves.
        NaN with fewer than three periods.
    """

    by: Literal["week", "period"]
    periods: tuple[Period, ...]
    mean: float
    slope: float
    residual: float

    @property
    def score(self) -> float:
        """Mean Gini less what falls and what wobbles: ``mean + 88 min(0, slope) - 0.5 residual``, the metric of the
        Home Credit "Credit Risk Model Stability" competition (Kaggle, 2024), where periods were weeks."""
        return self.mean + 88.0 * min(0.0, self.slope) - 0.5 * self.residual

    def words(self) -> str:
        """One sentence."""
        if math.isnan(self.mean):
            return "There are too few periods with both outcomes to judge stability."
        return (
            f"Gini over {len(self.periods)} periods: mean {self.mean:.3f}, slope {self.slope:+.4f} a {self.by}, "
            f"residual {self.residual:.3f}; stability score {self.score:.3f}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        numbers = {"mean": self.mean, "slope": self.slope, "residual": self.residual, "score": self.score}
        periods = [one.to_dict() for one in self.periods]
        return {"by": self.by, **{name: finite(value) for name, value in numbers.items()}, "periods": periods}


def stability(
    outcome: BoolArray, probability: FloatArray, moment: FloatArray, test: BoolArray, *, clock: bool
) -> Stability:
    """How a model holds over time.

    Periods are weeks, months, quarters or years, whichever is the finest with at most 40 of them and enough of either
    outcome in most; else twelve stretches of equally many rows.

    Parameters
    ----------
    outcome : bool array, shape (n,)
    probability : float array, shape (n,)
        Of a model that had not seen the row.
    moment : float array, shape (n,)
        Seconds since 1970, or the number of the row.
    test : bool array, shape (n,)
        Rows of the test block.
    clock : bool
        Whether `moment` is in seconds.
    """
    number, names = _periods(outcome, moment, clock)
    rows = [np.flatnonzero(number == place) for place in range(len(names))]
    periods = tuple(
        _period(name, outcome[here], probability[here], test[here]) for name, here in zip(names, rows, strict=True)
    )
    middle = np.array([moment[here].mean() / _WEEK for here in rows]) if clock else np.arange(len(rows), dtype=float)
    gini = np.array([period.gini for period in periods])
    mean, slope, residual = _line(middle, gini)
    return Stability("week" if clock else "period", periods, mean, slope, residual)


def _period(name: str, outcome: BoolArray, probability: FloatArray, test: BoolArray) -> Period:
    positives = int(outcome.sum())
    gini = math.nan
    if min(positives, len(outcome) - positives) >= FEWEST_PER_OUTCOME:
        gini = 2 * Ranking.of(outcome, probability).counted(np.ones(len(outcome))).roc_auc() - 1
    return Period(name, len(outcome), positives, float(test.mean()), gini, in_the_large(outcome, probability))


def _line(at: FloatArray, gini: FloatArray) -> tuple[float, float, float]:
    known = np.isfinite(gini)
    if known.sum() < FEWEST_PERIODS:
        return math.nan, math.nan, math.nan
    at, gini = at[known] - at[known].mean(), gini[known]
    slope = float(at @ gini / (at @ at))
    return float(gini.mean()), slope, float((gini - gini.mean() - slope * at).std())


def _periods(outcome: BoolArray, moment: FloatArray, clock: bool) -> tuple[NDArray[np.int64], list[str]]:
    """Number of every row's period, shape (n,), without gaps, and the names of the periods."""
    stamps = (moment * 1e6).astype("datetime64[us]") if clock else None
    for unit in _UNITS if stamps is not None else ():
        begins, number = np.unique(stamps.astype(f"datetime64[{unit}]"), return_inverse=True)  # type: ignore[union-attr]
        if FEWEST_PERIODS <= len(begins) <= MOST_PERIODS and _enough(outcome, number):
            return number, [str(begin) for begin in begins]
    count = max(1, min(STRETCHES, int(min(outcome.sum(), (~outcome).sum())) // FEWEST_PER_OUTCOME))
    cuts = np.unique(np.quantile(moment, np.arange(1, count) / count, method="higher"))
    _, number = np.unique(np.searchsorted(cuts, moment, side="right"), return_inverse=True)
    firsts = [int(moment[number == place].min()) for place in range(int(number.max()) + 1)]
    if clock:
        return number, [str(np.datetime64(first, "s").astype("datetime64[D]")) for first in firsts]
    return number, [f"row {first + 1:,} on" for first in firsts]


def _enough(outcome: BoolArray, number: NDArray[np.int64]) -> bool:
    """Whether most periods hold enough of either outcome."""
    rows, positives = np.bincount(number), np.bincount(number, weights=outcome)
    return bool(np.median(np.minimum(positives, rows - positives)) >= FEWEST_PER_OUTCOME)
