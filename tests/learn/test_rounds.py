from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.learn.candidates.families import FAMILIES
from riskloop.learn.crossfit import crossfit, fit
from riskloop.learn.evaluation.metrics import log_loss
from riskloop.learn.rounds import STAGES, best_rounds, crossfit_boosted, staged
from riskloop.scorer.forest.cutting import trees

BOOSTERS = [candidate for candidate in FAMILIES if "rounds" in candidate.parameters]
FAMILY = {candidate.name: candidate for candidate in FAMILIES}


@pytest.mark.parametrize("candidate", BOOSTERS, ids=lambda one: one.name)
def test_the_first_trees_are_what_fewer_rounds_would_have_given_to_the_last_bit(block, candidate):
    everyone = np.ones(len(block.outcome), dtype=bool)
    long, short = (fit(candidate.tuned({"rounds": rounds}), block, everyone, seed=3).model for rounds in (60, 25))
    cut = trees(long, 0, 25)
    for name, array in short.to_arrays().items():
        assert array.tobytes() == cut.to_arrays()[name].tobytes(), name


@pytest.mark.parametrize("candidate", BOOSTERS, ids=lambda one: one.name)
def test_the_last_stage_is_the_whole_booster(block, candidate):
    fitted = fit(candidate.tuned({"rounds": 40}), block, block.fold != 0, seed=3)
    matrix = fitted.encoding.matrix(block.rows(block.fold == 0))
    stages = staged(fitted.model, fitted.model.n_trees, matrix)
    assert stages.shape == (STAGES, len(matrix))
    assert stages[-1] == pytest.approx(fitted.model.margin(matrix), abs=1e-5)


def test_a_booster_of_too_many_rounds_is_cut_where_it_began_to_learn_by_heart(block):
    greedy = FAMILY["lightgbm"].tuned({"rounds": 400, "learning_rate": 0.2})
    result = crossfit(greedy, block, seed=1)
    candidate, shorter = best_rounds(greedy, result, block, np.ones(len(block.outcome)))
    assert candidate.parameters["rounds"] <= 60

    def loss(margin):
        return log_loss(block.outcome, 1 / (1 + np.exp(-margin))).mean()

    assert loss(shorter.margin) < loss(result.margin) - 0.05
    again = crossfit(candidate, block, seed=1)
    assert again.margin.tobytes() == shorter.margin.tobytes()
    assert shorter.megabytes < result.megabytes / 5


def test_on_large_tables_the_first_fold_says_how_many_rounds_the_others_need(block, monkeypatch):
    monkeypatch.setattr("riskloop.learn.rounds.MOST_ROWS", 10)
    greedy = FAMILY["lightgbm"].tuned({"rounds": 400, "learning_rate": 0.2})
    told: list[tuple[int, int]] = []
    result = crossfit_boosted(greedy, block, seed=1, on_fold=lambda *done: told.append(done))
    sizes = {model.n_trees for _, model in result.models}
    assert len(sizes) == 1
    assert sizes.pop() < 200
    assert told == [(number, block.folds) for number in range(1, block.folds + 1)]
    short = greedy.tuned({"rounds": result.models[0][1].n_trees})
    assert crossfit(short, block, seed=1).margin.tobytes() == result.margin.tobytes()
    candidate, _ = best_rounds(greedy, result, block, np.ones(len(block.outcome)))
    assert candidate.parameters["rounds"] <= short.parameters["rounds"]


def test_a_family_without_rounds_stays_as_it_is(block):
    for name in ("logistic_regression", "random_forest"):
        candidate = replace(FAMILY[name])
        result = crossfit(candidate, block, seed=1)
        assert best_rounds(candidate, result, block, np.ones(len(block.outcome))) == (candidate, result)
