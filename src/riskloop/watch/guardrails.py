"""Guardrails: what ends a challenge at once, beyond what chance explains even if one looks every minute."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from riskloop.intervals import wilson
from riskloop.watch.distances import pooled, psi, psi_by_chance

SURE = 1e-6
"""How unlikely a breach must be by chance: a look a minute is half a million looks a year."""

EDGES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Probabilities between which scores are counted."""

_ROWS = 100
_CELL = 5.0
_SLOW_MS = 5.0  # a challenger that stays below this is not slow, whatever the champion takes

Rail = Literal["fallback", "latency", "score_psi", "act_rate", "cost"]


@dataclass(frozen=True, slots=True)
class Rails:
    """What a challenger may do, beside the champion.

    Attributes
    ----------
    fallback : float
        Share of its customers that it may fail to answer, so that the champion does.
    latency : float
        How many times the champion's p99 its own p99 may be.
    score_psi : float
        PSI of its scores from what was expected of them, above the champion's and above chance.
    act_rate : float
        How far the difference of the shares acted on may be from what was expected.
    level : float
        Of the confidence sequence by which costs are surely higher.
    """

    fallback: float = 0.05
    latency: float = 2.0
    score_psi: float = 0.5
    act_rate: float = 0.2
    level: float = 0.05


USUAL_RAILS = Rails()


@dataclass(frozen=True, slots=True)
class Breach:
    """A guardrail that does not hold: what was found beyond any doubt, what is allowed, and in words."""

    rail: Rail
    found: float
    allowed: float
    message: str


@dataclass(frozen=True, slots=True)
class Arm:
    """What an arm has answered.

    Attributes
    ----------
    answers, acted : int
    below : sequence of int
        Answers with a probability below each of EDGES.
    latencies : sequence of float
        Milliseconds.
    """

    answers: int
    acted: int
    below: Sequence[int] = field(default_factory=tuple)
    latencies: Sequence[float] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What both versions decide about the same customers, as seen before the start: two models may differ, and should.

    Attributes
    ----------
    customers : int
    act_rate : (float, float)
        Of champion and challenger.
    below : (sequence of int, sequence of int)
        Customers with a probability below each of EDGES.
    """

    customers: int
    act_rate: tuple[float, float]
    below: tuple[Sequence[int], Sequence[int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "customers": self.customers,
            "act_rate": list(self.act_rate),
            "below": [list(one) for one in self.below],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Foreseen:
        """Inverse of `to_dict`."""
        rates, below = fields["act_rate"], fields["below"]
        return cls(fields["customers"], (rates[0], rates[1]), (tuple(below[0]), tuple(below[1])))


def breaches(
    champion: Arm,
    challenger: Arm,
    fallback: tuple[int, int],
    rails: Rails = USUAL_RAILS,
    foreseen: Foreseen | None = None,
) -> tuple[Breach, ...]:
    """The guardrails that do not hold.

    Parameters
    ----------
    fallback : (int, int)
        Customers of the challenger's arm whom the champion answered, and all of them.
    foreseen : Foreseen, optional
        Without it nothing is said of scores and of whom either acts on.
    """
    found = [_failing(*fallback, rails), _slow(champion, challenger, rails)]
    if foreseen is not None and min(champion.answers, challenger.answers, foreseen.customers) >= _ROWS:
        found += [_acting(champion, challenger, foreseen, rails), _scoring(champion, challenger, foreseen, rails)]
    return tuple(one for one in found if one is not None)


def _failing(failed: int, customers: int, rails: Rails) -> Breach | None:
    surely = wilson(failed, customers, 1 - 2 * SURE).low if customers >= _ROWS // 2 else 0.0
    if not surely > rails.fallback:
        return None
    share = failed / customers
    return Breach("fallback", share, rails.fallback, f"the champion had to answer {share:.1%} of its customers")


def _slow(champion: Arm, challenger: Arm, rails: Rails) -> Breach | None:
    """If the challenger's p99 were within the bound, one answer in a hundred would take longer: many more do."""
    if min(len(champion.latencies), len(challenger.latencies)) < _ROWS:
        return None
    usual, now = (float(np.quantile(arm.latencies, 0.99)) for arm in (champion, challenger))
    bound = max(usual * rails.latency, _SLOW_MS)
    slower = sum(one > bound for one in challenger.latencies)
    if not wilson(slower, len(challenger.latencies), 1 - 2 * SURE).low > 0.01:
        return None
    return Breach(
        "latency", now / usual if usual else math.inf, rails.latency, f"its p99 is {now:.0f} ms beside {usual:.0f} ms"
    )


def _acting(champion: Arm, challenger: Arm, foreseen: Foreseen, rails: Rails) -> Breach | None:
    """What has changed for both arms alike is no fault of the challenger."""
    shares = [arm.acted / arm.answers for arm in (champion, challenger)]
    strange = (shares[1] - foreseen.act_rate[1]) - (shares[0] - foreseen.act_rate[0])
    spread = math.sqrt(
        sum(_variance(one, arm.answers) for one, arm in zip(shares, (champion, challenger), strict=True))
        + sum(_variance(one, foreseen.customers) for one in foreseen.act_rate)
    )
    if not abs(strange) - NormalDist().inv_cdf(1 - SURE / 2) * spread > 0 or abs(strange) <= rails.act_rate:
        return None
    told = f"it acts on {shares[1]:.1%} beside {shares[0]:.1%}, where {foreseen.act_rate[1]:.1%} beside "
    return Breach("act_rate", strange, rails.act_rate, f"{told}{foreseen.act_rate[0]:.1%} were expected")


def _variance(share: float, rows: int) -> float:
    """Of a share, never 0 (one more of either kind)."""
    smooth = (share * rows + 1) / (rows + 2)
    return smooth * (1 - smooth) / rows


def _scoring(champion: Arm, challenger: Arm, foreseen: Foreseen, rails: Rails) -> Breach | None:
    moved = [
        _moved(arm, below, foreseen.customers)
        for arm, below in zip((champion, challenger), foreseen.below, strict=True)
    ]
    strange = moved[1][0] - moved[1][1] - moved[0][0]
    if not strange > rails.score_psi:
        return None
    words = f"its scores are {moved[1][0]:.2f} of PSI from what was expected, the champion's {moved[0][0]:.2f}"
    return Breach("score_psi", strange, rails.score_psi, words)


def _moved(arm: Arm, below: Sequence[int], customers: int) -> tuple[float, float]:
    """PSI of an arm's scores from what was expected, and what chance makes at most."""
    then, now = (
        np.diff([0, *counts, rows]).astype(np.int64) for counts, rows in ((below, customers), (arm.below, arm.answers))
    )
    one, other = pooled(then, now, _CELL, ordered=True)
    return psi(one, other), psi_by_chance(len(one), customers, arm.answers, 1 - SURE)
