"""The scoreboard: estimates that were made before outcomes were known, held against what came true."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskloop.intervals import Interval, finite, wilson


@dataclass(frozen=True, slots=True)
class Held:
    """An estimate beside the truth, by method and metric."""

    method: str
    metric: str
    estimate: Interval
    truth: float


@dataclass(frozen=True, slots=True)
class Score:
    """How good a method's estimates of a metric were.

    Attributes
    ----------
    method, metric : str
    windows : int
        Estimates held against a mature truth.
    error, absolute_error : float
        Mean of estimate less truth, and of its size, in the unit of the metric.
    covered : Interval
        Share of the truths that lay in the interval, which promises .95, with its own interval.
    """

    method: str
    metric: str
    windows: int
    error: float
    absolute_error: float
    covered: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "method": self.method,
            "metric": self.metric,
            "windows": self.windows,
            "error": finite(self.error),
            "absolute_error": finite(self.absolute_error),
            "covered": self.covered.to_dict(),
        }


def scoreboard(held: Iterable[Held]) -> tuple[Score, ...]:
    """Scores by method and metric, in the order in which they first come; what is not defined is left out."""
    grouped: dict[tuple[str, str], list[Held]] = {}
    for one in held:
        if math.isfinite(one.truth) and math.isfinite(one.estimate.value):
            grouped.setdefault((one.method, one.metric), []).append(one)
    return tuple(_score(method, metric, many) for (method, metric), many in grouped.items())


def _score(method: str, metric: str, many: list[Held]) -> Score:
    apart = np.array([one.estimate.value - one.truth for one in many])
    inside = sum(one.estimate.low <= one.truth <= one.estimate.high for one in many)
    return Score(method, metric, len(many), float(apart.mean()), float(np.abs(apart).mean()), wilson(inside, len(many)))
