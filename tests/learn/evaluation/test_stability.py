from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from riskloop.costs import FloatArray
from riskloop.learn.evaluation.stability import Stability, stability

WEEK = 7 * 86_400.0
START = 1_704_067_200.0  # 2024-01-01


def over_weeks(strength: FloatArray, rows: int = 400, clock: bool = True) -> Stability:
    """Customers week by week, the model knowing more or less of them."""
    rng = np.random.default_rng(3)
    n = len(strength) * rows
    week = np.repeat(np.arange(len(strength)), rows)
    log_odds = rng.normal(-1, 1.5, n)
    outcome = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    known = strength[week] * log_odds + (1 - strength[week]) * rng.normal(-1, 1.5, n)
    moment = START + week * WEEK + rng.random(n) * WEEK if clock else np.arange(n, dtype=float)
    test = week >= len(strength) - 2
    return stability(outcome, 1 / (1 + np.exp(-known)), moment, test, clock=clock)


def test_the_score_is_that_of_the_competition() -> None:
    found = over_weeks(np.linspace(1, 0.5, 10))
    gini = np.array([one.gini for one in found.periods])
    week = np.arange(len(gini))
    slope, level = np.polyfit(week, gini, 1)
    residual = np.std(gini - slope * week - level)
    assert found.by == "week"
    assert (found.mean, found.slope, found.residual) == pytest.approx((gini.mean(), slope, residual), abs=2e-3)
    assert found.score == pytest.approx(gini.mean() + 88 * slope - 0.5 * residual, abs=0.1)
    assert found.slope < 0


def test_a_model_that_becomes_better_is_not_rewarded_for_it() -> None:
    found = over_weeks(np.linspace(0.5, 1, 8))
    assert found.slope > 0
    assert found.score == pytest.approx(found.mean - 0.5 * found.residual)


def test_the_gini_of_a_period_is_that_of_its_rows() -> None:
    found = over_weeks(np.ones(6), clock=False)
    rng = np.random.default_rng(3)
    log_odds = rng.normal(-1, 1.5, 2_400)
    outcome = rng.random(2_400) < 1 / (1 + np.exp(-log_odds))
    first = slice(0, found.periods[0].rows)
    assert found.by == "period"
    assert len(found.periods) == 12
    assert found.periods[0].gini == pytest.approx(2 * roc_auc_score(outcome[first], log_odds[first]) - 1)
    assert [one.name for one in found.periods][:2] == ["row 1 on", "row 201 on"]


def test_periods_are_the_finest_of_the_calendar_that_hold_enough() -> None:
    weekly, monthly = over_weeks(np.ones(12)), over_weeks(np.ones(52))
    assert len(weekly.periods) in (12, 13)
    assert [one.name for one in monthly.periods][:2] == ["2024-01", "2024-02"]
    assert sum(one.rows for one in monthly.periods) == 52 * 400
    assert monthly.slope == pytest.approx(0, abs=1e-3)  # a week, not a month


def test_the_test_block_is_told_apart() -> None:
    shares = [one.test_share for one in over_weeks(np.ones(10)).periods]
    assert shares[0] == 0
    assert shares[-1] == 1


def test_a_period_with_one_outcome_has_no_gini_and_two_periods_have_no_line() -> None:
    outcome = np.r_[np.zeros(200, bool), np.arange(200) % 2 == 0]
    probability = np.r_[np.full(200, 0.1), np.linspace(0.1, 0.9, 200)]
    day = np.repeat([0.0, 400 * 86_400.0], 200)
    found = stability(outcome, probability, START + day, np.zeros(400, bool), clock=True)
    assert math.isnan(found.mean)
    assert "too few" in found.words()
    json.dumps(found.to_dict(), allow_nan=False)
