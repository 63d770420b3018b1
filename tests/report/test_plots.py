from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.data.dataset import Dataset
from riskloop.learn.candidates.families import select_candidates
from riskloop.learn.evaluation.intervals import Interval
from riskloop.learn.plan import Plan
from riskloop.learn.training import Trained, train
from riskloop.problem import Problem
from riskloop.report import plots
from riskloop.report.plots import write_plots

NAMES = [
    "roc",
    "precision_recall",
    "confusion",
    "cost_curve",
    "calibration",
    "importance",
    "scores",
    "cost_ratio",
    "gain",
    "shap_summary",
    "shap_bars",
    "dependence",
]
ROWS = 800


@pytest.fixture(scope="module")
def trained() -> Trained:
    rng = np.random.default_rng(7)
    risk, noise = rng.normal(size=ROWS), rng.normal(size=ROWS)
    outcome = rng.random(ROWS) < 1 / (1 + np.exp(1.5 - 1.5 * risk))
    contract = Contract((Column("risk $x^2$"), Column("<noise>\n顧客")), ("risk $x^2$", "<noise>\n顧客"))
    columns = {"risk $x^2$": risk, "<noise>\n顧客": noise}
    dataset = Dataset(Problem("left", "1"), contract, columns, outcome, np.arange(ROWS), None, "fingerprint")
    return train(dataset, Plan(select_candidates(["decision_tree"], ROWS), Costs(fp=10, fn=60), folds=3))


@pytest.fixture(scope="module")
def written(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_plots(tmp_path_factory.mktemp("plots"), trained)


def test_every_plot_is_written_as_a_png(written: list[Path]) -> None:
    assert [path.name for path in written] == [f"{name}.png" for name in NAMES]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
    assert all(path.stat().st_size < 200_000 for path in written)


def test_the_same_training_gives_the_same_bytes(tmp_path: Path, trained: Trained, written: list[Path]) -> None:
    again = write_plots(tmp_path, trained)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]


def test_a_policy_that_never_acts_can_be_drawn(tmp_path: Path, trained: Trained) -> None:
    never = dataclasses.replace(trained.policy, kind="fixed", threshold=2.0)
    assert len(write_plots(tmp_path, dataclasses.replace(trained, policy=never))) == len(NAMES)


def test_scores_show_exactly_the_decisions_of_the_confusion_matrix(trained: Trained) -> None:
    counts = trained.test.confusion
    assert sum(one.fn for one in trained.curves.scores) == counts.fn
    upper, lower = plots._scores(trained).axes
    shown = {text.get_text() for axes in (upper, lower) for text in axes.get_legend().get_texts()}
    assert {f"acted on: {counts.tp:,}", f"missed: {counts.fn:,}", f"acted on needlessly: {counts.fp:,}"} <= shown


def test_the_cost_curve_passes_through_the_trivial_policies(trained: Trained) -> None:
    line = plots._cost_curve(trained).axes[0].lines[0]
    threshold, cost = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    rows = {row.name: row.cost_per_thousand.value for row in trained.policies}
    assert cost[np.argmin(threshold)] == pytest.approx(rows["act_on_all"])
    assert cost[np.argmax(threshold)] == pytest.approx(rows["act_on_none"])


def test_the_calibration_plot_shows_the_bins_and_the_interval_that_is_served(trained: Trained) -> None:
    axes = plots._calibration(trained).axes[0]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"{len(trained.examination.reliability.bins)} groups" in " ".join(words)
    assert "interval served (Venn-Abers)" in words


def test_importance_shows_at_most_twenty_features(trained: Trained) -> None:
    many = dataclasses.replace(trained, importance={f"feature {i}": Interval(1 / (i + 1), 0.0, 1.0) for i in range(40)})
    assert len(plots._importance(many).axes[0].patches) == 20


def test_a_notebook_shows_a_figure_as_it_is_written(trained: Trained, tmp_path: Path) -> None:
    drawn = plots.figures(trained)
    written = {path.stem: path.read_bytes() for path in write_plots(tmp_path, trained)}
    assert list(drawn) == list(written)
    assert {name: figure._repr_png_() for name, figure in drawn.items()} == written  # type: ignore[attr-defined]
