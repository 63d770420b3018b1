from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

from riskloop.costs import Costs
from riskloop.data.dataset import Dataset, prepare
from riskloop.data.infer import infer_contract
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.plan import Plan
from riskloop.learn.training import Trained, train
from riskloop.loop.gate import GateCheck, gate, passed
from riskloop.problem import Problem
from riskloop.settings import GateSection

Judge = Callable[..., dict[str, GateCheck]]


def _dataset(strength: float) -> Dataset:
    """1,500 customers of whom one number tells more or less."""
    rng = np.random.default_rng(5)
    signal, noise = rng.normal(size=(2, 1_500))
    outcome = rng.random(1_500) < 1 / (1 + np.exp(1 - strength * signal))
    frame = pl.DataFrame({"signal": signal, "noise": noise, "left": np.where(outcome, "yes", "no")})
    problem = Problem("left", "yes")
    dataset = prepare(frame, infer_contract(frame, problem).contract, problem).dataset
    assert dataset is not None
    return dataset


def _learn(dataset: Dataset, costs: Costs) -> Trained:
    return train(dataset, Plan(select_candidates(["logistic_regression"], 0), costs))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return _dataset(strength=2.0)


@pytest.fixture(scope="module")
def good(dataset: Dataset) -> Trained:
    return _learn(dataset, Costs(fp=10, fn=30))


@pytest.fixture
def judge(dataset: Dataset, good: Trained) -> Judge:
    def hold(limits: GateSection | None = None, **more: object) -> dict[str, GateCheck]:
        facts = {"parity": 0.0, "latency_ms": 1.0} | more
        outcome = dataset.outcome[good.split.test]
        return _by_name(gate(good, outcome, limits or GateSection(), **facts))  # type: ignore[arg-type]

    return hold


def _by_name(checks: Sequence[GateCheck]) -> dict[str, GateCheck]:
    return {check.name: check for check in checks}


def test_a_good_model_passes(judge: Judge) -> None:
    assert passed(list(judge().values()))


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"min_roc_auc": 0.99}, "roc_auc"),
        ({"min_f1": 0.99}, "f1"),
        ({"max_cost_per_thousand": 1.0}, "cost_per_thousand"),
        ({"max_calibration_error": 1e-6}, "calibration_error"),
        ({"max_roc_auc": 0.6}, "max_roc_auc"),
    ],
)
def test_a_limit_that_is_missed_is_named_with_both_numbers(judge: Judge, limits: dict[str, float], name: str) -> None:
    checks = judge(GateSection(**limits))
    (failed,) = [check for check in checks.values() if not check.passed]
    assert failed.name == name
    assert failed.limit == next(iter(limits.values()))
    assert f"{failed.value:.4g}" in failed.message
    assert f"{failed.limit:g}" in failed.message


def test_a_model_too_good_to_be_true_raises_the_overfit_alarm(judge: Judge) -> None:
    check = judge(GateSection(max_roc_auc=0.6))["max_roc_auc"]
    assert "better than anybody has managed (0.6): look for a column that knows the outcome" in check.message
    assert "'signal'" in check.message
    assert judge(GateSection(max_roc_auc=0.99))["max_roc_auc"].passed
    assert "max_roc_auc" not in judge()


@pytest.mark.parametrize(
    ("facts", "name"),
    [({"parity": 1e-6}, "parity"), ({"parity": float("nan")}, "parity"), ({"latency_ms": 80.0}, "latency_ms")],
)
def test_a_model_that_is_served_otherwise_or_slowly_is_refused(
    judge: Judge, facts: dict[str, float], name: str
) -> None:
    assert [check.name for check in judge(**facts).values() if not check.passed] == [name]


def test_a_model_as_good_as_the_champion_passes(judge: Judge, dataset: Dataset, good: Trained) -> None:
    outcome = dataset.outcome[good.split.test]
    cost = good.policy.cost(outcome, good.test_probability, good.test_costs)
    assert judge(champion_cost=cost)["not_worse_than_champion"].passed


def test_a_model_that_is_worse_than_the_champion_is_refused(judge: Judge, dataset: Dataset, good: Trained) -> None:
    outcome = dataset.outcome[good.split.test]
    someone_who_knows = good.test_costs.each(outcome, outcome)
    check = judge(champion_cost=someone_who_knows)["not_worse_than_champion"]
    assert not check.passed
    assert "worse" in check.message


@pytest.mark.parametrize(
    ("costs", "beaten_by"),
    [(Costs(fp=1, fn=100), "beats_act_on_all"), (Costs(fp=100, fn=1), "beats_act_on_none")],
)
def test_a_model_that_decides_like_no_model_is_refused(costs: Costs, beaten_by: str) -> None:
    noise = _dataset(strength=0.0)
    useless = _learn(noise, costs)
    checks = _by_name(gate(useless, noise.outcome[useless.split.test], GateSection(), parity=0, latency_ms=1))
    assert not checks[beaten_by].passed
    assert "does not earn its keep" in checks[beaten_by].message
    assert "as cheap as the model" in useless.verdict or "cheaper than the model" in useless.verdict
