from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.learn.block import Block
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.plan import Plan
from riskloop.learn.refitting import refit
from riskloop.learn.selecting import select
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.explainer import Explainer
from riskloop.scorer.scorer import Scorer

ROWS = 1500
CALIBRATIONS = {
    "none": Calibration(),
    "sigmoid": Calibration("sigmoid", (0.7, -0.4)),
    "beta": Calibration("beta", (0.8, 1.3, 0.2)),
    "isotonic": Calibration("isotonic", knots=(-3.0, -1.0, 0.5, 2.0), levels=(-2.0, -1.2, 0.1, 1.0)),
}


@pytest.fixture(scope="module")
def block() -> Block:
    rng = np.random.default_rng(1)
    columns: dict[str, Any] = {
        "age": rng.normal(45, 12, ROWS),
        "debt": np.where(rng.random(ROWS) < 0.1, np.nan, rng.gamma(2, 500, ROWS)),
        "income": rng.gamma(4, 600, ROWS),
        "region": rng.integers(-1, 4, ROWS).astype(np.int32),
    }
    odds = (columns["age"] - 45) / 12 + np.nan_to_num(columns["debt"]) / 1000 - 1.5 + (columns["region"] == 2)
    contract = Contract(
        (Column("age"), Column("debt"), Column("income"), Column("region", "category", ("n", "e", "s", "w"))),
        tuple(columns),
    )
    outcome = rng.random(ROWS) < 1 / (1 + np.exp(-odds))
    return Block(contract, columns, outcome, np.arange(ROWS, dtype=np.int8) % 3, {"burden": "debt / income"})


def scorer_of(block: Block, name: str) -> Scorer:
    families = [name] if name not in ("blend", "voting") else ["lightgbm", "gam", "hist_gradient_boosting"]
    candidates = [
        one.tuned({"rounds": 40}) if "rounds" in one.parameters else one for one in select_candidates(families, 1)
    ]
    plan = Plan(candidates, Costs(fp=1, fn=4), [name] if name in ("blend", "voting") else [], folds=3)
    _, contenders = select(block, plan)
    chosen = next(one for one in contenders if one.name == name)
    return refit(block, plan, chosen, contenders).scorer


@pytest.fixture(scope="module")
def scorers(block: Block) -> dict[str, Scorer]:
    names = (
        "logistic_regression",
        "scorecard",
        "gam",
        "decision_tree",
        "lightgbm",
        "xgboost",
        "catboost",
        "blend",
        "voting",
    )
    return {name: scorer_of(block, name) for name in names}


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_shares_add_up_to_the_log_odds_that_are_served(block: Block, scorers: dict[str, Scorer], kind: str) -> None:
    background = block.rows(np.arange(ROWS) < 60)
    for name, scorer in scorers.items():
        calibrated = replace(scorer, calibration=CALIBRATIONS[kind])
        explained = Explainer(calibrated, background).explain(block.columns)
        probability = calibrated.probability(block.columns)
        told = explained.base + explained.shares.sum(axis=1)
        assert np.abs(told - np.log(probability / (1 - probability))).max() < 1e-9, name


def test_a_feature_is_one_player_whatever_becomes_of_it(block: Block, scorers: dict[str, Scorer]) -> None:
    explainer = Explainer(scorers["blend"], block.rows(np.arange(ROWS) < 60))
    assert explainer.features == ("age", "debt", "income", "region", "burden")


def test_a_customer_of_the_mean_has_nothing_to_explain_in_a_linear_model(
    block: Block, scorers: dict[str, Scorer]
) -> None:
    one = {name: values[5:6] for name, values in block.columns.items()}
    explained = Explainer(scorers["logistic_regression"], one).explain(one)
    assert np.abs(explained.shares).max() < 1e-12


def test_what_changes_nothing_has_no_share(block: Block, scorers: dict[str, Scorer]) -> None:
    """Customers who differ from the background in age only."""
    one = {name: np.repeat(values[7:8], 40) for name, values in block.columns.items()}
    others = one | {"age": np.linspace(20, 70, 40)}
    for name, scorer in scorers.items():
        explained = Explainer(scorer, one).explain(others)
        assert np.abs(explained.shares[:, 1:]).max() < 1e-9, name
        assert np.ptp(explained.shares[:, 0]) > 0.1, name


def test_one_customer_alone_is_explained_alike(block: Block, scorers: dict[str, Scorer]) -> None:
    explainer = Explainer(scorers["blend"], block.rows(np.arange(ROWS) < 60))
    together = explainer.explain(block.columns).shares
    for row in (3, 99, 1000):
        alone = explainer.explain({name: values[row : row + 1] for name, values in block.columns.items()})
        assert alone.shares[0] == pytest.approx(together[row], abs=1e-12)
