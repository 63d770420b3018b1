from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.dataset import prepare
from riskloop.data.infer import infer_contract
from riskloop.data.source import Source, read
from riskloop.learn.block import Block
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.evaluation import iid
from riskloop.learn.evaluation.iid import IidAgainstTime
from riskloop.learn.evaluation.intervals import Interval
from riskloop.learn.plan import Plan
from riskloop.learn.training import Trained, train
from riskloop.problem import Problem


@pytest.fixture(scope="module")
def bank(real_data: Path) -> Trained:
    """Calls of 2008 to 2010 in their order, one row in four: few said yes at first, every second one at last."""
    frame, _ = read(Source(str(real_data / "bank_marketing" / "bank-additional-full.csv")))
    frame = frame.gather_every(4)
    problem = Problem("y", "yes", unavailable=("duration",))
    dataset = prepare(frame, infer_contract(frame, problem).contract, problem, in_time_order=True).dataset
    assert dataset is not None
    return train(dataset, Plan(select_candidates(["decision_tree"], 0), Costs(fp=10, fn=50), split="row_order"))


def test_random_folds_of_bank_marketing_promise_what_later_calls_do_not_keep(bank: Trained) -> None:
    side_by_side = bank.examination.iid
    assert side_by_side is not None
    before, after = side_by_side.positive_rate
    assert after > 3 * before
    assert side_by_side.test["cost_per_thousand"].low > side_by_side.random["cost_per_thousand"].high
    assert side_by_side.test["log_loss"].low > side_by_side.random["log_loss"].high
    assert "too good to be true" in side_by_side.words()


def test_bank_marketing_is_not_stable(bank: Trained) -> None:
    stability = bank.examination.stability
    assert stability is not None
    assert stability.score < stability.mean
    latest = stability.periods[-1]
    assert latest.test_share == 1
    assert latest.in_the_large.low > 1.5  # far more said yes than the years before made likely


@pytest.mark.parametrize(
    ("came", "words"),
    [((5, 4, 6), "within noise"), ((9, 8, 10), "4 EUR per 1,000 too good"), ((1, 0, 2), "4 EUR per 1,000 worse")],
)
def test_the_verdict_says_how_far_promise_and_outcome_are_apart(came: tuple[float, ...], words: str) -> None:
    auc = Interval(0.7, 0.6, 0.8)
    promised = {"roc_auc": auc, "cost_per_thousand": Interval(5, 4, 6)}
    test = {"roc_auc": auc, "cost_per_thousand": Interval(*came)}
    assert words in IidAgainstTime("logistic_regression", promised, promised, test, (0.1, 0.1), "EUR").words()


def test_of_very_many_rows_some_are_taken(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iid, "MOST_ROWS", 100)
    plan = Plan(select_candidates(["decision_tree"], 0), Costs(fp=10, fn=50), folds=3)
    mixed = iid._random_folds(block, np.arange(len(block.outcome)), plan)
    assert len(mixed.outcome) == 100
    assert not mixed.forward
    assert {len(values) for values in mixed.columns.values()} == {100}
    assert set(mixed.fold.tolist()) == {0, 1, 2}
