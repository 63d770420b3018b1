from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from riskloop.bundle.bundle import Bundle, Golden, raw_rows
from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.decide.reasons import Rules
from riskloop.explain.reasoner import Reasoner
from riskloop.learn.block import Block
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.plan import Plan
from riskloop.learn.refitting import refit
from riskloop.learn.selecting import select

ROWS = 1_500


def columns_of(rows: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "age": rng.normal(45, 12, rows),
        "debt": np.where(rng.random(rows) < 0.1, np.nan, rng.gamma(2, 500, rows)),
        "income": rng.gamma(4, 600, rows),
        "region": rng.integers(-1, 4, rows).astype(np.int32),
    }


@pytest.fixture(scope="module", params=["lightgbm", "gam"])
def bundle(request: pytest.FixtureRequest) -> Bundle:
    """A model whose risk rises with debt and falls with income, by contract; age is protected."""
    columns = columns_of(ROWS, 1)
    odds = np.nan_to_num(columns["debt"]) / 600 - columns["income"] / 1500 + (columns["region"] == 2)
    contract = Contract(
        (
            Column("age"),
            Column("debt", nullable=True, minimum=0, monotone="increasing"),
            Column("income", minimum=0, monotone="decreasing"),
            Column("region", "category", ("n", "e", "s", "w"), nullable=True),
        ),
        tuple(columns),
    )
    outcome = np.random.default_rng(2).random(ROWS) < 1 / (1 + np.exp(-odds))
    block = Block(contract, columns, outcome, np.arange(ROWS, dtype=np.int8) % 3, {"burden": "debt / income"})
    plan = Plan(select_candidates([request.param], 1), Costs(fp=1, fn=4), folds=3)
    _, contenders = select(block, plan)
    scorer = refit(block, plan, contenders[0], contenders).scorer
    return Bundle(
        "loan",
        scorer,
        Policy("fixed", 0.3, Costs(fp=1, fn=4)),
        Golden((), ()),
        rules=Rules(protected=("age",), groups={"Debt": ("debt", "burden")}),
        baseline=tuple(raw_rows(contract, columns, range(100))),
    )


def test_what_is_said_adds_up_to_the_probability_served(bundle):
    columns = columns_of(400, 5)
    probability = bundle.scorer.probability(columns)
    for one, served in zip(Reasoner(bundle).explain(columns), probability, strict=True):
        told = one.base + sum(one.contributions.values())
        assert told == pytest.approx(np.log(served / (1 - served)), abs=1e-6)


def test_no_reason_contradicts_a_declared_trend_or_names_a_protected_attribute(bundle):
    columns = columns_of(600, 6)
    reasoner = Reasoner(bundle)
    typical = {feature.name: feature.typical for feature in reasoner.features}
    told = [reason for reasons in reasoner.reasons(columns) for reason in reasons]
    debts = [reason.value for reason in told if reason.feature == "debt" and reason.value is not None]
    incomes = [reason.value for reason in told if reason.feature == "income"]
    assert len(debts) > 20
    assert len(incomes) > 20
    assert min(debts) > typical["debt"]
    assert max(incomes) < typical["income"]
    assert "age" not in {reason.feature for reason in told}


def test_values_are_those_of_the_customer(bundle):
    columns = {"age": [50.0], "debt": [np.nan], "income": [10.0], "region": [-1]}
    (one,) = Reasoner(bundle).explain({name: np.array(values) for name, values in columns.items()})
    assert one.values == {"age": 50.0, "debt": None, "income": 10.0, "region": None, "burden": None}


def test_an_unknown_level_is_called_so(bundle):
    columns = columns_of(1, 3) | {"region": np.array([4], dtype=np.int32)}
    assert Reasoner(bundle).explain(columns)[0].values["region"] == "(other)"


def test_it_says_the_same_of_one_customer_as_of_many_and_in_many_threads(bundle):
    columns, reasoner = columns_of(40, 9), Reasoner(bundle)
    together = [[reason.group for reason in reasons] for reasons in reasoner.reasons(columns)]
    one_by_one = [{name: values[[row]] for name, values in columns.items()} for row in range(40)]
    with ThreadPoolExecutor(8) as pool:
        alone = list(pool.map(Reasoner(bundle).reasons, one_by_one))
    assert [[reason.group for reason in reasons[0]] for reasons in alone] == together


def test_customers_to_compare_with_decide_what_is_unusual(bundle):
    poor = tuple({**one, "income": 100.0} for one in bundle.baseline)
    customer = {name: values[:1] for name, values in columns_of(1, 3).items()} | {"income": np.array([200.0])}
    against_poor = Reasoner(replace(bundle, baseline=poor)).reasons(customer)[0]
    assert "income" in {reason.feature for reason in Reasoner(bundle).reasons(customer)[0]}
    assert "income" not in {reason.feature for reason in against_poor}
