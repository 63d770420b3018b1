from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.decide.choosing import choose_policy
from riskloop.decide.cuts import NEVER, Cuts
from riskloop.decide.policy import Policy, PolicyKind, regret
from riskloop.errors import BundleRefused, ConfigError, DataError

unhurried = settings(deadline=None, max_examples=50)
founding = Costs(fp=10, fn=100)
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=50)
gap = st.floats(0.1, 1000)
no_rows = np.empty(0, dtype=bool), np.empty(0)


@st.composite
def any_costs(draw: st.DrawFn) -> Costs:
    tp, tn = draw(st.floats(-50, 50)), draw(st.floats(-50, 50))
    return Costs(fp=tn + draw(gap), fn=tp + draw(gap), tp=tp, tn=tn)


@st.composite
def samples(draw: st.DrawFn) -> tuple[BoolArray, FloatArray]:
    """At least 50 positives and a negative, with many equal scores."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(120, 300))
    probability = np.round(rng.random(n), draw(st.integers(1, 3)))
    outcome = rng.random(n) < probability
    outcome[:50], outcome[50] = True, False
    return outcome, probability


@unhurried
@given(any_costs(), probabilities)
def test_the_cost_policy_takes_the_cheaper_action_row_by_row(costs: Costs, probability: list[float]) -> None:
    p = np.array(probability)
    taken = costs.expected(p, choose_policy("cost", *no_rows, costs).act(p, costs))
    either = np.minimum(costs.expected(p, np.ones_like(p, dtype=bool)), costs.expected(p, np.zeros_like(p, dtype=bool)))
    assert np.allclose(taken, either, atol=1e-9)


@unhurried
@given(any_costs(), samples())
def test_the_empirical_threshold_is_never_dearer_in_sample_than_any_other(
    costs: Costs, sample: tuple[BoolArray, FloatArray]
) -> None:
    outcome, probability = sample
    chosen = choose_policy("empirical", outcome, probability, costs)
    cost = costs.per_thousand(outcome, chosen.act(probability, costs))
    for threshold in (0.0, NEVER, 0.5, costs.bayes_threshold, *np.unique(probability)):
        assert cost <= costs.per_thousand(outcome, probability >= threshold) + 1e-6


@unhurried
@given(any_costs(), samples())
def test_every_cut_counts_what_its_threshold_does(costs: Costs, sample: tuple[BoolArray, FloatArray]) -> None:
    outcome, probability = sample
    cuts = Cuts.of(outcome, probability)
    for cut, tp, fp, cost in zip(range(len(cuts.tp)), cuts.tp, cuts.fp, cuts.cost(costs), strict=True):
        act = probability >= cuts.threshold(cut, costs.bayes_threshold)
        assert (int((act & outcome).sum()), int((act & ~outcome).sum())) == (tp, fp)
        assert cost == pytest.approx(costs.each(outcome, act).sum(), abs=1e-6)


def test_equal_costs_are_settled_toward_the_bayes_threshold() -> None:
    outcome = np.array([False] * 60 + [True] * 60)
    probability = np.array([0.01] * 60 + [0.4] * 60)
    assert choose_policy("empirical", outcome, probability, founding).threshold == founding.bayes_threshold
    assert choose_policy("empirical", outcome, probability, Costs(fp=3, fn=1)).threshold == pytest.approx(0.205)


def test_few_positives_cannot_choose_a_threshold_by_cost() -> None:
    outcome = np.arange(400) < 49
    with pytest.raises(DataError, match="49 positives are too few") as refusal:
        choose_policy("empirical", outcome, np.linspace(1, 0, 400), founding)
    assert "'cost'" in str(refusal.value)


@unhurried
@given(samples())
def test_the_f1_policy_has_the_best_f1(sample: tuple[BoolArray, FloatArray]) -> None:
    outcome, probability = sample

    def f1(act: BoolArray) -> float:
        return float(2 * (act & outcome).sum() / (act.sum() + outcome.sum()))

    chosen = choose_policy("f1", outcome, probability, founding)
    best = max(f1(probability >= threshold) for threshold in np.unique(probability))
    assert f1(chosen.act(probability, founding)) == pytest.approx(best, abs=1e-12)


@unhurried
@given(samples(), st.floats(0.05, 1))
def test_a_recall_asked_for_is_reached_at_the_least_cost(sample: tuple[BoolArray, FloatArray], value: float) -> None:
    outcome, probability = sample
    act = choose_policy("recall_at", outcome, probability, founding, value=value).act(probability, founding)
    assert act[outcome].mean() >= value
    for threshold in np.unique(probability):
        other = probability >= threshold
        if other[outcome].mean() >= value:
            assert founding.per_thousand(outcome, act) <= founding.per_thousand(outcome, other) + 1e-9


def test_a_precision_asked_for_is_reached_or_the_best_is_named() -> None:
    outcome = np.array([True, True, False, True, False, False])
    probability = np.array([0.5, 0.9, 0.9, 0.6, 0.4, 0.1])
    chosen = choose_policy("precision_at", outcome, probability, founding, value=0.7)
    assert outcome[chosen.act(probability, founding)].mean() == 0.75
    with pytest.raises(DataError, match=r"precision of 0\.9; the best reachable is 0\.75"):
        choose_policy("precision_at", outcome, probability, founding, value=0.9)


def test_a_fixed_threshold_is_what_was_asked_for() -> None:
    assert choose_policy("fixed", *no_rows, founding, value=0.36).threshold == 0.36


@pytest.mark.parametrize("kind", ["fixed", "recall_at"])
@pytest.mark.parametrize("value", [None, -0.1, 1.1, math.nan])
def test_a_value_that_is_no_probability_is_refused(kind: PolicyKind, value: float | None) -> None:
    with pytest.raises(ConfigError, match="needs a value between 0 and 1"):
        choose_policy(kind, np.array([True, False]), np.array([0.9, 0.1]), founding, value=value)


@pytest.mark.parametrize("kind", ["f1", "precision_at", "recall_at"])
def test_one_class_chooses_no_threshold(kind: PolicyKind) -> None:
    with pytest.raises(DataError, match="one class"):
        choose_policy(kind, np.ones(80, dtype=bool), np.linspace(0, 1, 80), founding, value=0.5)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no policy 'luck'") as refusal:
        choose_policy("luck", *no_rows, founding)  # type: ignore[arg-type]
    assert "precision_at" in str(refusal.value)


@pytest.mark.parametrize("kind", ["cost", "empirical", "f1", "fixed", "precision_at", "recall_at"])
def test_every_choice_says_why(kind: PolicyKind) -> None:
    outcome = np.arange(200) % 2 == 0
    probability = np.where(outcome, 0.6, 0.3)
    why = choose_policy(kind, outcome, probability, founding, value=0.5).why
    assert why.endswith(".")
    assert len(why) > 20


@unhurried
@given(any_costs(), probabilities, st.floats(0, 1))
def test_one_customer_gets_the_decision_he_has_in_the_table(
    costs: Costs, probability: list[float], threshold: float
) -> None:
    policy = Policy("fixed", threshold, costs, labels=("contact", "leave"))
    p = np.array([*probability, 0.4, 0.7, threshold])
    table = policy.decide_many(p, costs)
    for row, value in enumerate(p.tolist()):
        alone = policy.decide(value, costs)
        assert alone.decision == table.decision[row]
        assert alone.act == table.act[row]
        assert alone.risk_band == table.risk_band[row]
        assert alone.expected_cost == table.expected_cost[row]


def test_a_decision_is_priced_named_and_banded() -> None:
    decision = Policy("cost", founding.bayes_threshold, founding, labels=("contact", "leave")).decide(0.4, founding)
    assert decision.decision == "contact"
    assert decision.risk_band == "medium"
    assert decision.expected_cost == pytest.approx(6)


def test_a_numpy_probability_gets_the_same_decision_in_plain_values() -> None:
    policy = Policy("cost", founding.bayes_threshold, founding)
    decision = policy.decide(np.float64(0.9), founding)
    assert decision == policy.decide(0.9, founding)
    assert decision.risk_band == "high"
    assert type(decision.act) is bool


def test_a_threshold_above_one_never_acts() -> None:
    policy = Policy("fixed", NEVER, founding)
    assert not policy.act(np.array([0.0, 1.0]), founding).any()
    assert policy.decide(1.0, founding).decision == "pass"


@unhurried
@given(any_costs(), st.floats(0, 2))
def test_a_policy_survives_json_bit_for_bit(costs: Costs, threshold: float) -> None:
    policy = Policy("empirical", threshold, costs, (0.1, 0.2), ("decline", "grant"), "Because.")
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy


good = Policy("cost", 0.1, founding).to_dict()


@pytest.mark.parametrize(
    "fields",
    [
        None,
        {},
        good | {"kind": "luck"},
        good | {"threshold": None},
        good | {"threshold": -1},
        good | {"threshold": math.nan},
        good | {"bands": [0.7, 0.4]},
        good | {"bands": [0.7]},
        good | {"labels": ["same", "same"]},
        good | {"labels": [1, 2]},
        good | {"costs": {"fp": 10}},
        good | {"costs": {"fp": 10, "fn": -1}},
        good | {"extra": 1},
    ],
)
def test_a_malformed_policy_is_refused(fields: Any) -> None:
    with pytest.raises(BundleRefused, match="policy cannot be used"):
        Policy.from_dict(fields)


@unhurried
@given(any_costs(), probabilities)
def test_the_bayes_rule_has_no_regret_and_every_other_rule_some(costs: Costs, probability: list[float]) -> None:
    truth = np.array(probability)
    best = truth >= costs.bayes_threshold
    assert regret(truth, best, costs).per_thousand == 0
    assert regret(truth, ~best, costs).per_thousand >= 0
