from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.learn.candidates.families import FAMILIES, select_candidates
from riskloop.learn.plan import Plan
from riskloop.learn.refitting import refit
from riskloop.learn.selecting import select

HONOUR = [family.name for family in FAMILIES if family.monotone]


@pytest.fixture(scope="module")
def directed(block):
    """Age truly raises the risk; here the contract says that it lowers it, and that debt raises it."""
    told = {"age": "decreasing", "debt": "increasing"}
    columns = tuple(replace(one, monotone=told.get(one.name, "")) for one in block.contract.columns)
    return replace(block, contract=replace(block.contract, columns=columns), derived={})


@pytest.mark.parametrize("name", [*HONOUR, "blend"])
def test_the_served_model_keeps_the_declared_directions(directed, name):
    families = [name] if name != "blend" else ["logistic_regression", "scorecard", "lightgbm", "blend"]
    plan = Plan(select_candidates(families, 400), Costs(fp=1, fn=10), (name,) if name == "blend" else ())
    _, contenders = select(directed, plan)
    chosen = next(one for one in contenders if one.name == name)
    scorer = refit(directed, plan, chosen, contenders).scorer
    rng = np.random.default_rng(1)
    someone = rng.integers(0, len(directed.outcome), 40)
    for column, sign, grid in (("age", -1, np.linspace(10, 90, 60)), ("debt", 1, np.linspace(0, 6_000, 60))):
        for row in someone:
            columns = {key: np.repeat(values[row], 60) for key, values in directed.columns.items()}
            probability = scorer.probability(columns | {column: grid})
            assert (sign * np.diff(probability) >= -1e-12).all(), (column, row)


def test_a_family_that_cannot_honour_a_direction_is_left_out_and_named(directed):
    told = []

    class Listener:
        def fold(self, *_): ...
        def finished(self, *_): ...
        def trial(self, *_): ...
        def left_out(self, candidate, reason):
            told.append((candidate, reason))

    plan = Plan(select_candidates(["gradient_boosting", "logistic_regression"], 400), Costs(fp=1, fn=10))
    _, contenders = select(directed, plan, watcher=Listener())
    assert [one.name for one in contenders] == ["logistic_regression"]
    assert told == [("gradient_boosting", "it cannot honour the directions that the contract declares")]
