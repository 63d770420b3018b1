"""Reliability: customers of about the same probability side by side with what came, each share with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.evaluation.intervals import Interval, wilson
from riskloop.learn.evaluation.ranking import BINS, Ranking, ratio


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Customers of about the same probability: what was foreseen, and what came (share of positives, Wilson)."""

    foreseen: float
    observed: Interval
    rows: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """The reliability curve, and calibration in the large.

    Attributes
    ----------
    bins : list of ReliabilityBin
        Of equal mass, rising.
    in_the_large : Interval
        Positives observed per positive expected; 1 is perfect.
    """

    bins: list[ReliabilityBin]
    in_the_large: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        bins = [{"foreseen": one.foreseen, "observed": one.observed.to_dict(), "rows": one.rows} for one in self.bins]
        return {"bins": bins, "in_the_large": self.in_the_large.to_dict()}


def reliability(outcome: BoolArray, probability: FloatArray, bins: int = BINS) -> Reliability:
    """The reliability curve of n rows in up to `bins` bins of equal mass; equal probabilities stay in one bin."""
    counted = Ranking.of(outcome, probability).counted(np.ones(len(outcome)))
    curve = [
        ReliabilityBin(float(expected / mass), wilson(observed, mass), int(mass))
        for mass, expected, observed in zip(*(column[::-1] for column in counted.binned(bins)), strict=True)
        if mass
    ]
    return Reliability(curve, in_the_large(outcome, probability))


def in_the_large(outcome: BoolArray, probability: FloatArray) -> Interval:
    """Calibration in the large: positives observed per positive expected, 95 % interval (Wilson, 1927).

    The interval is that of the observed share, over the expected share, which is known.
    """
    share, expected = wilson(float(outcome.sum()), len(outcome)), float(probability.mean())
    return Interval(ratio(share.value, expected), ratio(share.low, expected), ratio(share.high, expected))
