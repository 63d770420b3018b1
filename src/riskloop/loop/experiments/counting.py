"""Customers of an experiment on their way to tallies by day; memory stays flat."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

import numpy as np

from riskloop.costs import FloatArray
from riskloop.decide.arms import Split, place
from riskloop.keep.enrolled import Enrolled, enrolled
from riskloop.loop.experiments.pairs import Codes, Pair, Paired, code_of, priced
from riskloop.loop.experiments.terms import Terms, expectation
from riskloop.loop.project import Project
from riskloop.watch.experiment import Tally, rounded


@dataclass
class Counted:
    """What an experiment has met.

    Attributes
    ----------
    days : dict of Tally
        By the day from which outcomes count.
    met : dict of [int, int]
        Customers by the day of their first answer, and who gave it.
    mixed : int
        Customers with answers from both arms; they stay in the arm that was drawn for them.
    fallback : int
        Customers of the challenger's arm whom the champion answered first.
    assigned, mature, told : [int, int]
        Customers by arm; those whose cohort is mature; those of them whose outcome was told.
    left_out : int
        Customers whose decisions cannot be priced or asked about again.
    otherwise : int
        Customers who were decided about otherwise than the version now says.
    """

    days: dict[date, Tally] = field(default_factory=dict)
    met: dict[date, list[int]] = field(default_factory=dict)
    mixed: int = 0
    fallback: int = 0
    assigned: list[int] = field(default_factory=lambda: [0, 0])
    mature: list[int] = field(default_factory=lambda: [0, 0])
    told: list[int] = field(default_factory=lambda: [0, 0])
    left_out: int = 0
    otherwise: int = 0

    @property
    def arms(self) -> list[tuple[int, int]]:
        """Customers so far by who answered, at the end of each day."""
        total, found = [0, 0], []
        for day in sorted(self.met):
            total = [one + more for one, more in zip(total, self.met[day], strict=True)]
            found.append((total[0], total[1]))
        return found

    def tally(self, day: date) -> Tally:
        """The tally of a day, begun if there is none."""
        return self.days.setdefault(day, Tally())


def count(
    project: Project, pair: Pair, versions: tuple[int, int], split: Split, terms: Terms, since: datetime
) -> Counted:
    """Count the customers that an experiment has met since a moment, each once, in the arm that was drawn for them.

    Parameters
    ----------
    versions : (int, int)
        Champion and challenger.
    """
    found = Counted()
    asked = terms.compare == "decisions" or bool(pair.champion.policy.costs.names)
    counter = _Again(pair, versions, terms) if asked else _AsTheyAre(pair, versions, terms)
    for page in enrolled(project.engine, since, project.clock(), terms.final, features=asked):
        arms = _met(page, found, split)
        told = [place_ for place_, one in enumerate(page) if one.outcome is not None]
        if told:
            counter.add([page[place_] for place_ in told], [arms[place_] for place_ in told], found)
    return found


def _met(page: Sequence[Enrolled], found: Counted, split: Split) -> list[int]:
    """Count who was met; the arm that was drawn for each."""
    arms = [int(split.arm_of(one.entity_id) == "challenger") for one in page]
    alike = Counter(
        (arm, one.arm == "challenger", one.met, one.mixed, one.mature, one.outcome is not None)
        for arm, one in zip(arms, page, strict=True)
    )
    for (arm, answered, day, mixed, mature, told), customers in alike.items():
        found.met.setdefault(day, [0, 0])[answered] += customers
        found.mixed += mixed * customers
        found.fallback += (arm == 1 and not answered) * customers
        found.assigned[arm] += customers
        found.mature[arm] += mature * customers
        found.told[arm] += told * customers
    return arms


@dataclass
class _AsTheyAre:
    """Customers who all cost alike: a price for each version, decision and outcome."""

    pair: Pair
    versions: tuple[int, int]
    terms: Terms
    prices: dict[tuple[int, str, bool], float] = field(default_factory=dict)

    def add(self, page: Sequence[Enrolled], arms: Sequence[int], found: Counted) -> None:
        alike = Counter(
            (one.final, arm, one.version, one.decision, bool(one.outcome)) for one, arm in zip(page, arms, strict=True)
        )
        for (day, arm, version, decision, outcome), customers in alike.items():
            price = self._price(version, decision, outcome)
            found.tally(cast(date, day)).add(arm, price - self.terms.centre, price, customers)

    def _price(self, version: int, decision: str, outcome: bool) -> float:
        key = (version, decision, outcome)
        if key not in self.prices:
            arm = int(version == self.versions[1])
            policy = (self.pair.champion, self.pair.challenger)[arm].policy
            code = np.array([code_of(policy, decision)], dtype=np.int8)
            costs = self.pair.champion.policy.costs.of({})
            self.prices[key] = float(priced(code, np.array([outcome]), costs, policy.review)[0])
        return self.prices[key]


@dataclass
class _Again:
    """Customers whom both versions are asked about again."""

    pair: Pair
    versions: tuple[int, int]
    terms: Terms

    def add(self, page: Sequence[Enrolled], arms: Sequence[int], found: Counted) -> None:
        paired = self.pair.read([json.loads(one.features) for one in page])
        kept = [one for one, fine in zip(page, paired.kept, strict=True) if fine]
        found.left_out += len(page) - len(kept)
        if not kept:
            return
        cost, found_otherwise = self._cost(kept, paired)
        found.otherwise += found_otherwise
        residual = self._residual(kept, cost, paired)
        alike = (
            paired.code[0] == paired.code[1] if self.terms.compare == "decisions" else np.zeros(len(kept), dtype=bool)
        )
        drawn = [arm for arm, fine in zip(arms, paired.kept, strict=True) if fine]
        each = zip(kept, drawn, alike.tolist(), residual.tolist(), cost.tolist(), strict=True)
        same = Counter((one.final, arm, None if by_both else rest, price) for one, arm, by_both, rest, price in each)
        for (day, arm, brings, price), customers in same.items():
            found.tally(cast(date, day)).add(arm, brings, price, customers)

    def _cost(self, kept: Sequence[Enrolled], paired: Paired) -> tuple[FloatArray, int]:
        """What the decisions that were taken have cost, and how many would be taken otherwise now."""
        by = np.array([one.version == self.versions[1] for one in kept])
        policies = [bundle.policy for bundle in (self.pair.champion, self.pair.challenger)]
        code = np.array([code_of(policies[int(one)], two.decision) for one, two in zip(by, kept, strict=True)], np.int8)
        outcome = np.array([bool(one.outcome) for one in kept])
        costs = [priced(code, outcome, paired.costs, policy.review) for policy in policies]
        again: Codes = np.where(by, paired.code[1], paired.code[0])
        return np.where(by, costs[1], costs[0]), int((again != code).sum())

    def _residual(self, kept: Sequence[Enrolled], cost: FloatArray, paired: Paired) -> FloatArray:
        terms = self.terms
        if terms.compare == "all":
            middle: Any = terms.centre
        else:
            middle = expectation(self.pair, paired, terms.design.share)
        dice = np.array([place(one.entity_id, "dice") for one in kept])
        return rounded(cost - middle, terms.design.span, dice)
