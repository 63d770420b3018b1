from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from riskloop.data.contract import Column, Contract
from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate, Fitting
from riskloop.learn.candidates.families import FAMILIES
from riskloop.learn.crossfit import crossfit, fit

FAMILY = {candidate.name: candidate for candidate in FAMILIES}
ROWS, FOLDS = 240, 4


def memorise(data: Fitting) -> Any:
    """A tree that keeps every row it saw in a leaf of its own."""
    return DecisionTreeClassifier(random_state=data.seed).fit(data.matrix, data.outcome)


@pytest.fixture(scope="module")
def noise() -> Block:
    """Every row is one of a kind, and the outcome is a coin."""
    rng = np.random.default_rng(0)
    return Block(
        Contract((Column("x"),), ("x",)),
        {"x": rng.permutation(ROWS).astype(np.float64)},
        rng.random(ROWS) < 0.5,
        (np.arange(ROWS) % FOLDS).astype(np.int8),
    )


def test_no_row_is_predicted_by_a_model_that_saw_it(noise):
    memory = Candidate("memory", 0, "onehot", memorise)
    everyone = np.ones(ROWS, dtype=bool)
    fitted = fit(memory, noise, everyone, seed=1)
    seen = fitted.model.margin(fitted.encoding.matrix(noise.columns)) > 0
    assert np.array_equal(seen, noise.outcome), "this candidate must know by heart what it saw"
    unseen = crossfit(memory, noise, seed=1).margin > 0
    assert 0.35 < (unseen == noise.outcome).mean() < 0.65


def test_the_outcomes_of_a_fold_do_not_reach_its_own_predictions(noise):
    memory = Candidate("memory", 0, "onehot", memorise)
    before = crossfit(memory, noise, seed=1).margin
    for number in range(FOLDS):
        own = noise.fold == number
        after = crossfit(memory, replace(noise, outcome=noise.outcome ^ own), seed=1).margin
        assert np.array_equal(after[own], before[own])
        assert not np.array_equal(after[~own], before[~own])


def test_each_fold_is_fitted_once_on_all_other_rows_and_reported(noise):
    seen, told = [], []

    def remember(data: Fitting) -> Any:
        seen.append(frozenset(data.matrix[:, 0]))
        return memorise(data)

    crossfit(Candidate("c", 0, "onehot", remember), noise, seed=1, on_fold=lambda *done: told.append(done))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    expected = [frozenset(noise.columns["x"][noise.fold != fold]) for fold in range(4)]
    assert len(seen) == 4
    assert set(seen) == set(expected)


@pytest.mark.parametrize("name", ["logistic_regression", "decision_tree", "hist_gradient_boosting", "lightgbm"])
def test_the_same_seed_gives_the_same_bits(block, name):
    first, second = (crossfit(FAMILY[name], block, seed=11).margin for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert np.isfinite(first).all()


def test_another_seed_is_another_model(block):
    first, second = (crossfit(FAMILY["hist_gradient_boosting"], block, seed=seed).margin for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_the_number_of_threads_does_not_reach_the_bits(block):
    everyone = np.ones(len(block.outcome), dtype=bool)
    one, two = (fit(FAMILY["lightgbm"], block, everyone, seed=1, threads=threads) for threads in (1, 2))
    matrix = one.encoding.matrix(block.columns)
    assert one.model.margin(matrix).tobytes() == two.model.margin(matrix).tobytes()


def test_times_are_measured_in_seconds(block):
    result = crossfit(FAMILY["decision_tree"], block, seed=1)
    assert 0 < result.fit_seconds < 10
    assert 0 < result.predict_seconds < 10
