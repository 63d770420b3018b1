from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from riskloop.bundle.load import load
from riskloop.errors import GateRefused, Unavailable
from riskloop.learn.choice import Contender
from riskloop.loop.project import Project
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project
from tests.conftest import ENVIRON, Workshop


class Watcher:
    """Remembers what it was told; may interrupt."""

    def __init__(self, interrupt: Callable[[str, int], bool] = lambda name, done: False) -> None:
        self.folds: list[str] = []
        self.done: list[str] = []
        self._interrupt = interrupt

    def fold(self, candidate: str, done: int, total: int) -> None:
        if self._interrupt(candidate, done):
            raise KeyboardInterrupt
        self.folds.append(candidate)

    def finished(self, contender: Contender) -> None:
        self.done.append(contender.name)


STRICT = {"RISKLOOP__GATE__MIN_ROC_AUC": "0.99"}
QUICK = ("logistic_regression", "decision_tree")


@pytest.fixture
def client(trained: Project) -> object:
    import mlflow

    return mlflow.MlflowClient(tracking_uri=trained.locations.tracking_uri)


def test_a_version_is_registered_with_its_metrics_its_gate_and_its_digest(trained: Project) -> None:
    version = trained.versions.get(1)
    assert version.status == "accepted"
    assert {"roc_auc", "cost_per_thousand"} <= set(version.metrics["metrics"])
    assert {check["name"] for check in version.gate} >= {"roc_auc", "parity", "beats_act_on_all", "beats_act_on_none"}
    assert all(check["passed"] for check in version.gate)
    assert load(trained.locations.bundles / version.bundle, trained.keys.trusted()).digest == version.digest
    assert {one["name"] for one in version.summary["contenders"]} == set(QUICK)


def test_mlflow_holds_the_run_its_candidates_and_its_plots(trained: Project, client: object) -> None:
    import mlflow

    assert isinstance(client, mlflow.MlflowClient)
    version = trained.versions.get(1)
    run = client.get_run(str(version.run_id))
    assert run.info.status == "FINISHED"
    assert run.data.params["digest"] == version.digest
    assert run.data.params["data_fingerprint"] == version.data_fingerprint
    assert run.data.metrics["roc_auc"] == version.metrics["metrics"]["roc_auc"]["value"]
    names = {file.path for file in client.list_artifacts(str(version.run_id))}
    assert {"roc.png", "precision_recall.png", "confusion.png", "cost_curve.png", "calibration.png"} <= names
    assert {"importance.png", "card.json", "contract.json", "settings.json"} <= names
    children = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{version.run_id}'")
    assert {child.info.run_name for child in children} == set(QUICK)
    for child in children:
        assert child.info.status == "FINISHED"
        assert child.data.params["family"] == child.info.run_name
        assert {"training_seconds", "prediction_ms_per_1000", "roc_auc", "roc_auc_low", "roc_auc_high"} <= set(
            child.data.metrics
        )


def test_the_card_and_the_files_hold_a_closer_look(trained: Project, client: object) -> None:
    import mlflow

    assert isinstance(client, mlflow.MlflowClient)
    version = trained.versions.get(1)
    look = load(trained.locations.bundles / version.bundle, trained.keys.trusted()).card["examination"]
    assert look["iid"]["family"] in QUICK  # the split is by time
    assert len(look["stability"]["periods"]) >= 3
    assert look["reliability"]["bins"]
    assert version.summary["examination"]["words"]
    names = {file.path for file in client.list_artifacts(str(version.run_id))}
    assert {"segments.csv", "stability.png"} <= names


def test_every_bundle_knows_the_interval_of_a_probability(trained: Project) -> None:
    interval = load(trained.locations.bundles / trained.versions.get(1).bundle, trained.keys.trusted()).scorer.interval
    low, high = interval.of(0.5)
    assert 0 < low <= 0.5 <= high < 1


def test_the_same_data_and_seed_give_the_same_digest(trained: Project) -> None:
    again = train(trained, candidates=QUICK)
    assert again.version.version == 4
    assert again.version.digest == trained.versions.get(1).digest


def test_another_seed_gives_another_digest(trained: Project) -> None:
    other = open_project(trained.folder, {"RISKLOOP__TRAINING__SEED": "43"})
    assert train(other, candidates=("decision_tree",)).version.digest != trained.versions.get(1).digest


def test_interrupted_training_goes_on_where_it_stopped(new_project: Project) -> None:
    stopped = Watcher(lambda name, done: name == "decision_tree" and done == 2)
    with pytest.raises(KeyboardInterrupt):
        train(new_project, candidates=QUICK, watcher=stopped)
    assert stopped.done == ["logistic_regression"]
    assert new_project.versions.list() == ()
    resumed = Watcher()
    done = train(new_project, candidates=QUICK, watcher=resumed)
    assert set(resumed.folds) == {"decision_tree"}
    assert resumed.done == list(QUICK)
    assert not list(new_project.locations.unfinished.iterdir())
    fresh = Watcher()
    assert train(new_project, candidates=QUICK, watcher=fresh).version.digest == done.version.digest
    assert set(fresh.folds) == set(QUICK)


def test_an_interrupted_training_is_not_resumed_with_other_folds(new_project: Project) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(new_project, candidates=QUICK, watcher=Watcher(lambda name, _: name == "decision_tree"))
    watcher = Watcher()
    other = open_project(new_project.folder, {"RISKLOOP__TRAINING__SEED": "43"})
    train(other, candidates=("logistic_regression",), watcher=watcher)
    assert watcher.folds


def test_an_interrupted_run_is_closed_as_failed(new_project: Project) -> None:
    import mlflow

    with pytest.raises(KeyboardInterrupt):
        train(new_project, candidates=QUICK, watcher=Watcher(lambda *_: True))
    client = mlflow.MlflowClient(tracking_uri=new_project.locations.tracking_uri)
    experiment = client.get_experiment_by_name("churn")
    assert experiment is not None
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["FAILED"]


def test_the_quality_gate_stops_a_training_before_anything_is_written(new_project: Project) -> None:
    table = Path(new_project.source.path)
    broken = new_project.folder / "broken.csv"
    broken.write_text(table.read_text().replace("basic", "standard"))
    project = open_project(new_project.folder, {"RISKLOOP__DATA__PATH": str(broken)})
    with pytest.raises(GateRefused) as refused:
        train(project, candidates=QUICK)
    assert "plan" in str(refused.value)
    assert not new_project.locations.bundles.exists()
    assert new_project.versions.list() == ()


def test_without_mlflow_nothing_is_trained(new_project: Project) -> None:
    watcher = Watcher()
    away = open_project(new_project.folder, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    with pytest.raises(Unavailable):
        train(away, candidates=QUICK, watcher=watcher)
    assert not watcher.folds


def test_the_newest_row_of_a_customer_is_kept_for_scoring_by_id(new_project: Project) -> None:
    table = Path(new_project.source.path)
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    newest = max(rows, key=lambda row: row["snapshot_date"])
    earlier = [row | {"customer_id": newest["customer_id"]} for row in rows[:2]]
    panel = new_project.folder / "panel.csv"
    with panel.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(newest))
        writer.writeheader()
        writer.writerows([*rows, *earlier])
    project = open_project(new_project.folder, {"RISKLOOP__DATA__PATH": str(panel)})
    train(project, candidates=("decision_tree",))
    stored = project.customers.get(newest["customer_id"])
    assert stored == {name: newest[name] or None for name in project.contract.features}
    assert project.customers.count() == len(rows)


def test_a_champion_that_was_altered_does_not_stop_a_new_training(trained: Project) -> None:
    bundle = trained.locations.bundles / trained.versions.get(1).bundle
    (bundle / "policy.json").write_text("{}")
    done = train(trained, candidates=("decision_tree",))
    assert "not_worse_than_champion" not in {check.name for check in done.gate}


def test_promotion_is_part_of_training_only_when_asked_and_allowed(trained: Project) -> None:
    assert trained.promotions.state().champion == 1
    refused = train(open_project(trained.folder, STRICT), candidates=("decision_tree",), promote_reason="monthly")
    assert not refused.accepted
    assert trained.promotions.state().champion == 1
    accepted = train(trained, candidates=("logistic_regression",), promote_reason="monthly")
    assert accepted.promotion is not None
    assert accepted.promotion.reason == "monthly"
    assert trained.registry.aliases() == {"champion": 5, "previous": 1}


@pytest.mark.parametrize("kind", [pl.Date, pl.Datetime("us"), pl.Datetime("us", "Europe/Paris")])
def test_dates_of_a_parquet_table_are_served_as_text(workshop: Workshop, tmp_path: Path, kind: pl.DataType) -> None:
    """A table with typed dates passes the gate that feeds its rows to the service."""
    new_project = workshop.churn(tmp_path / "p")
    frame = pl.read_csv(new_project.source.path, try_parse_dates=True)
    frame = frame.with_columns(pl.col("snapshot_date").cast(pl.Datetime("us")))
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        frame = frame.with_columns(pl.col("snapshot_date").dt.replace_time_zone(kind.time_zone))
    frame.with_columns(pl.col("snapshot_date").cast(kind)).write_parquet(tmp_path / "typed.parquet")
    settings = {
        "RISKLOOP__DATA__PATH": str(tmp_path / "typed.parquet"),
        "RISKLOOP__FEATURES__DERIVED": '{"month": "month(snapshot_date)"}',
    }
    project = open_project(new_project.folder, ENVIRON | settings)
    done = train(project, candidates=("decision_tree",))
    assert [check.passed for check in done.gate if check.name == "parity"] == [True]
