"""Costs that differ from customer to customer, from riskloop.yaml to the answer of the service."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskloop.data.source import Source
from riskloop.errors import ConfigError, DataError
from riskloop.loop.project import Project
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.train import TrainingResult, train
from riskloop.wiring import open_project

PRICED = {
    "RISKLOOP_ACTOR": "ada",
    "RISKLOOP__COSTS__FP": "10",
    "RISKLOOP__COSTS__FN": "8 * margin_per_month",
    "RISKLOOP__FEATURES__DROP": '{"margin_per_month": "it is worth, and no cause"}',
}


@pytest.fixture(scope="module")
def priced(workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, TrainingResult]:
    folder = tmp_path_factory.mktemp("priced")
    workshop.churn(folder)
    project = open_project(folder, PRICED)
    return project, train(project, candidates=("logistic_regression",), promote_reason="first")


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_column_that_prices_is_read_and_never_shown_to_the_model(priced: tuple[Project, TrainingResult]) -> None:
    project, done = priced
    _, bundle = project.bundle()
    assert bundle.contract.priced == ("margin_per_month",)
    assert "margin_per_month" not in bundle.contract.features
    assert not any("margin" in name for name in bundle.scorer.encoding.names)
    assert "margin_per_month" in bundle.golden.requests[0]
    assert "margin_per_month" not in done.trained.importance


def test_the_training_is_priced_customer_by_customer(priced: tuple[Project, TrainingResult]) -> None:
    trained = priced[1].trained
    costs, act = trained.test_costs, trained.policy.act(trained.test_probability, trained.test_costs)
    rows = {row.name: row for row in trained.policies}
    assert costs.varies
    assert rows["chosen"].total_cost == pytest.approx(costs.each(_outcome(priced), act).sum())
    assert rows["chosen"].total_cost <= rows["at_0.5"].total_cost
    assert trained.test["cost_per_thousand"].value == pytest.approx(rows["chosen"].total_cost / len(act) * 1000)


def _outcome(priced: tuple[Project, TrainingResult]) -> np.ndarray:
    from riskloop.loop.workflows.train import prepare_for_training

    project, done = priced
    return prepare_for_training(project)[1].outcome[done.trained.split.test]


def test_a_file_is_decided_with_each_customers_own_threshold(
    priced: tuple[Project, TrainingResult], simulated: Path, tmp_path: Path
) -> None:
    source = simulated / "batches" / "january.csv"
    done = score(priced[0], Source(str(source)), tmp_path / "out.csv", log=False)
    for customer, answer in zip(_read(source), _read(done.out), strict=True):
        missed, probability = 8 * float(customer["margin_per_month"]), float(answer["probability"])
        threshold = float(answer["threshold"])
        assert threshold == pytest.approx(10 / (10 + missed))
        assert (answer["decision"] == "act") == (probability >= threshold)
        assert float(answer["expected_cost"]) == pytest.approx(min((1 - probability) * 10, probability * missed))


def test_the_service_answers_what_the_file_does(
    priced: tuple[Project, TrainingResult], serve_project: Any, simulated: Path, tmp_path: Path
) -> None:
    project = priced[0]
    _, bundle = project.bundle()
    source = simulated / "batches" / "january.csv"
    answers = _read(score(project, Source(str(source)), tmp_path / "out.csv", log=False).out)
    customers = [
        {name: row[name] for name in (project.settings.problem.id, *bundle.contract.read_names)}
        for row in _read(source)[:20]
    ]
    text = "\n".join([",".join(customers[0]), *(",".join(one.values()) for one in customers)])
    with serve_project(project.folder) as client:
        told = client.post("/predict/batch", content=text, headers={"content-type": "text/csv"}).json()
        kept = [(one["threshold"], one["decision"], one["expected_cost"]) for one in told["answers"]]
        lacking = client.post("/predict", json={"features": bundle.golden.requests[0] | {"margin_per_month": None}})
        absent = dict(bundle.golden.requests[0])
        del absent["margin_per_month"]
        without = client.post("/predict", json={"features": absent})
    wanted = [(float(one["threshold"]), one["decision"], float(one["expected_cost"])) for one in answers[:20]]
    assert kept == wanted
    assert len({threshold for threshold, _, _ in kept}) > 10
    assert lacking.status_code == without.status_code == 422
    assert "margin_per_month" in lacking.text
    assert "margin_per_month" in without.text


@pytest.mark.parametrize(
    ("formula", "words"),
    [("8 * margin_per_mouth", "margin_per_month"), ("8 * region", "region"), ("churned", "churned")],
)
def test_a_formula_over_what_is_no_number_known_in_time_is_refused(
    priced: tuple[Project, TrainingResult], formula: str, words: str
) -> None:
    project = open_project(priced[0].folder, PRICED | {"RISKLOOP__COSTS__FN": formula})
    with pytest.raises(ConfigError, match="no number column") as refused:
        train(project, candidates=("logistic_regression",))
    assert words in refused.value.message


def test_rows_without_a_price_stop_the_training_with_their_number(priced: tuple[Project, TrainingResult]) -> None:
    formula = "8 * margin_per_month / (margin_per_month - margin_per_month)"
    project = open_project(priced[0].folder, PRICED | {"RISKLOOP__COSTS__FN": formula})
    with pytest.raises(DataError, match="rows cannot be priced"):
        train(project, candidates=("logistic_regression",))


def test_reviews_are_decided_counted_and_logged(workshop: Any, simulated: Path, tmp_path: Path) -> None:
    workshop.churn(tmp_path)
    project = open_project(tmp_path, PRICED | {"RISKLOOP__REVIEW__COST": "3", "RISKLOOP__REVIEW__MOST": "0.2"})
    train(project, candidates=("logistic_regression",), promote_reason="first")
    done = score(project, Source(str(simulated / "batches" / "january.csv")), tmp_path / "out.csv")
    looked_at = [row for row in _read(done.out) if row["decision"] == "review"]
    assert done.reviewed == len(looked_at) > 0
    kept = project.ledger.predictions(looked_at[0]["customer_id"])[0]
    assert (kept.decision, kept.expected_cost) == ("review", pytest.approx(3))
