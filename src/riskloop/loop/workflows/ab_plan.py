"""`riskloop ab plan`: how many customers and days a comparison needs, before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from riskloop.intervals import finite
from riskloop.loop.experiments.terms import Glance, Terms, glance, terms
from riskloop.loop.project import Project
from riskloop.loop.workflows.arms import pair_of
from riskloop.watch.experiment import Design
from riskloop.watch.power import Drawn, Needed, detectable, needed

HORIZONS = (7, 14, 28, 90)
POWER = 0.8


@dataclass(frozen=True)
class AbPlan:
    """What a comparison would need.

    Attributes
    ----------
    champion, challenger : int
    share : float
    currency : str
    seen : Glance
        What recent traffic says.
    terms : Terms
        By which it would be judged.
    effect : float
        The difference that is to be told, in currency per customer.
    needed : Needed
        Customers in both arms.
    detectable : dict of float
        The smallest difference told, by days; empty without traffic.
    power : float
        Chance of telling it.
    """

    champion: int
    challenger: int
    share: float
    currency: str
    seen: Glance
    terms: Terms
    effect: float
    needed: Needed
    detectable: dict[int, float]
    power: float = POWER

    @property
    def days(self) -> float:
        """Until that many customers have come; their outcomes take their own time."""
        return self.needed.customers / self.seen.a_day if self.seen.a_day else math.inf

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        seen, both = self.seen, finite(self.needed.customers)
        return {
            "champion": self.champion,
            "challenger": self.challenger,
            "share": self.share,
            "power": self.power,
            "currency": self.currency,
            "effect": finite(self.effect),
            "customers": both,
            "customers_per_arm": None if both is None else [both * (1 - self.share), both * self.share],
            "customers_fixed_horizon": finite(self.needed.fixed),
            "days": finite(self.days),
            "customers_a_day": seen.a_day,
            "looked_at": seen.customers,
            "differing": finite(seen.differing),
            "expected_difference": [finite(one) for one in seen.difference],
            "detectable": {str(days): value for days, value in self.detectable.items()},
            "terms": self.terms.to_dict(),
        }


def plan_arms(project: Project, version: int, *, share: float, least: float | None = None) -> AbPlan:
    """What a comparison of a version with the champion would need; writes nothing.

    Parameters
    ----------
    least : float, optional
        The smallest difference worth telling, in currency per customer; what recent traffic leads to expect if not
        said, the mean of what either version's probabilities say.

    Raises
    ------
    NotFound
        If there is no champion, or no such version.
    UsageError
        If the share makes no sense, or nothing says how large costs get.
    """
    pair = pair_of(project, version)
    champion = project.promotions.state().champion
    assert champion is not None  # noqa: S101 - its bundle was found
    seen = glance(project, pair, share)
    fixed = terms(project, pair, share, seen)
    effect = abs(least if least is not None else sum(seen.difference) / 2)
    drawn = seen.bringing(fixed.compare)
    days = {
        days: detectable(days * seen.a_day, _at(fixed, days * seen.a_day), POWER, drawn)
        for days in HORIZONS
        if seen.a_day
    }
    return AbPlan(
        champion=champion,
        challenger=version,
        share=share,
        currency=pair.champion.policy.costs.currency,
        seen=seen,
        terms=fixed,
        effect=effect,
        needed=_needed(effect, fixed, drawn),
        detectable=days,
    )


def _at(fixed: Terms, customers: float) -> Design:
    """A design that is narrowest there."""
    return replace(fixed.design, planned=max(1, round(customers)))


def _needed(effect: float, fixed: Terms, drawn: Drawn | None) -> Needed:
    """With a design made for that many customers: found in two steps."""
    first = needed(effect, fixed.design, POWER, drawn)
    if not math.isfinite(first.customers):
        return first
    return needed(effect, _at(fixed, first.customers), POWER, drawn)
