from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.decide.choosing import choose_policy
from riskloop.decide.policy import Policy, regret
from riskloop.errors import DataError
from riskloop.learn.evaluation.calibration import CalibrationLine
from riskloop.learn.evaluation.curves import curves
from riskloop.learn.evaluation.intervals import wilson
from riskloop.learn.evaluation.metrics import evaluate
from riskloop.learn.evaluation.paired import compare_costs, mean_draws
from riskloop.learn.evaluation.policies import compare_policies, verdict

founding = Costs(fp=10, fn=100)


def customers(n: int, seed: int = 5, decimals: int = 2) -> tuple[BoolArray, FloatArray]:
    rng = np.random.default_rng(seed)
    probability = np.round(1 / (1 + np.exp(-rng.normal(-2, 1.5, n))), decimals)
    return rng.random(n) < probability, probability


def founding_churn() -> tuple[BoolArray, FloatArray]:
    """The first founding project's 2,000 simulated customers, with their true probabilities."""
    np.random.seed(42)
    n = 2000
    np.random.randint(18, 70, n)
    income = np.random.normal(3000, 800, n).round(0)
    tenure = np.random.randint(1, 10, n)
    satisfaction = np.clip(np.random.normal(3.5, 1, n), 1, 5).round(1)
    np.random.normal(80, 25, n)
    contacts = np.random.randint(0, 10, n)
    p = 0.3 * (5 - satisfaction) / 5 + 0.3 * (1 - tenure / 10) + 0.2 * contacts / 10 + 0.2 * (1 - income / income.max())
    p = np.clip(p, 0, 1)
    return np.random.binomial(1, p).astype(bool), p


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 300), decimals=st.integers(1, 4), threshold=st.floats(0, 1))
def test_every_metric_agrees_with_scikit_learn(seed: int, n: int, decimals: int, threshold: float) -> None:
    outcome, probability = customers(n, seed, decimals)
    outcome[:2] = [True, False]
    act = probability >= threshold
    ours = evaluate(outcome, probability, act, founding, seed=1, resamples=2)
    fpr, tpr, _ = peer.roc_curve(outcome, probability)
    theirs = {
        "accuracy": peer.accuracy_score(outcome, act),
        "recall": peer.recall_score(outcome, act),
        "f1": peer.f1_score(outcome, act),
        "roc_auc": peer.roc_auc_score(outcome, probability),
        "pr_auc": peer.average_precision_score(outcome, probability),
        "brier": peer.brier_score_loss(outcome, probability),
        "log_loss": peer.log_loss(outcome, probability),
        "ks": float(np.max(np.abs(tpr - fpr))),
        "gini": 2 * peer.roc_auc_score(outcome, probability) - 1,
        "cost_per_thousand": founding.per_thousand(outcome, act),
    }
    if act.any():
        theirs["precision"] = peer.precision_score(outcome, act)
    assert {name: ours[name].value for name in theirs} == pytest.approx(theirs, abs=1e-12)
    confusion = ours.confusion
    assert [[confusion.tn, confusion.fp], [confusion.fn, confusion.tp]] == peer.confusion_matrix(outcome, act).tolist()


def test_lift_and_calibration_error_agree_with_their_definitions() -> None:
    outcome, probability = customers(1000, decimals=12)
    ours = evaluate(outcome, probability, probability > 0.5, founding, seed=1, resamples=2)
    highest_first = np.argsort(-probability)
    top = highest_first[:100]
    assert ours["lift_10"].value == pytest.approx(outcome[top].mean() / outcome.mean(), abs=1e-12)
    bins = np.split(highest_first, 10)
    gaps = [abs(outcome[rows].mean() - probability[rows].mean()) for rows in bins]
    assert ours["calibration_error"].value == pytest.approx(np.mean(gaps), abs=1e-12)


def test_a_score_that_says_nothing_has_no_lift_whatever_the_order_of_the_rows() -> None:
    outcome = np.arange(100) < 20
    ours = evaluate(outcome, np.full(100, 0.2), outcome, founding, seed=1, resamples=50)
    assert ours["lift_10"].value == pytest.approx(1)
    assert ours["roc_auc"].value == 0.5
    assert ours["ks"].value == 0
    assert ours["calibration_error"].value == pytest.approx(0, abs=1e-12)


def test_the_composite_is_its_weighted_sum() -> None:
    outcome, probability = customers(500)
    ours = evaluate(outcome, probability, probability > 0.3, founding, seed=1, resamples=2)
    parts = 0.35 * ours["roc_auc"].value + 0.30 * ours["f1"].value
    parts += 0.25 * ours["recall"].value + 0.10 * ours["precision"].value
    assert ours["composite"].value == pytest.approx(parts)


def test_every_interval_holds_its_value_and_narrows_with_more_rows() -> None:
    small, large = (evaluate(*customers(n), customers(n)[1] > 0.3, founding, seed=1) for n in (300, 6000))
    for name in set(small.metrics) - {"calibration_error"}:
        assert small[name].low <= small[name].value <= small[name].high, name
        assert large[name].high - large[name].low < 0.6 * (small[name].high - small[name].low), name


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    truth = 0.8413  # AUC of two normals one standard deviation apart, times sqrt(2)
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        outcome = np.arange(200) < 80
        probability = 1 / (1 + np.exp(-(rng.normal(0, 1, 200) + math.sqrt(2) * outcome)))
        auc = evaluate(outcome, probability, outcome, founding, seed=seed, resamples=100)["roc_auc"]
        covered += auc.low <= truth <= auc.high
    assert 87 <= covered <= 100


def test_the_refitted_calibration_line_has_the_spread_of_the_full_refit() -> None:
    outcome, probability = customers(1500, decimals=6)
    ours = evaluate(outcome, probability, outcome, founding, seed=1)["calibration_slope"]
    rng = np.random.default_rng(2)
    resamples = (rng.integers(0, 1500, 1500) for _ in range(300))
    full = [CalibrationLine.of(outcome[rows], probability[rows]).slope for rows in resamples]
    assert ours.high - ours.low == pytest.approx(np.subtract(*np.quantile(full, [0.975, 0.025])), rel=0.15)


def test_the_same_seed_gives_the_same_intervals() -> None:
    outcome, probability = customers(400)
    first, second, other = (
        evaluate(outcome, probability, probability > 0.3, founding, seed=seed, resamples=50) for seed in (1, 1, 2)
    )
    assert first == second
    assert first["roc_auc"] != other["roc_auc"]


@pytest.mark.parametrize("outcome", [np.zeros(20, dtype=bool), np.ones(20, dtype=bool)])
def test_one_class_leaves_metrics_undefined_and_json_valid(outcome: BoolArray) -> None:
    ours = evaluate(outcome, np.linspace(0, 1, 20), ~outcome, founding, seed=1, resamples=10)
    plain = json.loads(json.dumps(ours.to_dict(), allow_nan=False))
    assert plain["metrics"]["roc_auc"] == {"value": None, "low": None, "high": None}
    assert plain["metrics"]["brier"]["value"] is not None
    json.dumps(curves(outcome, np.linspace(0, 1, 20), founding, ~outcome).to_dict(), allow_nan=False)


def test_acting_on_nobody_has_no_precision_and_a_recall_of_nothing() -> None:
    outcome, probability = customers(200)
    ours = evaluate(outcome, probability, np.zeros(200, dtype=bool), founding, seed=1, resamples=10)
    assert math.isnan(ours["precision"].value)
    assert ours["recall"].value == ours["f1"].value == 0
    assert ours["composite"].value == pytest.approx(0.35 * ours["roc_auc"].value)


def test_what_cannot_be_evaluated_is_refused() -> None:
    outcome = np.array([True, False])
    with pytest.raises(DataError, match="as many outcomes"):
        evaluate(outcome, np.array([0.5]), outcome, founding, seed=1)
    for bad in (math.nan, 1.2, -3.0):
        with pytest.raises(DataError, match=r"outside \[0, 1\]"):
            evaluate(outcome, np.array([0.5, bad]), outcome, founding, seed=1)


def test_a_paired_difference_finds_what_is_there_and_only_that() -> None:
    rng = np.random.default_rng(1)
    cost = rng.gamma(2, 10, 3000)
    cheaper = cost - 0.5 + rng.normal(0, 5, 3000)
    found = compare_costs(cost, cheaper, seed=1)
    assert found.low < 500 < found.high
    assert found.low > 0
    assert found.p_value < 0.01
    same = compare_costs(cost, cost, seed=1)
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert compare_costs(cheaper, cost, seed=1).mean == -found.mean


def test_a_paired_test_that_has_nothing_to_find_is_wrong_about_one_time_in_twenty() -> None:
    alarms = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        a, b = (rng.choice([0.0, 10.0, 100.0], 300, p=[0.6, 0.3, 0.1]) for _ in range(2))
        alarms += compare_costs(a, b, seed=seed, resamples=200).p_value < 0.05
    assert alarms <= 30


def test_drawing_values_has_the_law_of_drawing_rows() -> None:
    rng = np.random.default_rng(1)
    values = rng.choice([0.0, 10.0, 100.0], 500)
    by_value = mean_draws(values, seed=1, resamples=2000)
    by_row = np.array([values[rng.integers(0, 500, 500)].mean() for _ in range(2000)])
    assert by_value.mean() == pytest.approx(by_row.mean(), abs=0.3)
    assert by_value.std() == pytest.approx(by_row.std(), rel=0.08)


def test_costs_of_different_customers_are_not_compared() -> None:
    with pytest.raises(DataError, match="in pairs"):
        compare_costs(np.zeros(3), np.zeros(4), seed=1)


def test_curves_agree_with_scikit_learn_and_keep_the_cheapest_point() -> None:
    outcome, probability = customers(5000, decimals=12)
    drawn = curves(outcome, probability, founding, probability >= 0.5)
    assert len(drawn.threshold) <= 201
    assert (drawn.act_rate[0], drawn.act_rate[-1]) == (0, 1)
    assert peer.auc(drawn.fpr, drawn.recall) == pytest.approx(peer.roc_auc_score(outcome, probability), abs=1e-3)
    for threshold, cost, recall in zip(drawn.threshold, drawn.cost_per_thousand, drawn.recall, strict=True):
        act = probability >= threshold
        assert cost == pytest.approx(founding.per_thousand(outcome, act))
        assert recall == pytest.approx(act[outcome].mean())
    best = choose_policy("empirical", outcome, probability, founding).act(probability, founding)
    assert min(drawn.cost_per_thousand) == pytest.approx(founding.per_thousand(outcome, best))


def test_every_customer_is_in_one_bin_of_the_scores() -> None:
    outcome, probability = customers(777, decimals=1)
    act = np.arange(777) % 3 == 0
    drawn = curves(outcome, probability, founding, act)
    sums = [sum(getattr(bin_, name) for bin_ in drawn.scores) for name in ("tp", "fn", "fp", "tn")]
    assert sums == [(outcome == positive)[act == acted].sum() for positive in (1, 0) for acted in (1, 0)]
    json.dumps(drawn.to_dict(), allow_nan=False)


def test_the_wilson_interval_is_that_of_the_textbook() -> None:
    interval = wilson(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10).low == 0
    assert wilson(10, 10).high == 1


def test_on_the_founding_churn_data_contacting_everyone_is_optimal_and_the_verdict_says_so() -> None:
    outcome, truth = founding_churn()
    assert outcome.mean() == pytest.approx(0.409, abs=5e-4)
    assert truth.min() > founding.bayes_threshold
    policy = choose_policy("cost", outcome, truth, founding)
    assert policy.threshold == pytest.approx(0.0909, abs=1e-4)
    assert policy.act(truth, founding).all()
    assert regret(truth, np.ones(len(truth), dtype=bool), founding).per_thousand == 0
    rows = compare_policies(outcome, truth, policy, founding, seed=42)
    assert verdict(rows, "EUR").startswith("Acting on everyone is as cheap as the model (difference 0 [0, 0] EUR")


def test_on_the_founding_churn_data_a_threshold_of_a_half_loses_to_contacting_everyone() -> None:
    outcome, truth = founding_churn()
    rows = compare_policies(outcome, truth, Policy("fixed", 0.5, founding), founding, seed=42)
    assert verdict(rows, "EUR").startswith("Acting on everyone is cheaper than the model")
    assert regret(truth, truth >= 0.5, founding).relative > 1


def test_always_act_has_an_f1_that_a_gate_can_compare_with() -> None:
    rng = np.random.default_rng(1)
    outcome = rng.random(1200) < 0.53
    rows = compare_policies(outcome, rng.random(1200), Policy("fixed", 0.5, founding), founding, seed=1)
    by_name = {row.name: row for row in rows}
    assert by_name["act_on_all"].f1 == pytest.approx(2 * outcome.mean() / (1 + outcome.mean()))
    assert by_name["act_on_all"].f1 > by_name["chosen"].f1
    assert by_name["act_on_none"].f1 == 0


def test_a_model_that_pays_is_said_to_pay() -> None:
    outcome, probability = customers(4000)
    rows = compare_policies(
        outcome, probability, choose_policy("cost", outcome, probability, founding), founding, seed=1
    )
    assert verdict(rows, "EUR").startswith("The model is cheaper than acting on")
    assert [row.name for row in rows] == ["chosen", "act_on_all", "act_on_none", "at_0.5", "bayes"]
    for row in rows:
        assert row.cost_per_thousand.low <= row.cost_per_thousand.value <= row.cost_per_thousand.high
        assert row.total_cost == pytest.approx(row.cost_per_thousand.value * 4)
    json.dumps([row.to_dict() for row in rows], allow_nan=False)
