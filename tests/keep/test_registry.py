from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from riskloop.errors import Unavailable
from riskloop.keep.chain import ReleaseState
from riskloop.keep.registry.registry import Registry
from riskloop.loop.project import Project


@pytest.fixture
def registry(trained: Project) -> Registry:
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
