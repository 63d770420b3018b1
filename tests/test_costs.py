from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.costs import Costs
from riskloop.errors import ConfigError

amount = st.floats(-1000, 1000, allow_nan=False)
gap = st.floats(0.01, 1000)


def test_the_founding_costs_act_above_one_in_eleven() -> None:
    assert Costs(fp=10, fn=100).bayes_threshold == pytest.approx(1 / 11)


@settings(deadline=None)
@given(tp=amount, tn=amount, missed=gap, needless=gap)
def test_at_the_bayes_threshold_acting_and_leaving_cost_the_same(
    tp: float, tn: float, missed: float, needless: float
) -> None:
    costs = Costs(fp=tn + needless, fn=tp + missed, tp=tp, tn=tn)
    at = np.array([costs.bayes_threshold])
    acted, left = costs.expected(at, np.array([True])), costs.expected(at, np.array([False]))
    assert acted == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_cost_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ConfigError, match="finite"):
        Costs(fp=bad, fn=100)


@pytest.mark.parametrize(("fp", "fn", "tp"), [(10, 0, 0), (0, 100, 0), (10, 5, 6)])
def test_costs_that_make_one_action_best_for_everyone_are_refused(fp: float, fn: float, tp: float) -> None:
    with pytest.raises(ConfigError, match="best for everyone") as refusal:
        Costs(fp=fp, fn=fn, tp=tp)
    assert refusal.value.exit_code == 2


def test_every_outcome_of_a_decision_has_its_cost() -> None:
    costs = Costs(fp=10, fn=100, tp=4, tn=1)
    outcome, act = np.array([True, False, True, False]), np.array([True, True, False, False])
    assert costs.each(outcome, act).tolist() == [4, 10, 100, 1]
    assert costs.per_thousand(outcome, act) == pytest.approx(115 / 4 * 1000)


def test_expected_costs_are_the_mean_of_the_costs_when_probabilities_are_certain() -> None:
    costs = Costs(fp=10, fn=100, tp=4, tn=1)
    outcome, act = np.array([True, False, True, False]), np.array([True, True, False, False])
    assert costs.expected(outcome.astype(float), act).tolist() == costs.each(outcome, act).tolist()


def test_costs_survive_their_dictionary() -> None:
    costs = Costs(fp=10, fn=100, tp=0.1, currency="CHF")
    assert Costs(**costs.to_dict()) == costs
