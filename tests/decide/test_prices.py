from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.costs import NEVER, Costs
from riskloop.decide.choosing import choose_policy
from riskloop.decide.policy import Policy
from riskloop.decide.prices import Prices, check_priced, declare, priceless
from riskloop.errors import BundleRefused, ConfigError, DataError

PRICES = Prices(fp=10.0, fn="8 * margin - contact")
COLUMNS = {"margin": np.array([2.0, 5.0, 50.0, 0.0]), "contact": np.array([1.0, 0.0, 0.0, 2.0])}
unhurried = settings(deadline=None, max_examples=60)


def customers(rows: int = 3000) -> tuple[np.ndarray, np.ndarray, Costs]:
    """Outcomes drawn from their probabilities, and costs that tell nothing about them."""
    rng = np.random.default_rng(3)
    probability = rng.beta(1, 6, rows)
    return rng.random(rows) < probability, probability, PRICES.of({"margin": rng.exponential(8, rows), "contact": 1.0})


def test_every_customer_costs_what_the_formula_says():
    costs = PRICES.of(COLUMNS)
    assert PRICES.names == ("margin", "contact")
    assert costs.fn.tolist() == [15, 40, 400, -2]
    assert costs.fp == 10
    assert costs.thresholds().tolist() == [10 / 25, 10 / 50, 10 / 410, 1.25]


def test_amounts_may_be_written_as_text_and_without_a_formula_everybody_costs_the_same():
    assert declare("10", 100.0, tn="-1") == Costs(10, 100, tn=-1)
    assert declare("10", "8 * margin") == Prices(10.0, "8 * margin")


@pytest.mark.parametrize("formula", ["8 *", "__import__('os')", "margin ** 2", "max(margin, 1)", "'text'", ""])
def test_what_is_no_arithmetic_over_columns_is_refused_by_name(formula):
    with pytest.raises(ConfigError) as refused:
        declare(10, formula)
    assert refused.value.where == "costs.fn"


def test_acting_never_pays_on_a_customer_who_costs_nothing_and_always_on_one_it_benefits():
    costs = Costs(fp=np.array([10.0, -1.0]), fn=np.array([0.0, 5.0]), tp=np.array([0.0, 0.0]))
    assert costs.thresholds().tolist() == [1.0, 0.0]
    assert Costs(fp=np.array([10.0]), fn=np.array([-20.0])).thresholds().tolist() == [NEVER]


def test_the_policy_takes_the_cheaper_action_for_every_customer():
    _, probability, costs = customers()
    policy = choose_policy("cost", np.empty(0, dtype=bool), probability, costs, declared=PRICES)
    decided = policy.decide_many(probability, costs)
    either = [costs.expected(probability, np.full(len(probability), act)) for act in (True, False)]
    assert np.allclose(decided.expected_cost, np.minimum(*either))
    assert (decided.act == (decided.gain >= 0)).all()
    assert "each customer's own" in policy.why


def test_own_thresholds_are_cheaper_than_any_one_for_all():
    outcome, probability, costs = customers(20_000)
    own = choose_policy("cost", outcome, probability, costs, declared=PRICES)
    best = choose_policy("empirical", outcome, probability, costs, declared=PRICES)
    ours, theirs = (costs.per_thousand(outcome, one.act(probability, costs)) for one in (own, best))
    assert ours < 0.97 * theirs
    assert theirs <= min(costs.per_thousand(outcome, probability >= at) for at in (0.05, 0.1, 0.15, 0.3, 0.5)) + 1e-9


def test_one_customer_gets_the_decision_that_he_has_in_the_table():
    _, probability, costs = customers(200)
    policy = Policy("cost", 0.1, PRICES)
    table = policy.decide_many(probability, costs)
    for row in range(200):
        alone = policy.decide(probability[row], costs, row)
        assert (alone.decision, alone.act) == (table.decision[row], table.act[row])
        assert (alone.threshold, alone.expected_cost) == (table.threshold[row], table.expected_cost[row])
        assert type(alone.threshold) is type(alone.expected_cost) is float


def test_a_threshold_for_all_stays_one_for_all_and_is_priced_row_by_row():
    outcome, probability, costs = customers()
    policy = choose_policy("fixed", outcome, probability, costs, declared=PRICES, value=0.3)
    assert (policy.act(probability, costs) == (probability >= 0.3)).all()
    assert set(policy.decide_many(probability, costs).threshold) == {0.3}


def test_a_capacity_goes_to_those_on_whom_acting_gains_most():
    outcome, probability, costs = customers()
    policy = choose_policy("capacity", outcome, probability, costs, declared=PRICES, value=0.05)
    act, gain = policy.act(probability, costs), costs.gain(probability)
    assert act.sum() == 150
    assert gain[act].min() > gain[~act].max()
    assert policy.least_gain > 0


def test_a_capacity_beyond_what_pays_is_the_cost_policy():
    outcome, probability, costs = customers()
    free = choose_policy("cost", outcome, probability, costs, declared=PRICES)
    policy = choose_policy("capacity", outcome, probability, costs, declared=PRICES, value=1.0)
    assert (policy.act(probability, costs) == free.act(probability, costs)).all()
    assert "there is room" in policy.why


@unhurried
@given(st.integers(0, 10_000), st.floats(0, 1), st.integers(1, 3))
def test_a_capacity_is_never_exceeded_and_nobody_is_acted_on_at_a_loss(seed: int, share: float, digits: int):
    """With many equal scores: of those who are alike all find room, or none."""
    rng = np.random.default_rng(seed)
    probability = np.round(rng.random(100), digits)
    costs = Costs(fp=10, fn=30)
    policy = choose_policy("capacity", probability > 2, probability, costs, value=share)
    act = policy.act(probability, costs)
    assert act.sum() <= share * 100
    assert (costs.gain(probability)[act] >= -1e-9).all()


def test_the_empirical_threshold_has_an_interval_that_narrows_with_rows():
    wide, narrow = (
        choose_policy("empirical", *customers(rows)[:2], Costs(fp=10, fn=60)).interval for rows in (1000, 20_000)
    )
    assert wide is not None
    assert narrow is not None
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    assert narrow[0] <= 10 / 70 <= narrow[1]


def test_a_policy_with_formulas_survives_json():
    policy = Policy("capacity", 0.2, PRICES, why="Because.", least_gain=2.5, interval=(0.1, 0.3))
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy
    with pytest.raises(BundleRefused, match="cannot be read"):
        Policy.from_dict(policy.to_dict() | {"costs": {"fp": 1, "fn": "open('x')"}})


def test_rows_that_cannot_be_priced_are_named():
    costs = Prices(1.0, "loan / income").of({"loan": np.array([5.0, 5.0, 1.0]), "income": np.array([1.0, 0.0, 2.0])})
    assert priceless(costs).tolist() == [False, True, False]
    with pytest.raises(DataError, match=r"1 rows cannot be priced, the first is row 2") as refused:
        check_priced(Prices(1.0, "loan / income"), costs)
    assert "'loan', 'income'" in refused.value.next_step


def test_costs_that_no_probability_could_change_are_refused():
    with pytest.raises(DataError, match="one action best for every row"):
        check_priced(PRICES, Costs(fp=np.array([5.0, 5.0]), fn=np.array([0.0, -1.0])))


def test_costs_of_some_rows_and_of_the_mean_customer():
    costs = PRICES.of(COLUMNS)
    assert costs.take(np.array([2, 0])).fn.tolist() == [400, 15]
    assert costs.mean() == Costs(10, (15 + 40 + 400 - 2) / 4)
    assert math.isclose(costs.bayes_threshold, 10 / (10 + 113.25))
