from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from riskloop.costs import Costs, FloatArray
from riskloop.data.contract import Column, Contract
from riskloop.data.dataset import Dataset
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.evaluation.metrics import Evaluation, evaluate
from riskloop.learn.examining import family_of, suspicious
from riskloop.learn.plan import Plan
from riskloop.learn.training import Trained, train
from riskloop.problem import Problem

COSTS = Costs(fp=10, fn=60)
ROWS = 2_400


def customers(shift: float) -> Dataset:
    """What a number tells turns, for the last third of the customers, by `shift`."""
    rng = np.random.default_rng(7)
    first, second = rng.normal(size=(2, ROWS))
    late = np.arange(ROWS) > ROWS * 2 / 3
    outcome = rng.random(ROWS) < 1 / (1 + np.exp(1.5 - 2 * np.where(late, (1 - shift) * first, first) - second))
    contract = Contract((Column("first"), Column("second")), ("first", "second"))
    columns = {"first": first, "second": second}
    return Dataset(Problem("left", "1"), contract, columns, outcome, np.arange(ROWS), None, "fingerprint")


def learn(dataset: Dataset, names: tuple[str, ...] = ("logistic_regression",), **plan: object) -> Trained:
    return train(dataset, Plan(select_candidates(names, ROWS), COSTS, folds=3, **plan))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def drifting() -> Trained:
    return learn(customers(shift=2), split="row_order")


def test_random_folds_would_have_promised_too_much_where_customers_change(drifting: Trained) -> None:
    iid = drifting.examination.iid
    assert iid is not None
    assert iid.random["roc_auc"].value > iid.test["roc_auc"].value + 0.1
    assert iid.test["roc_auc"] == drifting.test["roc_auc"]
    assert "too good to be true" in iid.words()


def test_random_folds_promise_what_comes_where_nothing_changes() -> None:
    iid = learn(customers(shift=0), split="row_order").examination.iid
    assert iid is not None
    assert "within noise" in iid.words()


def test_stability_shows_the_turn(drifting: Trained) -> None:
    stability = drifting.examination.stability
    assert stability is not None
    assert stability.slope < 0
    assert stability.periods[-1].gini < stability.periods[0].gini - 0.2


def test_rows_without_an_order_are_not_judged_over_time() -> None:
    examination = learn(customers(shift=0)).examination
    assert examination.stability is None
    assert examination.iid is None
    assert examination.learning_curve is None


def test_an_examination_is_plain_json_and_the_same_for_the_same_training(drifting: Trained) -> None:
    again = learn(customers(shift=2), split="row_order")
    shown = json.dumps(drifting.examination.to_dict(), allow_nan=False)
    assert json.dumps(again.examination.to_dict()) == shown
    assert again.scorer.interval == drifting.scorer.interval


def test_a_learning_curve_comes_when_asked_and_is_not_part_of_the_model() -> None:
    dataset = customers(shift=0)
    plan = Plan(select_candidates(("logistic_regression",), ROWS), COSTS, folds=3)
    asked, plain = train(dataset, plan, learning_curve=True), train(dataset, plan)
    assert asked.examination.learning_curve is not None
    assert asked.examination.to_dict() == plain.examination.to_dict()


def test_the_family_behind_a_blend_is_its_heaviest_member() -> None:
    trained = learn(customers(shift=0), ("logistic_regression", "decision_tree", "lightgbm"), blends=("blend",))
    by_name = {one.name: one for one in trained.contenders}
    blend = by_name["blend"]
    assert blend.recipe is not None
    family = family_of(blend, trained.contenders)
    assert family is not None
    assert family.name == max(blend.recipe.weights, key=blend.recipe.weights.__getitem__)
    assert family_of(family, trained.contenders) is family
    student = replace(family, name="distilled", target=np.zeros(1))
    assert family_of(student, [student, family]) is family


def test_the_interval_of_most_customers_is_narrow_and_holds_the_probability() -> None:
    dataset = customers(shift=0)
    trained = learn(dataset)
    low, high = trained.scorer.interval.of_many(trained.test_probability)
    assert (low <= trained.test_probability).all()
    assert (trained.test_probability <= high).all()
    assert np.median(high - low) < 0.1


def measured(noise: float, n: int, seed: int) -> Evaluation:
    rng = np.random.default_rng(seed)
    log_odds: FloatArray = rng.normal(-1, 1.5, n)
    outcome = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    seen = 1 / (1 + np.exp(-log_odds - rng.normal(0, noise, n)))
    return evaluate(outcome, seen, seen > 0.5, COSTS, seed=1, resamples=100)


def test_a_random_test_block_that_is_ranked_far_better_or_worse_is_suspicious() -> None:
    good, bad = measured(0.01, 4_000, 1), measured(3, 1_000, 2)
    (worse,) = suspicious(good, bad, random=True)
    (better,) = suspicious(bad, good, random=True)
    assert "learnt the folds by heart" in worse.next_step
    assert "twins" in better.next_step
    assert worse.severity == "warning"


def test_later_customers_may_be_ranked_otherwise_and_luck_is_no_suspicion() -> None:
    good, bad = measured(0.01, 4_000, 1), measured(3, 1_000, 2)
    assert suspicious(good, bad, random=False) == []
    alarms = [suspicious(measured(0.5, 4_000, seed), measured(0.5, 1_000, seed + 100), True) for seed in range(20)]
    assert sum(map(bool, alarms)) <= 1
