"""A new version beside the champion on the newest customers: what it saves, overall and in every segment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Contract
from riskloop.data.frames import as_text
from riskloop.learn.evaluation.fairness import grouped
from riskloop.learn.evaluation.paired import PairedDifference, compare_costs
from riskloop.loop.gate import GateCheck
from riskloop.loop.retraining.table import WEIGHT
from riskloop.problem import Problem
from riskloop.watch.distances import benjamini_hochberg

MOST_LEVELS = 12
"""A column of more levels is no segmentation."""
FALSE_ALARMS = 0.05
"""Of the segments called dearer, the share that may be so by chance."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Customers alike in one respect, and what the new version costs more there, in currency per 1,000 of them.

    ``p_value`` is one-sided, for costing more by no more than the margin; adjusted over all segments.
    """

    name: str
    rows: int
    mean: float
    standard_error: float
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class SideBySide:
    """What two versions' decisions about the same customers cost.

    Attributes
    ----------
    rows : DataFrame, n rows
        As they were read.
    outcome : bool array, shape (n,)
    cost, champion_cost : float array, shape (n,)
        Of every decision, in currency.
    """

    rows: pl.DataFrame
    outcome: BoolArray
    cost: FloatArray
    champion_cost: FloatArray


class Judge:
    """Holds a new version against the champion; keeps what it found.

    Parameters
    ----------
    contract : Contract
        Whose categories are segments, beside the protected attributes of the problem.
    problem : Problem
    margin : float
        Currency per 1,000 customers by which a segment may become dearer.
    minimum_rows : int
        Smaller segments are not judged.
    currency : str
    seed : int

    Attributes
    ----------
    difference : PairedDifference or None
        New minus champion, per 1,000 customers.
    segments : tuple of Segment
        The one that becomes dearest first.
    """

    def __init__(
        self, contract: Contract, problem: Problem, *, margin: float, minimum_rows: int, currency: str, seed: int
    ) -> None:
        self._contract, self._problem = contract, problem
        self._margin, self._minimum_rows, self._currency, self._seed = margin, minimum_rows, currency, seed
        self.difference: PairedDifference | None = None
        self.segments: tuple[Segment, ...] = ()

    def __call__(self, both: SideBySide) -> list[GateCheck]:
        """The checks that concern the champion: not worse for sure, and in no segment by more than the margin."""
        weight = both.rows[WEIGHT].to_numpy() if WEIGHT in both.rows.columns else np.ones(both.rows.height)
        self.difference = compare_weighted(both.cost, both.champion_cost, weight, seed=self._seed)
        self.segments = self._judged(both, weight)
        return [self._overall(self.difference, both.rows.height), self._by_segment()]

    def _overall(self, found: PairedDifference, rows: int) -> GateCheck:
        good = found.low <= 0
        verdict = "worse" if not good else "better" if found.high < 0 else "not worse"
        message = (
            f"costs {found.mean:+,.0f} [{found.low:,.0f}, {found.high:,.0f}] {self._currency} per 1,000 against the "
            f"champion on the {rows:,} newest customers, whom neither has learnt from: {verdict}"
        )
        return GateCheck("not_worse_than_champion", good, message, found.mean, 0.0)

    def _by_segment(self) -> GateCheck:
        dearer = [one for one in self.segments if one.p_value <= FALSE_ALARMS]
        limit = f"by more than {self._margin:,.0f} {self._currency} per 1,000"
        if not dearer:
            message = f"none of {len(self.segments)} segments is dearer for sure {limit}"
            return GateCheck("no_segment_worse", True, message, None, self._margin)
        told = ", ".join(f"{one.name} ({one.mean:+,.0f})" for one in dearer[:3])
        message = f"{len(dearer)} of {len(self.segments)} segments are dearer {limit}: {told}"
        return GateCheck("no_segment_worse", False, message, dearer[0].mean, self._margin)

    def _judged(self, both: SideBySide, weight: FloatArray) -> tuple[Segment, ...]:
        difference = (both.cost - both.champion_cost) * 1000
        found = []
        for name, mask in self._segments(both.rows):
            if int(mask.sum()) >= self._minimum_rows:
                mean, error = weighted_mean(difference[mask], weight[mask])
                found.append(Segment(name, int(mask.sum()), mean, error, _dearer(mean - self._margin, error)))
        if not found:
            return ()
        adjusted = benjamini_hochberg(np.array([one.p_value for one in found]))
        made = [Segment(**{**asdict(one), "p_value": float(p)}) for one, p in zip(found, adjusted, strict=True)]
        return tuple(sorted(made, key=lambda one: (one.p_value, -one.mean)))

    def _segments(self, rows: pl.DataFrame) -> Iterator[tuple[str, BoolArray]]:
        names = [column.name for column in self._contract.used if column.type == "category"]
        for name in dict.fromkeys((*names, *self._problem.sensitive)):
            if name not in rows.columns:
                continue
            cells = as_text(rows[name])
            labels = grouped(cells.to_list()) if name in self._problem.sensitive else cells.fill_null("").to_numpy()
            levels = np.unique(labels.astype(str))
            if 1 < len(levels) <= MOST_LEVELS:
                yield from ((f"{name} = {level or 'missing'}", labels.astype(str) == level) for level in levels)


def compare_weighted(
    cost_a: FloatArray, cost_b: FloatArray, weight: FloatArray, *, seed: int, level: float = 0.95
) -> PairedDifference:
    """Mean of a minus b per 1,000 customers where each row stands for ``weight`` customers (Hajek, 1971).

    Rows that all stand for themselves are compared as `riskloop.learn.evaluation.paired.compare_costs` does; else the
    interval is normal, by the linearised ratio.
    """
    if np.all(weight == weight[0]):
        return compare_costs(cost_a, cost_b, seed=seed, level=level)
    mean, error = weighted_mean((cost_a - cost_b) * 1000, weight)
    normal = NormalDist()
    reach = normal.inv_cdf((1 + level) / 2) * error
    p_value = 2 * normal.cdf(-abs(mean) / error) if error else float(mean == 0)
    return PairedDifference(mean, mean - reach, mean + reach, p_value)


def weighted_mean(values: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """Weighted mean and its standard error."""
    mean = float(np.average(values, weights=weight))
    influence = weight * (values - mean) / weight.mean()
    return mean, float(influence.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.inf


def _dearer(beyond: float, error: float) -> float:
    """One-sided p-value of costing more."""
    if error == 0:
        return float(beyond <= 0)
    return NormalDist().cdf(-beyond / error)
