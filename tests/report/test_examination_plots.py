from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.data.dataset import Dataset
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.plan import Plan
from riskloop.learn.training import Trained, train
from riskloop.problem import Problem
from riskloop.report.examination_plots import over_time
from riskloop.report.plots import write_plots

ROWS = 1_200


@pytest.fixture(scope="module")
def trained() -> Trained:
    rng = np.random.default_rng(7)
    risk = rng.normal(size=ROWS)
    outcome = rng.random(ROWS) < 1 / (1 + np.exp(1.5 - 1.5 * risk))
    contract = Contract((Column("risk"),), ("risk",))
    dataset = Dataset(Problem("left", "1"), contract, {"risk": risk}, outcome, np.arange(ROWS), None, "fingerprint")
    plan = Plan(select_candidates(["logistic_regression"], ROWS), Costs(fp=10, fn=60), folds=3, split="row_order")
    return train(dataset, plan, learning_curve=True)


def test_what_an_examination_found_is_written_beside_the_other_plots(trained: Trained, tmp_path: Path) -> None:
    written = write_plots(tmp_path, trained)
    assert [path.name for path in written][-2:] == ["stability.png", "learning_curve.png"]
    again = write_plots(tmp_path, trained)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]


def test_stability_shows_every_period_and_the_test_block(trained: Trained) -> None:
    upper, lower = over_time(trained.examination)["stability"].axes
    stability = trained.examination.stability
    assert stability is not None
    assert list(np.asarray(upper.lines[0].get_ydata())) == [one.gini for one in stability.periods]
    assert "test block" in {text.get_text() for text in upper.get_legend().get_texts()}
    assert lower.get_xticklabels()[0].get_text() == stability.periods[0].name


def test_the_learning_curve_shows_every_share_of_the_rows(trained: Trained) -> None:
    upper, lower = over_time(trained.examination)["learning_curve"].axes
    curve = trained.examination.learning_curve
    assert curve is not None
    assert len(upper.lines[0].get_xdata()) == len(curve.points)
    assert [text.get_text() for text in lower.get_xticklabels()] == [f"{one.rows:,}" for one in curve.points]
