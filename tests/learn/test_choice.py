from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.decide.policy import Policy
from riskloop.learn.calibrating import CalibrationChoice
from riskloop.learn.candidates.linear import LOGISTIC_REGRESSION
from riskloop.learn.choice import Contender, choose
from riskloop.learn.crossfit import OutOfFold
from riskloop.learn.evaluation.metrics import evaluate
from riskloop.scorer.calibration import Calibration

COSTS = Costs(fp=10, fn=100)
POLICY = Policy("cost", COSTS.bayes_threshold, COSTS)
ROWS = 2000


@pytest.fixture(scope="module")
def truth():
    rng = np.random.default_rng(7)
    log_odds = rng.normal(-2, 1.5, ROWS)
    return log_odds, rng.random(ROWS) < 1 / (1 + np.exp(-log_odds))


def contender(name, complexity, log_odds, outcome):
    """A contender; those of complexity below 5 can be read."""
    probability = 1 / (1 + np.exp(-log_odds))
    return Contender(
        name,
        complexity,
        OutOfFold(log_odds, 0.0, 0.0),
        CalibrationChoice(Calibration(), (), probability, ""),
        POLICY,
        evaluate(outcome, probability, POLICY.act(probability, COSTS), COSTS, seed=1, resamples=20),
        replace(LOGISTIC_REGRESSION, name=name, readable=complexity < 5),
    )


def blurred(log_odds, amount):
    return log_odds + np.random.default_rng(8).normal(0, amount, len(log_odds))


def test_one_contender_is_chosen(truth):
    log_odds, outcome = truth
    choice = choose([contender("only", 3, log_odds, outcome)], outcome, COSTS, seed=1)
    assert choice.chosen.name == "only"
    assert choice.difference == {}


def test_the_simplest_that_can_be_read_and_is_not_significantly_worse_is_chosen(truth):
    log_odds, outcome = truth
    contenders = [
        contender("complex", 9, log_odds, outcome),
        contender("middling", 5, blurred(log_odds, 0.02), outcome),
        contender("simple", 1, blurred(log_odds, 0.05), outcome),
    ]
    choice = choose(contenders, outcome, COSTS, seed=1)
    assert choice.chosen.name == "simple"
    assert "can be read" in choice.why


def test_where_none_can_be_read_the_lowest_log_loss_is_chosen(truth):
    log_odds, outcome = truth
    contenders = [
        contender("small", 6, blurred(log_odds, 0.2), outcome),
        contender("large", 9, log_odds, outcome),
    ]
    assert choose(contenders, outcome, COSTS, seed=1).chosen.name == "large"


def test_a_simple_one_that_is_dearer_is_not_chosen(truth):
    log_odds, outcome = truth
    contenders = [
        contender("simple", 0, np.full(ROWS, -2.0), outcome),
        contender("middling", 5, blurred(log_odds, 0.02), outcome),
        contender("complex", 9, log_odds, outcome),
    ]
    choice = choose(contenders, outcome, COSTS, seed=1)
    assert choice.chosen.name == "middling"
    assert choice.difference["simple"].low > 0


def test_a_simple_one_of_equal_cost_but_worse_probabilities_is_not_chosen(truth):
    """The same decisions at this threshold, and nothing said about how sure they are."""
    log_odds, outcome = truth
    act = 1 / (1 + np.exp(-log_odds)) >= POLICY.threshold
    contenders = [
        contender("simple", 0, np.where(act, -1.0, -4.0), outcome),
        contender("complex", 9, log_odds, outcome),
    ]
    assert contenders[0].cost_per_thousand == contenders[1].cost_per_thousand
    choice = choose(contenders, outcome, COSTS, seed=1)
    assert choice.chosen.name == "complex"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_of_equals_the_simplest_is_chosen_whatever_the_order(truth, order):
    log_odds, outcome = truth
    equals = [contender(name, complexity, log_odds, outcome) for complexity, name in enumerate("abc")]
    choice = choose([equals[position] for position in order], outcome, COSTS, seed=1)
    assert choice.chosen.name == "a"
    assert "a has the lowest expected cost" in choice.why


def test_the_choice_is_the_same_for_the_same_seed(truth):
    log_odds, outcome = truth
    contenders = [
        contender("complex", 9, log_odds, outcome),
        contender("simple", 1, blurred(log_odds, 0.3), outcome),
    ]
    first, second = (choose(contenders, outcome, COSTS, seed=5) for _ in range(2))
    assert first.chosen is second.chosen
    assert (first.why, first.difference) == (second.why, second.difference)


def test_every_contender_is_compared_with_the_cheapest(truth):
    log_odds, outcome = truth
    contenders = [
        contender("complex", 9, log_odds, outcome),
        contender("poor", 1, blurred(log_odds, 2.0), outcome),
        contender("constant", 0, np.full(ROWS, -2.0), outcome),
    ]
    choice = choose(contenders, outcome, COSTS, seed=1)
    assert set(choice.difference) == {"poor", "constant"}
    for one in contenders[1:]:
        gap = one.cost_per_thousand - contenders[0].cost_per_thousand
        assert choice.difference[one.name].mean == pytest.approx(gap)


def test_it_is_said_whether_minding_the_rare_outcome_helped(truth):
    log_odds, outcome = truth
    contenders = [
        contender("tree", 1, log_odds, outcome),
        contender("tree+smote", 1.5, blurred(log_odds, 3.0), outcome),
        contender("tree+weights", 1.5, log_odds, outcome),
    ]
    choice = choose(contenders, outcome, COSTS, seed=1)
    assert [sentence.partition(":")[0] for sentence in choice.balancing] == [
        "SMOTE did harm to tree",
        "Weighing did not help tree",
    ]


def test_whoever_prefers_the_cheapest_gets_it(truth):
    log_odds, outcome = truth
    contenders = [
        contender("complex", 9, log_odds, outcome),
        contender("simple", 1, blurred(log_odds, 0.1), outcome),
    ]
    cheapest = min(contenders, key=lambda one: one.cost_per_thousand)
    assert choose(contenders, outcome, COSTS, seed=1, prefer="cheap").chosen is cheapest


def test_where_time_passes_one_lucky_stretch_is_no_evidence_against_a_simpler_candidate(truth):
    """Thousands of rows, and one stretch in which the complex one was nearer to the level."""
    log_odds, outcome = truth
    stretch = np.repeat(np.arange(4), ROWS // 4)
    lucky = np.where(stretch == 3, np.where(outcome, 1.0, -3.0), log_odds)
    contenders = [contender("simple", 1, log_odds, outcome), contender("complex", 9, lucky, outcome)]
    weight = 2.0**stretch
    assert choose(contenders, outcome, COSTS, seed=1, weight=weight).chosen.name == "complex"
    assert choose(contenders, outcome, COSTS, seed=1, weight=weight, stretch=stretch).chosen.name == "simple"


def test_where_time_passes_what_is_better_in_every_stretch_is_chosen(truth):
    log_odds, outcome = truth
    stretch = np.repeat(np.arange(4), ROWS // 4)
    contenders = [contender("simple", 0, np.full(ROWS, -2.0), outcome), contender("complex", 9, log_odds, outcome)]
    choice = choose(contenders, outcome, COSTS, seed=1, weight=2.0**stretch, stretch=stretch)
    assert choice.chosen.name == "complex"
    assert choice.difference["simple"].low > 0
    assert choice.difference["simple"].p_value < 0.05
