from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.learn.block import Block
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.choice import Contender
from riskloop.learn.contending import contend
from riskloop.learn.crossfit import crossfit
from riskloop.learn.evaluation.learning_curve import learning_curve
from riskloop.learn.plan import Plan

(LOGISTIC,) = select_candidates(["logistic_regression"], 0)
PLAN = Plan((LOGISTIC,), Costs(fp=10, fn=40), folds=4)


def customers(rows: int, noise: int) -> Block:
    """One column that tells something, among others that do not: few rows are fooled by these."""
    rng = np.random.default_rng(2)
    names = [f"x{i}" for i in range(noise + 1)]
    columns = {name: rng.normal(size=rows) for name in names}
    outcome = rng.random(rows) < 1 / (1 + np.exp(1 - 2 * columns["x0"]))
    contract = Contract(tuple(Column(name) for name in names), tuple(names))
    return Block(contract, columns, outcome, (np.arange(rows) % 4).astype(np.int8))


def judged(block: Block) -> Contender:
    result = crossfit(LOGISTIC, block, seed=PLAN.seed)
    return contend(LOGISTIC.name, LOGISTIC.complexity, result, block, PLAN, candidate=LOGISTIC)


@pytest.fixture(scope="module")
def hungry() -> Block:
    return customers(rows=800, noise=60)


def test_more_rows_are_better_where_a_model_is_fooled_by_noise(hungry: Block) -> None:
    curve = learning_curve(judged(hungry), hungry, PLAN)
    assert curve is not None
    rows = [point.rows for point in curve.points]
    assert rows[-1] == 600
    assert rows == sorted(rows)
    loss = [point.log_loss.value for point in curve.points]
    assert loss == sorted(loss, reverse=True)
    assert curve.next_doubling > 0
    assert f"about {curve.next_doubling:,.1f} EUR" in curve.words()
    assert 0.5 * curve.last_doubling.mean <= curve.next_doubling <= curve.last_doubling.mean
    json.dumps(curve.to_dict(), allow_nan=False)


def test_more_rows_are_worth_nothing_once_all_is_learnt() -> None:
    block = customers(rows=4_000, noise=0)
    curve = learning_curve(judged(block), block, PLAN)
    assert curve is not None
    assert curve.next_doubling == 0
    assert "nothing beyond noise" in curve.words() or "worse" in curve.words()


def test_where_folds_roll_forward_only_the_past_teaches(hungry: Block) -> None:
    fold = hungry.fold.copy()
    order = np.argsort(fold, kind="stable")
    fold[order] = np.repeat([-1, 0, 1, 2], 200)
    forward = replace(hungry, fold=fold, trains=tuple(fold < number for number in range(3)))
    curve = learning_curve(judged(forward), forward, PLAN)
    assert curve is not None
    assert curve.points[-1].rows == 500  # of 400 rows before the last fold but one and 600 before the last


def test_too_few_rows_have_no_curve() -> None:
    block = customers(rows=60, noise=0)
    assert learning_curve(judged(block), block, PLAN) is None
