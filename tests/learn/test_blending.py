from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.data.leakage import auc
from riskloop.learn.blending import BLENDS, Recipe, crossfit_recipe, greedy_weights, learn_recipe
from riskloop.learn.block import Block
from riskloop.learn.candidates.families import select_blends, select_candidates
from riskloop.learn.crossfit import fit, nested_margins
from riskloop.learn.evaluation.metrics import log_loss
from riskloop.learn.plan import Plan
from riskloop.learn.refitting import refit
from riskloop.learn.selecting import select

ROWS = 3_000
COSTS = Costs(fp=1, fn=10)


@pytest.fixture(scope="module")
def opinions():
    """Two members that each see a part of the truth, and one that sees nothing."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(0, 1, (2, ROWS))
    outcome = rng.random(ROWS) < 1 / (1 + np.exp(-(first + second)))
    return {"first": 2 * first, "second": 2 * second, "noise": rng.normal(0, 2, ROWS)}, outcome


def loss(margin, outcome):
    return log_loss(outcome, 1 / (1 + np.exp(-margin))).mean()


@pytest.mark.parametrize("kind", BLENDS)
def test_a_blend_is_better_than_its_best_member(opinions, kind):
    margins, outcome = opinions
    recipe = learn_recipe(kind, margins, outcome, np.ones(ROWS), seed=1)
    assert loss(recipe.margin(margins), outcome) < min(loss(margin, outcome) for margin in margins.values())


def test_greedy_weights_add_up_to_one_and_leave_out_who_knows_nothing(opinions):
    margins, outcome = opinions
    weights = greedy_weights(np.column_stack(list(margins.values())), outcome, np.ones(ROWS))
    assert weights.sum() == pytest.approx(1)
    assert weights[:2] == pytest.approx([0.5, 0.5], abs=0.1)
    assert weights[2] < 0.1


def test_a_stack_never_turns_a_member_against_itself(opinions):
    margins, outcome = opinions
    recipe = learn_recipe("stack", margins | {"contrary": -margins["first"]}, outcome, np.ones(ROWS), seed=1)
    assert "contrary" not in recipe.weights
    assert all(weight > 0 for weight in recipe.weights.values())


def test_rows_that_weigh_nothing_teach_nothing(opinions):
    margins, outcome = opinions
    weight = (np.arange(ROWS) < ROWS // 2).astype(float)
    misled = outcome ^ (weight == 0)
    one, other = (learn_recipe("stack", margins, labels, weight, seed=1) for labels in (outcome, misled))
    assert one.weights == pytest.approx(other.weights)


def test_the_blended_margin_of_a_row_does_not_know_its_outcome(opinions, block):
    outcome = block.outcome
    rng = np.random.default_rng(1)
    margins = {"a": rng.normal(0, 1, len(outcome)), "b": rng.normal(0, 1, len(outcome))}
    weight = np.ones(len(outcome))
    before = crossfit_recipe("stack", margins, block, weight, seed=1).margin
    held_out = block.fold == 1
    after = crossfit_recipe("stack", margins, replace(block, outcome=outcome ^ held_out), weight, seed=1).margin
    assert np.array_equal(before[held_out], after[held_out])
    assert not np.array_equal(before[~held_out], after[~held_out])


def test_the_recipe_says_who_weighs_most():
    assert Recipe("blend", {"light": 0.2, "heavy": 0.8}).describe() == "heavy 0.80, light 0.20"


def plan_of(*names):
    return Plan(select_candidates(names, 400), COSTS, select_blends(names), folds=3)


@pytest.mark.parametrize("kind", BLENDS)
def test_the_served_blend_gives_what_its_members_libraries_give(block, kind):
    plan = plan_of("logistic_regression", "lightgbm", "hist_gradient_boosting", kind)
    _, contenders = select(block, plan)
    blend = next(one for one in contenders if one.name == kind)
    refitted = refit(block, plan, blend, contenders)
    assert refitted.gap(block.columns) < 1e-9


def test_a_blend_is_a_weighted_sum_of_log_odds(block):
    plan = plan_of("logistic_regression", "lightgbm", "blend")
    _, contenders = select(block, plan)
    blend = next(one for one in contenders if one.name == "blend")
    refitted = refit(block, plan, blend, contenders)
    parts = sum(one.weight * one.reference(block.columns) for one in refitted.ingredients)
    assert np.allclose(refitted.scorer.margin(block.columns), parts, rtol=0, atol=1e-9)


def test_fewer_than_two_additive_families_make_no_blend(block):
    _, contenders = select(block, plan_of("decision_tree", "lightgbm", "blend"))
    assert [one.name for one in contenders if one.recipe] == []


def test_a_teacher_of_the_second_level_has_not_seen_the_fold_it_is_asked_for(block):
    candidate = select_candidates(["logistic_regression"], 400)[0]
    margins = nested_margins(candidate, block, seed=1)
    for number in range(block.folds):
        own = block.fold == number
        assert np.isnan(margins[number, own]).all()
        other = (number + 1) % block.folds
        rows = block.fold == other
        model = fit(candidate, block, ~(own | rows), seed=1)
        expected = model.model.margin(model.encoding.matrix(block.rows(rows)))
        assert np.array_equal(margins[number, rows], expected)


def test_a_student_learns_what_the_blend_thinks(block):
    plan = plan_of("logistic_regression", "lightgbm", "distilled")
    _, contenders = select(block, plan)
    student = next(one for one in contenders if one.name == "distilled")
    assert "blend" not in {one.name for one in contenders}
    scorer = refit(block, plan, student, contenders).scorer
    told = 1 / (1 + np.exp(-scorer.margin(block.columns)))
    assert np.corrcoef(told, student.target)[0, 1] > 0.9


@pytest.fixture(scope="module")
def coins():
    rng = np.random.default_rng(0)
    names = tuple("abcd")
    return Block(
        Contract(tuple(Column(name) for name in names), names),
        {name: rng.normal(0, 1, 600) for name in names},
        rng.random(600) < 0.5,
        (np.arange(600) % 3).astype(np.int8),
    )


def test_a_student_of_coins_does_not_look_as_if_it_knew_them(coins):
    _, contenders = select(coins, plan_of("hist_gradient_boosting", "lightgbm", "distilled"))
    student = next(one for one in contenders if one.name == "distilled")
    assert 0.42 < auc(coins.outcome, student.out_of_fold.margin) < 0.58
