"""Guardrails: what ends a challenge at once, beyond what chance explains even if one looks every minute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

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
        PSI between the scores of both arms, above chance.
    act_rate : float
        Difference of the shares acted on.
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


def breaches(
    champion: Arm, challenger: Arm, fallback: tuple[int, int], rails: Rails = USUAL_RAILS
) -> tuple[Breach, ...]:
    """The guardrails that do not hold.

    Parameters
    ----------
    fallback : (int, int)
        Customers of the challenger's arm whom the champion answered, and all of them.
    """
    found = [_failing(*fallback, rails), _slow(champion, challenger, rails)]
    if min(champion.answers, challenger.answers) >= _ROWS:
        found += [_acting(champion, challenger, rails), _scoring(champion, challenger, rails)]
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


def _acting(champion: Arm, challenger: Arm, rails: Rails) -> Breach | None:
    shares = [arm.acted / arm.answers for arm in (champion, challenger)]
    ends = [wilson(arm.acted, arm.answers, 1 - SURE) for arm in (champion, challenger)]
    apart = shares[1] - shares[0]
    near, far = (ends[1].low, ends[0].high) if apart > 0 else (ends[0].low, ends[1].high)
    if not (abs(apart) > rails.act_rate and near > far):
        return None
    return Breach("act_rate", apart, rails.act_rate, f"it acts on {shares[1]:.1%} beside {shares[0]:.1%}")


def _scoring(champion: Arm, challenger: Arm, rails: Rails) -> Breach | None:
    cells = [np.diff([0, *arm.below, arm.answers]).astype(np.int64) for arm in (champion, challenger)]
    one, other = pooled(cells[0], cells[1], _CELL, ordered=True)
    chance = psi_by_chance(len(one), champion.answers, challenger.answers, 1 - SURE)
    found = psi(one, other)
    if not found - chance > rails.score_psi:
        return None
    return Breach("score_psi", found, rails.score_psi, f"scores of the arms are {found:.2f} of PSI apart")
