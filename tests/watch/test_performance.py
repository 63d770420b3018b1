from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from riskloop.costs import Costs
from riskloop.decide.policy import Policy
from riskloop.decide.review import Review
from riskloop.watch.performance import both_ways, estimate, fallen

COSTS = Costs(fp=10, fn=100)
POLICY = Policy("cost", 1 / 11, COSTS)


def estimated(p, policy=POLICY):
    act, reviewed = policy.act(p, policy.costs), policy.reviewed(p, policy.costs)
    return estimate(p, act, both_ways(policy, act, reviewed, policy.costs, len(p)))


def realised(p, y):
    act = POLICY.act(p, COSTS)
    tp = (act & y).sum()
    return {
        "prevalence": y.mean(),
        "act_rate": act.mean(),
        "accuracy": (act == y).mean(),
        "precision": tp / act.sum(),
        "recall": tp / y.sum(),
        "f1": 2 * tp / (act.sum() + y.sum()),
        "roc_auc": roc_auc_score(y, p),
        "cost_per_thousand": COSTS.per_thousand(y, act),
    }


def test_its_intervals_hold_what_comes_true_where_the_calibration_holds():
    rng = np.random.default_rng(5)
    truth = rng.beta(0.6, 3, 100_000)
    inside, values, centre = {}, {}, {}
    for _ in range(200):
        p = rng.choice(truth, 800)
        found, seen = estimated(p), realised(p, rng.random(800) < p)
        for name, value in seen.items():
            one = found.metrics[name]
            inside.setdefault(name, []).append(one.low <= value <= one.high)
            values.setdefault(name, []).append(value)
            centre.setdefault(name, []).append(one.value)
    for name, hits in inside.items():
        assert np.mean(hits) >= 0.90, name
        assert np.mean(centre[name]) == pytest.approx(np.mean(values[name]), rel=0.02), name


def test_the_expected_confusion_adds_up():
    p = np.array([0.05, 0.2, 0.9])
    confusion = estimated(p).confusion
    assert confusion == pytest.approx({"tp": 1.1, "fp": 0.9, "fn": 0.05, "tn": 0.95})


def test_one_score_for_all_cannot_rank():
    assert estimated(np.full(50, 0.3)).metrics["roc_auc"].value == pytest.approx(0.5)


def test_acting_on_nobody_has_no_precision():
    metrics = estimated(np.full(50, 0.01)).metrics
    assert np.isnan(metrics["precision"].value)
    assert metrics["recall"].value == 0.0


def test_a_review_costs_what_it_costs():
    policy = Policy("cost", 1 / 11, COSTS, review=Review(cost=1))
    found = estimated(np.full(10, 0.1), policy)
    assert found.metrics["cost_per_thousand"].value == pytest.approx(1000)


def test_no_rows_say_nothing():
    assert np.isnan(estimated(np.empty(0)).metrics["roc_auc"].value)


def test_a_cost_that_the_policy_did_not_decide_is_not_held_against_it():
    promised = {name: {"value": 0.8, "low": 0.7, "high": 0.9} for name in ("roc_auc", "cost_per_thousand")}
    realised = {
        "roc_auc": {"value": 0.5, "low": 0.4, "high": 0.6},
        "cost_per_thousand": {"value": 3, "low": 2, "high": 4},
    }
    assert [one.code for one in fallen(promised, realised)] == ["fallen_roc_auc", "fallen_cost_per_thousand"]
    assert [one.code for one in fallen(promised, realised, otherwise=0.02)][1:] == ["fallen_cost_per_thousand"]
    assert [one.code for one in fallen(promised, realised, otherwise=0.3)] == ["fallen_roc_auc"]
