from __future__ import annotations

import json
import math

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.decide.policy import Policy
from riskloop.decide.prices import Prices
from riskloop.learn.evaluation.decided import decided, risk_bands, sweep, tenths

COSTS = Costs(fp=10, fn=100)
POLICY = Policy("cost", COSTS.bayes_threshold, COSTS)


def customers(rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    probability = rng.beta(0.6, 3, rows)
    return rng.random(rows) < probability, probability


def test_the_thresholds_chosen_are_right_around_the_ratio_they_were_made_for():
    outcome, probability = customers()
    found = sweep(outcome, probability, POLICY, COSTS)
    assert found.ratio == pytest.approx(10)
    assert found.right_from < 10 < found.right_to
    assert found.right_to / found.right_from < 10
    assert f"from {found.right_from:.3g} to {found.right_to:.3g}" in found.words()


def test_the_sweep_prices_every_policy_at_every_ratio():
    outcome, probability = customers()
    act = probability >= COSTS.bayes_threshold
    found = sweep(outcome, probability, POLICY, COSTS)
    for point in found.points[::8]:
        other = Costs(fp=10, fn=10 * point.ratio)
        assert point.threshold == pytest.approx(other.bayes_threshold)
        assert point.kept == pytest.approx(other.per_thousand(outcome, act))
        assert point.adapted == pytest.approx(other.per_thousand(outcome, probability >= other.bayes_threshold))
        assert point.act_on_all == pytest.approx(other.per_thousand(outcome, np.ones(len(act), dtype=bool)))


def test_at_the_ends_no_model_is_needed_and_the_words_say_from_where():
    outcome, probability = customers()
    clipped = np.clip(probability, 0.05, 0.9)
    found = sweep(outcome, clipped, POLICY, COSTS)
    assert found.all_from == pytest.approx(1 / 0.05 - 1, rel=0.25)
    assert "acting on everybody is as cheap from" in found.words()
    assert found.none_until < 1


def test_a_threshold_that_is_wrong_for_its_costs_is_called_wrong():
    outcome, probability = customers()
    found = sweep(outcome, probability, Policy("fixed", 0.9, COSTS), COSTS)
    assert math.isnan(found.right_from)
    assert "other thresholds than those chosen would have been cheaper" in found.words()


def test_costs_that_differ_are_swept_together():
    outcome, probability = customers()
    costs = Costs(fp=10, fn=np.random.default_rng(1).exponential(100, len(outcome)))
    found = sweep(outcome, probability, Policy("cost", 0.1, Prices(10.0, "x")), costs)
    middle = min(found.points, key=lambda one: abs(one.ratio - found.ratio))
    assert middle.kept == pytest.approx(middle.adapted)
    assert found.ratio == pytest.approx(np.mean(costs.fn) / 10)


def test_bands_hold_every_customer_once():
    outcome, probability = customers()
    act = probability >= COSTS.bayes_threshold
    low, medium, high = risk_bands(outcome, probability, act, COSTS.each(outcome, act), (0.4, 0.7))
    assert low.rows + medium.rows + high.rows == len(outcome)
    assert low.observed.value < medium.observed.value < high.observed.value
    assert (low.foreseen, high.foreseen) == (pytest.approx(probability[probability < 0.4].mean()), high.foreseen)
    assert medium.act_rate == high.act_rate == 1
    total = sum(band.cost_per_thousand * band.rows for band in (low, medium, high)) / len(outcome)
    assert total == pytest.approx(COSTS.per_thousand(outcome, act))


def test_an_empty_band_is_shown_as_empty():
    outcome, probability = customers(200)
    _, _, high = risk_bands(outcome, probability * 0.5, outcome, probability, (0.4, 0.7))
    assert high.rows == 0
    assert math.isnan(high.foreseen)


def test_tenths_gain_all_positives_and_lift_averages_to_one():
    found = tenths(*customers(1003))
    assert [one.number for one in found] == list(range(1, 11))
    assert sum(one.rows for one in found) == 1003
    assert found[-1].gained == pytest.approx(1)
    assert sum(one.lift * one.rows for one in found) / 1003 == pytest.approx(1)
    assert found[0].lift > 2 > 0.5 > found[-1].lift


def test_fewer_rows_than_tenths_and_a_single_class_are_no_error():
    assert [one.rows for one in tenths(np.array([True, False, True]), np.array([0.2, 0.1, 0.3]))] == [1, 1, 1]
    outcome = np.zeros(30, dtype=bool)
    whole = decided(outcome, np.linspace(0, 1, 30), Policy("cost", COSTS.bayes_threshold, COSTS), COSTS)
    json.dumps(whole.to_dict(), allow_nan=False)
