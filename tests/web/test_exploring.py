"""What the explorer says of a policy is what the policy would do about the rows."""

from __future__ import annotations

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.decide.policy import Policy
from riskloop.decide.review import Review
from riskloop.decide.tally import Tally
from riskloop.web.exploring import Proposal, beside, explore

RNG = np.random.default_rng(5)
PROBABILITY = RNG.beta(1, 3, 20_000)
OUTCOME = RNG.random(20_000) < PROBABILITY
GROUPS = np.where(RNG.random(20_000) < 0.4, "a", "b")
COSTS = Costs(fp=10, fn=100)
TALLY = Tally.of(OUTCOME, PROBABILITY, thresholds=(COSTS.bayes_threshold, 0.3), groups={"sex": GROUPS})


def test_the_cost_is_that_of_the_rows() -> None:
    told = explore(TALLY, Proposal(COSTS, 0.3)).cost()
    assert told.value == pytest.approx(COSTS.per_thousand(OUTCOME, PROBABILITY >= 0.3))
    each = COSTS.each(OUTCOME, PROBABILITY >= 0.3)
    assert told.high - told.value == pytest.approx(1.96 * each.std() / np.sqrt(len(each)) * 1000, rel=1e-3)


def test_what_it_saves_is_paired() -> None:
    explored = explore(TALLY, Proposal(COSTS, 0.3, by_costs=True))
    saves = explored.saves(beside(explored, 0.3)["current"])
    each = COSTS.each(OUTCOME, PROBABILITY >= 0.3) - COSTS.each(OUTCOME, COSTS.bayes_threshold <= PROBABILITY)
    assert saves.value == pytest.approx(each.mean() * 1000)
    assert saves.high - saves.low == pytest.approx(2 * 1.96 * each.std() / np.sqrt(len(each)) * 1000, rel=1e-3)


def test_the_costs_set_the_threshold_where_asked() -> None:
    assert explore(TALLY, Proposal(COSTS, 0.3, by_costs=True)).threshold == COSTS.bayes_threshold


@pytest.mark.parametrize("room", [0.0, 0.05, 0.25, 0.9, 1.0])
def test_no_more_are_acted_on_than_there_is_room_for(room: float) -> None:
    explored = explore(TALLY, Proposal(COSTS, 0.05, room=room))
    free = explore(TALLY, Proposal(COSTS, 0.05)).act_rate
    assert explored.act_rate <= room
    assert explored.act_rate >= min(room, free) - 2 / len(TALLY.edges)


def test_a_review_is_what_the_policy_says() -> None:
    review = Review(3.0, 0.95)
    explored = explore(TALLY, Proposal(COSTS, COSTS.bayes_threshold, review=review))
    policy = Policy("fixed", COSTS.bayes_threshold, COSTS, review=review)
    assert explored.review_rate == pytest.approx(policy.reviewed(PROBABILITY, COSTS).mean(), abs=0.01)
    assert explored.cost().value == pytest.approx(policy.cost(OUTCOME, PROBABILITY, COSTS).mean() * 1000, rel=0.01)
    assert explored.act_rate == pytest.approx(policy.act(PROBABILITY, COSTS).mean(), abs=0.01)
    low, high = explored.band or (0, 0)
    assert low < COSTS.bayes_threshold < high


def test_shares_of_the_three_decisions_add_up() -> None:
    explored = explore(TALLY, Proposal(COSTS, 0.2, review=Review(3.0)))
    assert explored.confusion.rows + round(explored.review_rate * TALLY.rows) == TALLY.rows


def test_groups_are_judged_by_who_gets_the_better_decision() -> None:
    fare = {one.level: one for one in explore(TALLY, Proposal(COSTS, 0.3)).fare("pass")}
    rates = {level: (PROBABILITY[level == GROUPS] < 0.3).mean() for level in ("a", "b")}
    for level, one in fare.items():
        assert one.favourable == pytest.approx(rates[level])
        assert one.ratio == pytest.approx(rates[level] / max(rates.values()))
        acted = PROBABILITY[(level == GROUPS) & OUTCOME] >= 0.3
        assert one.tpr == pytest.approx(acted.mean())


def test_everybody_and_nobody_cost_what_they_cost() -> None:
    others = beside(explore(TALLY, Proposal(COSTS, 0.3)), 0.2)
    everyone, nobody = np.ones(len(OUTCOME), bool), np.zeros(len(OUTCOME), bool)
    assert others["act_on_all"].cost().value == pytest.approx(COSTS.per_thousand(OUTCOME, everyone))
    assert others["act_on_none"].cost().value == pytest.approx(COSTS.per_thousand(OUTCOME, nobody))
    assert others["current"].threshold == 0.2
