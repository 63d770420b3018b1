"""The policy that is chosen where nobody names one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.prices import Prices
from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.candidates.linear import LOGISTIC_REGRESSION
from riskloop.learn.contending import contend
from riskloop.learn.crossfit import OutOfFold
from riskloop.learn.plan import Plan

PLAN = Plan([LOGISTIC_REGRESSION], Costs(fp=10, fn=50))


@pytest.fixture(scope="module")
def block() -> Block:
    rng = np.random.default_rng(2)
    x = rng.normal(size=6000)
    outcome = rng.random(6000) < 1 / (1 + np.exp(-x + 1))
    return Block(Contract((Column("x"),), ("x",)), {"x": x}, outcome, np.arange(6000, dtype=np.int64) % 5)  # type: ignore[arg-type]


def contended(block: Block, margin: np.ndarray, plan: Plan = PLAN, candidate: Candidate = LOGISTIC_REGRESSION):
    return contend("one", 0, OutOfFold(margin, 0.0, 0.0), block, plan, candidate=candidate).policy


def test_calibrated_probabilities_are_decided_by_the_costs(block: Block) -> None:
    policy = contended(block, block.columns["x"] - 1)
    assert (policy.kind, policy.threshold) == ("cost", pytest.approx(10 / 60))


def test_where_calibration_is_rejected_the_threshold_is_found_by_its_cost(
    block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every calibration that is tried would mend these; so none may be."""
    monkeypatch.setattr("riskloop.learn.calibrating.KINDS", ("none",))
    policy = contended(block, 3 * block.columns["x"] + 2)
    assert policy.kind == "empirical"
    assert policy.why.startswith("Calibration is rejected")
    assert policy.interval is not None
    right = 3 * (np.log(10 / 50) + 1) + 2  # the margin at which the true odds are those of the costs
    low, high = (np.log(end / (1 - end)) for end in policy.interval)
    assert low <= right <= high


@pytest.mark.parametrize("kind", ["cost", "f1"])
def test_a_policy_that_is_named_is_kept(block: Block, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskloop.learn.calibrating.KINDS", ("none",))
    assert contended(block, 3 * block.columns["x"] + 2, replace(PLAN, policy=kind)).kind == kind


def test_own_prices_keep_their_own_thresholds(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskloop.learn.calibrating.KINDS", ("none",))
    priced = replace(PLAN, costs=Prices(10.0, "40 + x * x"))
    assert contended(block, 3 * block.columns["x"] + 2, priced).kind == "cost"
