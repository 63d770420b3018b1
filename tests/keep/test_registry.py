from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from riskloop.errors import ContractError, Unavailable
from riskloop.keep.chain import ReleaseState
from riskloop.keep.registry.registry import Registry
from riskloop.loop.project import Project


@pytest.fixture
def registry(trained: Project, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry of the trained project, to which `models:/` addresses point too."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.locations.tracking_uri)
    return trained.registry


def test_a_run_keeps_its_parameters_its_metrics_and_its_files(registry: Registry, tmp_path: Path) -> None:
    import mlflow

    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "note.txt").write_text("seen")
    parent = registry.start_run("training", {"rows": 10})
    child = registry.start_run("lightgbm", {"family": "lightgbm"}, parent)
    registry.finish_run(child, {"roc_auc": 0.8, "undefined": None})
    registry.finish_run(parent, {"f1": 0.5}, {"accepted": True}, tmp_path / "files")
    client = mlflow.MlflowClient(tracking_uri=registry.tracking_uri)
    told = client.get_run(parent)
    assert (told.info.status, told.data.metrics, told.data.params) == (
        "FINISHED",
        {"f1": 0.5},
        {"rows": "10", "accepted": "True"},
    )
    assert [file.path for file in client.list_artifacts(parent)] == ["note.txt"]
    below = client.get_run(child)
    assert below.data.tags["mlflow.parentRunId"] == parent
    assert below.data.metrics == {"roc_auc": 0.8}


def test_aliases_say_what_the_log_says_however_often_and_in_whatever_order_they_are_told(registry: Registry) -> None:
    for state in (ReleaseState(2, 1, None), ReleaseState(1, None, 2), ReleaseState(1, None, 2)):
        registry.project_aliases(state)
    assert registry.aliases() == {"champion": 1, "previous": 2}
    registry.project_aliases(ReleaseState())
    assert registry.aliases() == {}


def test_the_champion_loads_as_an_ordinary_mlflow_model_and_predicts_what_the_bundle_predicts(
    trained: Project, registry: Registry, simulated: Path
) -> None:
    import mlflow

    model = mlflow.pyfunc.load_model("models:/churn@champion")
    table = pd.read_csv(simulated / "batches" / "january.csv", keep_default_na=False, na_values=[""])
    _, bundle = trained.bundle()
    expected, decoded = bundle.score(_rows(table[list(bundle.contract.features)]))
    answer = model.predict(table)
    assert not decoded.breaches
    assert abs(answer["probability"].to_numpy() - expected).max() < 1e-12
    assert set(answer["decision"]) <= set(bundle.policy.labels)


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def test_the_model_names_its_features_and_pickles_nothing(trained: Project, registry: Registry) -> None:
    import mlflow

    info = mlflow.models.get_model_info("models:/churn@champion")
    assert tuple(info.signature.inputs.input_names()) == trained.contract.features
    folder = Path(mlflow.artifacts.download_artifacts("models:/churn@champion"))
    assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib"}]


def test_the_model_refuses_a_customer_who_breaks_the_contract(registry: Registry, simulated: Path) -> None:
    import mlflow

    model = mlflow.pyfunc.load_model("models:/churn@champion")
    table = pd.read_csv(simulated / "batches" / "january.csv", keep_default_na=False, na_values=[""])
    with pytest.raises(ContractError, match=r"gold.*row 7") as caught:
        model.predict(table.assign(plan=table["plan"].where(table.index != 7, "gold")))
    assert caught.value.where == "column 'plan'"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "sqlite:////proc/no/such/mlflow.db"])
def test_a_store_that_is_away_is_unavailable_and_soon(uri: str, tmp_path: Path) -> None:
    registry = Registry(uri, "churn", tmp_path)
    with pytest.raises(Unavailable) as caught:
        registry.aliases()
    assert caught.value.where == uri
    assert "MLFLOW_TRACKING_URI" in str(caught.value.next_step)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database at all, but long enough to look at" * 100)
    with pytest.raises(Unavailable):
        Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", "churn", tmp_path).prepare()


def test_a_password_in_the_address_is_not_told(tmp_path: Path) -> None:
    registry = Registry("http://ada:secret@127.0.0.1:9", "churn", tmp_path)
    with pytest.raises(Unavailable) as caught:
        registry.prepare()
    assert "secret" not in str(caught.value)


def test_registering_a_model_leaves_no_trace_in_the_environment(trained: Project) -> None:
    before = dict(os.environ)
    record = trained.versions.get(1)
    run = trained.registry.start_run("again", {})
    trained.registry.register(run, trained.locations.bundles / record.bundle, trained.contract, [])
    assert dict(os.environ) == before
