from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.learn.candidates.candidate import Candidate, Fitting, Range
from riskloop.learn.candidates.families import FAMILIES, select_candidates
from riskloop.learn.crew import Threads
from riskloop.learn.plan import Plan
from riskloop.learn.selecting import select
from riskloop.learn.tuning.search import Budget, tune

FAMILY = {candidate.name: candidate for candidate in FAMILIES}
SMALL = replace(
    FAMILY["lightgbm"],
    parameters={**FAMILY["lightgbm"].parameters, "rounds": 20},
    portfolio=(),
    space={"leaves": Range(2, 31, log=True, whole=True), "learning_rate": Range(0.001, 0.5, log=True)},
)


def searched(block, budget, **options):
    return tune(options.pop("candidate", SMALL), block, budget, seed=7, **options)


@pytest.mark.parametrize("method", ["tpe", "random", "grid"])
def test_the_best_trial_wins_and_is_never_worse_than_the_defaults(block, method):
    found = searched(block, Budget(trials=9), method=method)
    finished = [trial for trial in found.trials if trial.loss is not None]
    best = min(finished, key=lambda trial: trial.loss)
    assert {name: found.candidate.parameters[name] for name in best.parameters} == best.parameters
    assert len(found.trials) == 9
    if method != "grid":
        first = found.trials[0].parameters
        assert {name: first[name] for name in SMALL.space} == {name: SMALL.parameters[name] for name in SMALL.space}


def test_a_grid_ends_when_every_combination_was_tried(block):
    found = searched(block, Budget(trials=500), method="grid")
    assert len({tuple(sorted(trial.parameters.items())) for trial in found.trials}) == 9


def test_the_same_seed_finds_the_same_however_many_fits_run_side_by_side(block):
    alone, together = (searched(block, Budget(trials=8), crew=Threads(count)) for count in (1, 2))
    assert alone.trials == together.trials


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(block, tmp_path):
    whole = searched(block, Budget(trials=12))
    searched(block, Budget(trials=8), storage=tmp_path / "trials.log")
    resumed = searched(block, Budget(trials=12), storage=tmp_path / "trials.log")
    assert [trial.parameters for trial in resumed.trials] == [trial.parameters for trial in whole.trials]
    assert [trial.loss for trial in resumed.trials] == [trial.loss for trial in whole.trials]


def test_trials_that_ran_when_the_lights_went_out_are_tried_again(block, tmp_path):
    def lights_out(candidate, trial, lowest):
        if trial.number == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched(block, Budget(trials=12), storage=tmp_path / "trials.log", on_trial=lights_out)
    resumed = searched(block, Budget(trials=12), storage=tmp_path / "trials.log")
    assert len(resumed.trials) == 12


def test_hopeless_trials_are_given_up_early(block):
    found = searched(block, Budget(trials=24), method="random")
    given_up = [trial for trial in found.trials if trial.loss is None]
    assert given_up
    assert all(len(trial.steps) < block.folds for trial in given_up)


def test_a_budget_in_time_is_kept(block):
    began = time.monotonic()
    found = searched(block, Budget(until=began + 1.0))
    assert time.monotonic() - began < 20
    assert found.trials


def stubborn(data: Fitting) -> Any:
    if data.whole("x") > 5:
        raise ValueError("not with me")
    return FAMILY["logistic_regression"].fit(replace(data, parameters={"C": 1.0}))


def test_parameters_that_a_library_refuses_are_a_bad_trial(block):
    candidate = Candidate("stubborn", 0, "scaled", stubborn, parameters={"x": 1}, space={"x": Range(1, 10, whole=True)})
    found = searched(block, Budget(trials=12), candidate=candidate)
    assert found.candidate.parameters["x"] <= 5
    assert any(trial.loss is None for trial in found.trials)


def test_a_family_without_a_space_is_left_as_it_is(block):
    candidate = replace(SMALL, space={})
    assert searched(block, Budget(trials=5), candidate=candidate).candidate is candidate


def test_selection_with_trials_is_never_dearer_in_log_loss_than_the_defaults(block):
    plan = Plan(select_candidates(["logistic_regression", "scorecard"], 400), Costs(fp=1, fn=10), seed=3)
    _, before = select(block, plan)
    _, after = select(block, replace(plan, trials=12))
    for name in ("logistic_regression", "scorecard"):
        then, now = (next(one for one in each if one.name == name) for each in (before, after))
        assert now.evaluation["log_loss"].value <= then.evaluation["log_loss"].value + 0.005


def test_what_was_found_before_is_taken_instead_of_searching(block):
    plan = Plan(select_candidates(["logistic_regression"], 400), Costs(fp=1, fn=10), trials=5)
    plan = replace(plan, tuned={"logistic_regression": {"C": 0.01}})
    _, (only,) = select(block, plan)
    assert only.candidate.parameters == {"C": 0.01}


def test_families_that_would_take_too_long_are_left_out_and_the_first_never(block):
    told = []

    class Listener:
        def fold(self, *_): ...
        def finished(self, *_): ...
        def trial(self, *_): ...
        def left_out(self, candidate, reason):
            told.append(candidate)

    plan = Plan(select_candidates(["logistic_regression", "lightgbm"], 400), Costs(fp=1, fn=10), seconds=1e-3)
    _, contenders = select(block, plan, watcher=Listener())
    assert [one.name for one in contenders] == ["logistic_regression"]
    assert told == ["lightgbm"]


def test_grids_reach_from_end_to_end():
    assert Range(1, 100, log=True).grid(3) == pytest.approx([1, 10, 100])
    assert Range(2, 4, whole=True).grid(5) == [2, 3, 4]
    assert np.allclose(Range(0, 1).grid(3), [0, 0.5, 1])
