from __future__ import annotations

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.errors import ConfigError
from riskloop.learn.balance import balance
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.crossfit import crossfit, fit
from riskloop.learn.plan import Plan
from riskloop.learn.selecting import select


@pytest.fixture(scope="module")
def rare():
    rng = np.random.default_rng(2)
    matrix = np.column_stack([rng.normal(0, 1, 500), rng.normal(5, 2, 500), rng.integers(0, 4, 500)])
    matrix[::9, 0] = np.nan
    return matrix, rng.random(500) < 0.08


@pytest.mark.parametrize("kind", ["weights", "smote"])
def test_both_outcomes_weigh_the_same(rare, kind):
    matrix, outcome = rare
    balanced = balance(kind, matrix, outcome, [2], seed=1)
    weight = np.ones(len(balanced.outcome)) if balanced.weight is None else balanced.weight
    assert weight[balanced.outcome].sum() == pytest.approx(weight[~balanced.outcome].sum())
    assert balanced.shift == pytest.approx(np.log((~outcome).sum() / outcome.sum()))


def test_rows_that_were_there_keep_their_values_and_their_gaps(rare):
    matrix, outcome = rare
    balanced = balance("smote", matrix, outcome, [2], seed=1)
    assert np.array_equal(balanced.matrix[: len(matrix)], matrix, equal_nan=True)
    assert set(np.unique(balanced.matrix[len(matrix) :, 2])) <= {0.0, 1.0, 2.0, 3.0}
    assert balanced.outcome[len(matrix) :].all()


def test_the_same_seed_draws_the_same_rows(rare):
    one, other = (balance("smote", *rare, [2], seed=3).matrix for _ in range(2))
    assert np.array_equal(one, other, equal_nan=True)


def test_one_lonely_positive_is_left_alone(rare):
    matrix, _ = rare
    outcome = np.zeros(len(matrix), dtype=bool)
    outcome[0] = True
    assert balance("smote", matrix, outcome, [2], seed=1).matrix is matrix


@pytest.mark.parametrize("name", ["logistic_regression+weights", "lightgbm+smote", "hist_gradient_boosting+weights"])
def test_a_balanced_model_still_tells_the_true_rate(block, name):
    candidate = select_candidates([name], 400)[0]
    margin = crossfit(candidate, block, seed=1).margin
    assert (1 / (1 + np.exp(-margin))).mean() == pytest.approx(block.outcome.mean(), abs=0.08)


@pytest.mark.parametrize("name", ["logistic_regression+weights", "lightgbm+weights", "xgboost+weights"])
def test_a_lowered_model_is_the_librarys_own_lowered(block, name):
    candidate = select_candidates([name], 400)[0]
    fitted = fit(candidate, block, np.ones(len(block.outcome), dtype=bool), seed=1)
    matrix = fitted.encoding.matrix(block.columns)
    assert np.abs(fitted.library_margin(matrix) - fitted.model.margin(matrix)).max() < 1e-9


def test_held_out_rows_are_never_resampled(block):
    plan = Plan(select_candidates(["logistic_regression", "logistic_regression+smote"], 400), Costs(fp=1, fn=10))
    _, contenders = select(block, plan)
    assert {len(one.out_of_fold.margin) for one in contenders} == {len(block.outcome)}
    assert {one.name for one in contenders} == {"logistic_regression", "logistic_regression+smote"}


def test_an_unknown_balance_is_refused():
    with pytest.raises(ConfigError, match="lightgbm\\+magic"):
        select_candidates(["lightgbm+magic"], 400)
