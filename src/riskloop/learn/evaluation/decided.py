"""Decided: what decisions rest on: the ratio of the costs, the risk bands, and whom ranking puts first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.decide.policy import BANDS, Policy, RiskBand
from riskloop.learn.evaluation.intervals import Interval, finite, wilson
from riskloop.learn.evaluation.ranking import Ranking, ratio

TOLERANCE = 0.05
"""A threshold is right for a ratio if it costs at most so much more than the one made for the ratio."""
_FACTORS = 2.0 ** (np.arange(-24, 25) / 4)
_TENTHS = 10


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """What policies would cost per 1,000 customers if a missed positive cost so many needless actions."""

    ratio: float
    threshold: float
    adapted: float
    kept: float
    act_on_all: float
    act_on_none: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far a decision hangs on what exactly a missed positive costs beside a needless action.

    Attributes
    ----------
    ratio : float
        The ratio the decisions are made for; of the mean customer where they differ.
    points : list of SweepPoint
        Rising ratios, from a sixty-fourth of that one to sixty-four times. Currency per 1,000 customers.
    right_from, right_to : float
        Between these ratios the thresholds that were chosen cost at most 5 % more than those made for the ratio.
    none_until, all_from : float
        Below the one leaving everybody alone is as cheap as thresholds made for the ratio, above the other acting on
        everybody is; NaN if that is nowhere so in the sweep.
    """

    ratio: float
    points: list[SweepPoint]
    right_from: float
    right_to: float
    none_until: float
    all_from: float

    def words(self) -> str:
        """One sentence."""
        if math.isnan(self.right_from):
            return (
                f"A missed positive is taken to cost {self.ratio:.3g} needless actions; other thresholds than those "
                "chosen would have been cheaper on these customers."
            )
        trivial = [
            f"{words} is as cheap {side} {ratio:.3g}"
            for words, side, ratio in (
                ("leaving everybody alone", "up to", self.none_until),
                ("acting on everybody", "from", self.all_from),
            )
            if not math.isnan(ratio)
        ]
        return (
            f"A missed positive is taken to cost {self.ratio:.3g} needless actions; the decisions are right for ratios "
            f"from {self.right_from:.3g} to {self.right_to:.3g}{'; ' if trivial else ''}{' and '.join(trivial)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        bounds = ("right_from", "right_to", "none_until", "all_from")
        return {
            "ratio": self.ratio,
            "points": [asdict(one) for one in self.points],
            **{name: finite(getattr(self, name)) for name in bounds},
            "words": self.words(),
        }


def sweep(outcome: BoolArray, probability: FloatArray, policy: Policy, costs: Costs) -> Sweep:
    """Price the decisions, and those made for the ratio, at other costs of a missed positive.

    Parameters
    ----------
    outcome : bool array, shape (n,)
    probability : float array, shape (n,)
        Of models that had not seen the row.
    policy : Policy
    costs : Costs
        Of the same rows.
    """
    base = float(np.mean(costs.missed)) / float(np.mean(costs.needless))
    everyone, nobody = np.ones(len(outcome), dtype=bool), np.zeros(len(outcome), dtype=bool)
    act, reviewed, review = policy.act(probability, costs), policy.reviewed(probability, costs), policy.review
    points = []
    for factor in _FACTORS.tolist():
        dearer = replace(costs, fn=costs.tp + factor * costs.missed)
        kept, made = dearer.each(outcome, act), probability >= dearer.thresholds()
        adapted = dearer.each(outcome, made)
        if review is not None:
            looked_at = review.each(outcome, dearer)
            kept = np.where(reviewed, looked_at, kept)
            adapted = np.where(review.chosen(probability, made, dearer), looked_at, adapted)
        points.append(
            SweepPoint(
                base * factor,
                dearer.bayes_threshold,
                float(adapted.mean()) * 1000,
                float(kept.mean()) * 1000,
                dearer.per_thousand(outcome, everyone),
                dearer.per_thousand(outcome, nobody),
            )
        )
    right_from, right_to = _around(points, base)
    none = [one.ratio for one in points if one.act_on_none <= one.adapted]
    every = [one.ratio for one in points if one.act_on_all <= one.adapted]
    return Sweep(base, points, right_from, right_to, max(none, default=math.nan), min(every, default=math.nan))


def _around(points: Sequence[SweepPoint], base: float) -> tuple[float, float]:
    """The stretch of ratios around the one decided for in which what was chosen is as good."""
    right = [one.kept <= one.adapted + TOLERANCE * abs(one.adapted) for one in points]
    start = min(range(len(points)), key=lambda at: abs(math.log(points[at].ratio / base)))
    if not right[start]:
        return math.nan, math.nan
    low = high = start
    while low > 0 and right[low - 1]:
        low -= 1
    while high < len(points) - 1 and right[high + 1]:
        high += 1
    return points[low].ratio, points[high].ratio


@dataclass(frozen=True, slots=True)
class Band:
    """Customers of one risk band: how many, how many positives were foreseen and came, how many are acted on."""

    name: RiskBand
    low: float
    high: float
    rows: int
    share: float
    foreseen: float
    observed: Interval
    act_rate: float
    cost_per_thousand: float


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the customers, the first of the highest probabilities: what ranking gains.

    ``lift``: its share of positives over that of all; ``gained``: share of all positives up to and with this tenth.
    """

    number: int
    rows: int
    lowest: float
    observed: Interval
    lift: float
    gained: float


@dataclass(frozen=True, slots=True)
class Decided:
    """What decisions about customers nobody had seen rest on."""

    sweep: Sweep
    bands: list[Band]
    tenths: list[Tenth]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = {
            "bands": [_plain(asdict(one)) for one in self.bands],
            "tenths": [_plain(asdict(one)) for one in self.tenths],
        }
        return {"sweep": self.sweep.to_dict(), **rows}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _plain(value) if isinstance(value, dict) else finite(value) if isinstance(value, float) else value
        for name, value in row.items()
    }


def decided(outcome: BoolArray, probability: FloatArray, policy: Policy, costs: Costs) -> Decided:
    """Look at a policy's decisions about n customers with these costs."""
    act = policy.act(probability, costs)
    return Decided(
        sweep(outcome, probability, policy, costs),
        risk_bands(outcome, probability, act, policy.cost(outcome, probability, costs), policy.bands),
        tenths(outcome, probability),
    )


def risk_bands(
    outcome: BoolArray, probability: FloatArray, act: BoolArray, cost: FloatArray, bands: tuple[float, float]
) -> list[Band]:
    """The risk bands, the lowest first; empty ones too. `cost` is that of every decision."""
    place = np.searchsorted(bands, probability, side="right")
    found = []
    for number, name in enumerate(BANDS):
        here, rows = place == number, int((place == number).sum())
        found.append(
            Band(
                name=name,
                low=(0.0, *bands)[number],
                high=(*bands, 1.0)[number],
                rows=rows,
                share=rows / len(outcome),
                foreseen=ratio(float(probability[here].sum()), rows),
                observed=wilson(float(outcome[here].sum()), rows),
                act_rate=ratio(float(act[here].sum()), rows),
                cost_per_thousand=ratio(float(cost[here].sum()) * 1000, rows),
            )
        )
    return found


def tenths(outcome: BoolArray, probability: FloatArray) -> list[Tenth]:
    """Lift and gain by tenths, of as many rows each as there can be; equal probabilities are taken as they come."""
    ranking = Ranking.of(outcome, probability)
    positive, score = ranking.positive, probability[ranking.order]
    edges = np.round(np.linspace(0, len(outcome), _TENTHS + 1)).astype(int)
    found, before, everyone = [], 0.0, float(positive.sum())
    for number, (start, stop) in enumerate(pairwise(edges.tolist()), start=1):
        if start == stop:
            continue
        came, rows = float(positive[start:stop].sum()), stop - start
        before += came
        lift = ratio(came / rows, everyone / len(outcome))
        gained = ratio(before, everyone)
        found.append(Tenth(number, rows, float(score[stop - 1]), wilson(came, rows), lift, gained))
    return found
