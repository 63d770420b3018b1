from __future__ import annotations

import json
import math

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.learn.block import Block
from riskloop.learn.calibrating import CalibrationChoice
from riskloop.learn.choice import Contender
from riskloop.learn.crossfit import OutOfFold
from riskloop.learn.evaluation.fairness import (
    TOGETHER,
    Fairness,
    find_alternatives,
    find_proxies,
    group_table,
    grouped,
    least_ratio,
)
from riskloop.learn.evaluation.metrics import evaluate
from riskloop.scorer.calibration import Calibration

COSTS = Costs(fp=1, fn=4)


def applicants(rows: int = 6000) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Two attributes; women of group b are declined more often than their risk warrants."""
    rng = np.random.default_rng(8)
    sex, group = rng.choice(["f", "m"], rows), rng.choice(["a", "b", "c"], rows, p=[0.55, 0.44, 0.01])
    probability = rng.beta(1, 4, rows)
    outcome = rng.random(rows) < probability
    told = np.clip(probability + 0.15 * ((sex == "f") & (group == "b")), 0, 1)
    return {"sex": sex, "group": group}, outcome, told


def test_rates_of_every_group_are_those_of_its_rows():
    labels, outcome, probability = applicants()
    act = probability >= 0.25
    table, small = group_table(labels, outcome, probability, act)
    found = {(one.attribute, one.level): one for one in table}
    women = labels["sex"] == "f"
    ours = found["sex", "f"]
    assert (ours.rows, ours.positives) == (women.sum(), outcome[women].sum())
    assert ours.favourable.value == pytest.approx((~act)[women].mean())
    assert ours.tpr.value == pytest.approx(act[women & outcome].mean())
    assert ours.fpr.value == pytest.approx(act[women & ~outcome].mean())
    assert ours.ratio.value == pytest.approx((~act)[women].mean() / (~act)[~women].mean())
    assert found["sex", "m"].ratio.value == 1
    assert "group = c" in small
    assert ("group", "c") not in found


def test_what_only_two_attributes_together_show_is_found():
    labels, outcome, probability = applicants()
    table, _ = group_table(labels, outcome, probability, probability >= 0.25)
    adverse = [(one.attribute, one.level) for one in table if one.adverse]
    assert ("sex, group", "f, b") in adverse
    assert ("sex, group", "m, b") not in adverse


def test_which_decision_is_favourable_turns_the_ratio_round():
    labels, outcome, probability = applicants()
    act = probability >= 0.25
    told, contacted = (
        {one.level: one.ratio.value for one in group_table(labels, outcome, probability, act, favourable=way)[0]}
        for way in ("pass", "act")
    )
    assert told["f"] < 1 == told["m"]
    assert contacted["m"] < 1 == contacted["f"]


def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says():
    inside = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        labels = {"sex": np.repeat(["f", "m"], 400)}
        act = rng.random(800) < np.where(labels["sex"] == "f", 0.4, 0.25)
        table, _ = group_table(labels, act, np.full(800, 0.5), act)
        (women,) = (one for one in table if one.level == "f")
        inside += women.ratio.low <= 0.6 / 0.75 <= women.ratio.high
    assert inside / 300 == pytest.approx(0.95, abs=0.035)


def test_where_nobody_is_favoured_there_is_no_ratio_and_json_stays_valid():
    labels, outcome, probability = applicants(800)
    table, small = group_table(labels, outcome, probability, np.ones(800, dtype=bool))
    assert all(math.isnan(one.ratio.value) for one in table)
    whole = Fairness("pass", 100, table, small, [], [])
    json.dumps(whole.to_dict(), allow_nan=False)
    assert all("nan" in sentence for sentence in whole.words("EUR")) or whole.words("EUR")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["f", "m", None, ""], ["f", "m", "(missing)", "(missing)"]),
        ([1, 2, 1, None], ["1", "2", "1", "(missing)"]),
        ([True, False], ["True", "False"]),
    ],
)
def test_groups_are_the_values(values, expected):
    assert grouped(values).tolist() == expected


def test_a_number_of_many_values_is_grouped_by_quarters():
    ages = [*map(float, range(18, 82)), None]
    found = grouped(ages)
    assert sorted(set(found)) == sorted({"up to 33", "33 to 49", "49 to 65", "above 65", "(missing)"})
    assert (found[0], found[-2], found[-1]) == ("up to 33", "above 65", "(missing)")
    assert np.unique(found, return_counts=True)[1].tolist().count(16) == 4


def block(rows: int = 3000) -> tuple[Block, np.ndarray]:
    rng = np.random.default_rng(5)
    sex = rng.choice(["f", "m"], rows)
    columns = {
        "height": np.where(sex == "m", 178.0, 166.0) + rng.normal(0, 7, rows),
        "noise": rng.normal(size=rows),
        "title": np.where(rng.random(rows) < 0.9, sex == "m", rng.random(rows) < 0.5).astype(np.int32),
    }
    contract = Contract((Column("height"), Column("noise"), Column("title", "category", ("Ms", "Mr"))), tuple(columns))
    return Block(contract, columns, rng.random(rows) < 0.3, np.arange(rows, dtype=np.int8) % 5), sex


def test_features_that_stand_for_a_group_are_named_and_noise_is_not():
    rows, sex = block()
    found = find_proxies({"sex": sex}, rows, minimum_rows=100, seed=1)
    strength = {one.feature: one.roc_auc for one in found if one.level == "f"}
    assert set(strength) == {"height", "title", TOGETHER}
    assert strength[TOGETHER] > strength["title"] > strength["height"] > 0.8
    assert found == find_proxies({"sex": sex}, rows, minimum_rows=100, seed=1)


def contender(name: str, probability: np.ndarray, outcome: np.ndarray) -> Contender:
    policy = Policy("cost", COSTS.bayes_threshold, COSTS)
    evaluation = evaluate(outcome, probability, policy.act(probability, COSTS), COSTS, seed=1, resamples=10)
    margin = np.log(probability) - np.log1p(-probability)
    calibration = CalibrationChoice(Calibration(), (), probability, "")
    return Contender(name, 1, OutOfFold(margin, 0.0, 0.0), calibration, policy, evaluation)


def test_a_fairer_candidate_is_offered_with_its_price_and_an_unfairer_one_is_not():
    rng = np.random.default_rng(3)
    rows = 5000
    labels = {"sex": rng.choice(["f", "m"], rows)}
    truth = rng.beta(1, 4, rows)
    outcome = rng.random(rows) < truth
    women = labels["sex"] == "f"
    chosen = contender("chosen", np.clip(truth + 0.08 * women, 0.01, 0.99), outcome)
    fairer = contender("fairer", np.clip(truth, 0.01, 0.99), outcome)
    worse = contender("worse", np.clip(truth + 0.2 * women, 0.01, 0.99), outcome)
    found = find_alternatives(
        labels, [chosen, fairer, worse], chosen, outcome, COSTS, favourable="pass", minimum_rows=100, seed=1
    )
    assert [one.name for one in found] == ["fairer"]
    assert found[0].least_ratio > found[0].chosen_ratio
    gap = fairer.cost_per_thousand - chosen.cost_per_thousand
    assert found[0].cost.mean == pytest.approx(gap)
    assert "would raise the least ratio" in found[0].words("EUR")


def test_the_least_ratio_ignores_groups_too_small_to_judge():
    labels = {"sex": np.array(["f"] * 5 + ["m"] * 200 + ["x"] * 200)}
    good = np.array([False] * 5 + [True] * 200 + [True] * 160 + [False] * 40)
    assert least_ratio(labels, good, 100) == pytest.approx(0.8)
    assert least_ratio(labels, good, 300) == 1
