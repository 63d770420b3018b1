from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.costs import Costs
from riskloop.decide.choosing import choose_policy
from riskloop.decide.policy import Policy
from riskloop.decide.prices import Prices
from riskloop.decide.review import Review
from riskloop.errors import BundleRefused, ConfigError

COSTS = Costs(fp=10, fn=100)


def customers(rows: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    probability = rng.beta(0.8, 4, rows)
    return rng.random(rows) < probability, probability


def chosen(review: Review, *, most: float = 1.0, rows: int = 5000) -> tuple[Policy, np.ndarray, np.ndarray]:
    outcome, probability = customers(rows)
    return choose_policy("cost", outcome, probability, COSTS, review=review, most_reviewed=most), outcome, probability


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 20), st.floats(0.51, 1))
def test_every_customer_gets_the_cheapest_of_the_three(probability: list[float], cost: float, accuracy: float) -> None:
    p, review = np.array(probability), Review(cost, accuracy)
    taken = Policy("cost", COSTS.bayes_threshold, COSTS, review=review).decide_many(p, COSTS)
    three = [COSTS.expected(p, np.full(len(p), act)) for act in (True, False)] + [review.expected(p, COSTS)]
    assert np.allclose(taken.expected_cost, np.min(three, axis=0), atol=1e-9)


def test_reviewed_are_those_around_the_threshold_and_they_are_neither_acted_on_nor_left_alone():
    policy, _, probability = chosen(Review(3.0))
    reviewed, act = policy.reviewed(probability, COSTS), policy.act(probability, COSTS)
    assert reviewed.any()
    assert not (reviewed & act).any()
    band = probability[reviewed]
    assert band.min() < COSTS.bayes_threshold < band.max()
    assert ((probability > band.min()) & (probability < band.max()) == reviewed)[~np.isin(probability, band)].all()
    assert set(policy.decide_many(probability, COSTS).decision) == {"act", "pass", "review"}
    assert "are reviewed, with probabilities from" in policy.why


def test_what_reviews_save_is_what_they_were_expected_to():
    outcome, probability = customers(200_000)
    without = choose_policy("cost", outcome, probability, COSTS)
    with_review = choose_policy("cost", outcome, probability, COSTS, review=Review(3.0, 0.95))
    cost, dearer = (one.cost(outcome, probability, COSTS).mean() for one in (with_review, without))
    expected = with_review.decide_many(probability, COSTS).expected_cost.mean()
    assert cost == pytest.approx(expected, rel=0.02)
    assert cost < 0.9 * dearer


def test_no_more_are_reviewed_than_there_are_reviewers_for_and_they_are_those_it_saves_most_on():
    policy, _, probability = chosen(Review(3.0), most=0.05)
    reviewed = policy.reviewed(probability, COSTS)
    assert 0.04 < reviewed.mean() <= 0.05
    plain = Policy("cost", COSTS.bayes_threshold, COSTS)
    saving = Review(3.0).saving(probability, plain.act(probability, COSTS), COSTS)
    assert saving[reviewed].min() >= saving[~reviewed].max()


def test_a_review_that_costs_too_much_is_never_asked_for():
    policy, outcome, probability = chosen(Review(20.0))
    assert not policy.reviewed(probability, COSTS).any()
    plain = Policy("cost", COSTS.bayes_threshold, COSTS)
    assert (policy.cost(outcome, probability, COSTS) == plain.cost(outcome, probability, COSTS)).all()


def test_one_customer_gets_the_decision_that_he_has_in_the_table():
    policy, _, probability = chosen(Review(3.0, 0.9, label="look"), rows=300)
    table = policy.decide_many(probability, COSTS)
    for row in range(300):
        alone = policy.decide(probability[row], COSTS, row)
        assert (alone.decision, alone.act, alone.expected_cost) == (
            table.decision[row],
            table.act[row],
            table.expected_cost[row],
        )


def test_reviews_are_priced_customer_by_customer_too():
    prices = Prices(10.0, "x")
    costs = prices.of({"x": np.array([5.0, 100.0, 5000.0])})
    policy = Policy("cost", 0.1, prices, review=Review(3.0))
    assert policy.decide_many(np.array([0.09, 0.09, 0.8]), costs).decision.tolist() == ["pass", "review", "act"]


def test_a_policy_with_a_review_survives_json():
    policy = Policy("cost", 0.1, COSTS, review=Review(3.0, 0.9, 0.5, "look"))
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy
    with pytest.raises(BundleRefused):
        Policy.from_dict(policy.to_dict() | {"review": {"cost": -1}})


@pytest.mark.parametrize("wrong", [{"cost": -1}, {"cost": float("nan")}, {"cost": 1, "accuracy": 0.4}])
def test_a_review_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="makes no sense"):
        Review(**wrong)  # type: ignore[arg-type]


def test_a_review_needs_a_word_of_its_own():
    with pytest.raises(ConfigError, match="no word for a review"):
        Policy("cost", 0.1, COSTS, labels=("review", "grant"), review=Review(1.0))
