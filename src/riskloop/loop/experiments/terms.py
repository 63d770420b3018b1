"""Terms of an experiment: fixed when it starts, from recent traffic, and written into the promotion log."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.errors import UsageError
from riskloop.keep.enrolled import customers_a_day
from riskloop.loop.experiments.pairs import ACT, Pair, Paired, amounts, expected, priced
from riskloop.loop.project import Project
from riskloop.watch.experiment import Design
from riskloop.watch.guardrails import EDGES, Foreseen
from riskloop.watch.maturity import Maturity
from riskloop.watch.power import Drawn

LOOK_BACK = timedelta(days=28)
_MOST = 5_000  # predictions looked at again
_FEWEST = 50
_PLANNED = 10_000

Compare = Literal["decisions", "all"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How an experiment is judged.

    Attributes
    ----------
    design : Design
    compare : {"decisions", "all"}
        Whether both versions are asked about every customer, so that only those decided differently tell.
    centre : float
        What a customer is expected to cost where nobody is asked again, in currency.
    final : Maturity
        When outcomes are final.
    foreseen : Foreseen or None
        What either version decides about recent customers; None without traffic.
    """

    design: Design
    compare: Compare
    centre: float
    final: Maturity
    foreseen: Foreseen | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "design": self.design.to_dict(),
            "compare": self.compare,
            "centre": self.centre,
            "maturity_days": self.final.after / timedelta(days=1) if self.final.after else 0.0,
            "unreported": self.final.unreported,
            "foreseen": None if self.foreseen is None else self.foreseen.to_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Terms:
        """Inverse of `to_dict`."""
        days = fields["maturity_days"]
        final = Maturity(timedelta(days=days) if days else None, fields["unreported"])
        seen = fields.get("foreseen")
        foreseen = None if seen is None else Foreseen.from_dict(seen)
        return cls(Design.from_dict(fields["design"]), fields["compare"], float(fields["centre"]), final, foreseen)


@dataclass(frozen=True, slots=True)
class Glance:
    """What recent traffic says of two versions, before anybody is answered.

    Attributes
    ----------
    customers : int
        Looked at.
    a_day : float
        Customers a day, each once; 0 if nothing is known.
    differing : float
        Share of them whom the two decide about differently.
    difference : (float, float)
        Expected cost per customer of the challenger's decisions less that of the champion's, by the champion's
        probabilities and by the challenger's: each flatters its own.
    low, high : float
        Least and most that a decision about one of them costs.
    centre : float
        Expected cost per customer of the champion's decisions.
    drawn : (Drawn, Drawn) or None
        What a customer would bring, comparing decisions, and comparing all.
    foreseen : Foreseen or None
        Scores of both versions, and whom they act on.
    """

    customers: int
    a_day: float
    differing: float
    difference: tuple[float, float]
    low: float
    high: float
    centre: float
    drawn: tuple[Drawn, Drawn] | None
    foreseen: Foreseen | None = None

    def bringing(self, compare: Compare) -> Drawn | None:
        """What a customer would bring."""
        return None if self.drawn is None else self.drawn[compare == "all"]


def glance(project: Project, pair: Pair, share: float) -> Glance:
    """Ask both versions about the newest predictions in the ledger; writes nothing."""
    now = project.clock()
    recent = [one for one in project.ledger.recent(_MOST) if one.arm != "shadow" and one.at >= now - LOOK_BACK]
    a_day = customers_a_day(project.engine, now - LOOK_BACK, now)
    newest = {one.entity_id or one.prediction_id: one for one in reversed(recent)}
    paired = pair.read([one.features for one in newest.values()]) if newest else None
    if paired is None or not paired.kept.sum() >= _FEWEST:
        return Glance(0, a_day, math.nan, (math.nan, math.nan), math.nan, math.nan, math.nan, None)
    means = [_means(pair, paired, by) for by in (0, 1)]
    apart = paired.code[0] != paired.code[1]
    centre = float(means[0][0].mean())
    low, high = amounts(pair, paired.costs)
    kept = int(paired.kept.sum())
    both = np.ones(kept, dtype=bool)
    return Glance(
        customers=kept,
        a_day=a_day,
        differing=float(apart.mean()),
        difference=(float((means[0][1] - means[0][0]).mean()), float((means[1][1] - means[1][0]).mean())),
        low=low,
        high=high,
        centre=centre,
        drawn=(
            _drawn(pair, paired, expectation(pair, paired, share), share, apart),
            _drawn(pair, paired, np.full(kept, centre), share, both),
        ),
        foreseen=_foreseen(paired, kept),
    )


def _foreseen(paired: Paired, customers: int) -> Foreseen:
    rates = [float((code == ACT).mean()) for code in paired.code]
    below = [tuple(int((p < edge).sum()) for edge in EDGES) for p in paired.probability]
    return Foreseen(customers, (rates[0], rates[1]), (below[0], below[1]))


def _means(pair: Pair, paired: Paired, by: int) -> tuple[FloatArray, FloatArray]:
    """Expected cost of the decisions of champion and challenger, by the probabilities of one of them."""
    told = [expected(paired.code[arm], paired.probability[by], paired.costs, pair.reviews[arm]) for arm in (0, 1)]
    return told[0], told[1]


def expectation(pair: Pair, paired: Paired, share: float) -> FloatArray:
    """What each customer is expected to cost, before an arm is drawn, shape (k,): each arm by the other's share, which
    leaves the least noise; by the champion's probabilities, so that it is the same whichever arm it is."""
    champion, challenger = _means(pair, paired, 0)
    return np.asarray(share * champion + (1 - share) * challenger)


def _drawn(pair: Pair, paired: Paired, middle: FloatArray, share: float, counted: BoolArray) -> Drawn:
    """What customers would bring if the champion's probabilities are right, those not counted bringing 0."""
    p, z, chances = paired.probability[0], [], []
    for arm, drawn, weight in ((0, 1 - share, -1 / (1 - share)), (1, share, 1 / share)):
        for outcome, chance in ((True, p), (False, 1 - p)):
            cost = priced(paired.code[arm], np.full(len(p), outcome), paired.costs, pair.reviews[arm])
            z.append(weight * (cost - middle) * counted)
            chances.append(drawn * chance / len(p))
    return Drawn.of(np.concatenate(z), np.concatenate(chances))


def terms(project: Project, pair: Pair, share: float, seen: Glance) -> Terms:
    """The terms of an experiment that starts now.

    Raises
    ------
    UsageError
        If costs are formulas and nothing says how large they can be.
    """
    chosen = project.settings.experiments
    low, high, centre = _bounds(project, pair, seen)
    span = high - low
    drawn = seen.bringing(chosen.compare)
    spread = drawn.deviation * math.sqrt(share * (1 - share)) if drawn is not None else 0.0
    guess = spread if spread > 0 else 0.2 * span
    ends = (-span, span) if chosen.compare == "decisions" else (low - centre, high - centre)
    planned = round(seen.a_day * chosen.days) or _PLANNED
    design = Design(share, ends[0], ends[1], span, min(guess, span), chosen.level, planned)
    maturity = project.settings.problem.matures()
    return Terms(design, chosen.compare, centre, maturity, seen.foreseen)


def _bounds(project: Project, pair: Pair, seen: Glance) -> tuple[float, float, float]:
    """Least and most that a decision costs, and what one costs about."""
    costs, largest = pair.champion.policy.costs, project.settings.experiments.largest
    promised = pair.champion.card.get("test", {}).get("metrics", {}).get("cost_per_thousand", {}).get("value")
    if not costs.names:
        low, high = amounts(pair, costs.of({}))
    elif largest is not None:
        low, high = min(0.0, -largest if seen.low < 0 else 0.0), largest
    else:
        low, high = _twice(seen.low, seen.high) if math.isfinite(seen.low) else _by_baseline(pair)
    centre = seen.centre if math.isfinite(seen.centre) else (promised or 0.0) / 1000
    return low, high, min(max(centre, low), high)


def _twice(low: float, high: float) -> tuple[float, float]:
    """Twice what was seen: an amount beyond that counts as that much."""
    return min(0.0, 2 * low), max(0.0, 2 * high)


def _by_baseline(pair: Pair) -> tuple[float, float]:
    """Where there is no traffic yet, from the customers that the bundle explains by: few, so with more room."""
    paired = pair.read(pair.champion.baseline) if pair.champion.baseline else None
    if paired is None or not paired.kept.any():
        raise UsageError(
            "Costs are formulas, and nothing says how large they get.",
            where="experiments.largest",
            next_step="set it to the largest cost of a customer that is to count in full, or score customers first",
        )
    low, high = amounts(pair, paired.costs)
    return _twice(2 * low, 2 * high)


def terms_of(details: Mapping[str, Any]) -> Terms | None:
    """The terms that a challenge started with; None for one that had none, such as a shadow."""
    return Terms.from_dict(details["experiment"]) if "experiment" in details else None


def started(at: datetime, changed: datetime | None) -> datetime:
    """From when on an experiment counts: its start, or the last change of the champion."""
    return at if changed is None else max(at, changed)
