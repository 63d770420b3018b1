"""The whole loop on a real PostgreSQL and a shared store of bundles: what one laptop keeps in files, a company keeps in
servers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import polars as pl
import pytest

from riskloop.loop.project import Project
from riskloop.loop.workflows.doctor import diagnose
from riskloop.loop.workflows.history import verify_log
from riskloop.loop.workflows.monitor import monitor_ledger
from riskloop.loop.workflows.release import promote, rollback
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.score_partitions import score_partitions
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_engine, open_project
from tests.conftest import ENVIRON, Start, Workshop


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """What the environment of every machine says."""
    return {"RISKLOOP_DATABASE_URL": postgres_url, "RISKLOOP_ARTIFACTS_URL": str(tmp_path / "shared")}


@pytest.fixture
def project(workshop: Workshop, tmp_path: Path, shared: dict[str, str]) -> Iterator[Project]:
    workshop.churn(tmp_path / "churn")
    project = open_project(tmp_path / "churn", ENVIRON | shared)
    train(project, candidates=("logistic_regression",), promote_reason="first")
    yield project
    project.engine.dispose()


def test_a_project_lives_on_servers_from_training_to_rollback(
    project: Project, shared: dict[str, str], start: Start, tmp_path: Path
) -> None:
    scored = score(project, project.source, tmp_path / "scored.csv")
    train(project, candidates=("scorecard",))
    promote(project, 2, reason="better")
    rollback(project, None, reason="it was not")
    assert verify_log(project).ok
    assert project.promotions.state().champion == 1
    assert not (project.locations.state / "riskloop.db").exists()
    assert project.ledger.count() == scored.logged
    customers = pl.read_csv(project.source.path, n_rows=40).drop("churned", "snapshot_date")
    columns = [column.name for column in project.bundle()[1].contract.read]
    bodies = [
        {"id": row["customer_id"], "features": {name: row[name] for name in columns}}
        for row in customers.rows(named=True)
    ]
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(project.folder, elsewhere, ignore=shutil.ignore_patterns("bundles", "mlflow.db", "mlartifacts"))
    service = start("serve", "--port", 0, "--workers", 2, "--project", elsewhere, "--json", **shared)
    assert service.stdout is not None
    url = json.loads("".join(iter(service.stdout.readline, "}\n")) + "}")["url"]
    try:
        with httpx.Client(base_url=url, timeout=30) as client, ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda body: client.post("/predict", json=body), bodies * 5))
            assert {answer.status_code for answer in answers} == {200}
            told = client.post(
                "/outcomes",
                json=[{"id": bodies[0]["id"], "outcome": True, "observed_at": datetime.now(UTC).isoformat()}],
            )
            assert told.status_code == 200, told.text
    finally:
        service.kill()  # not asked to end: what was answered is there all the same
        service.communicate(timeout=60)
    kept = {answer.json()["prediction_id"] for answer in answers}
    assert project.ledger.count() == scored.logged + len(kept)
    assert len(kept) == 200
    assert len(list((elsewhere / ".riskloop" / "bundles").iterdir())) == 1  # fetched: the champion's
    assert monitor_ledger(project).drift.rows >= 200
    assert [one for one in diagnose(lambda: project) if not one.ok] == []


def test_workers_of_dask_keep_decisions_on_the_server_each_once(
    project: Project, shared: dict[str, str], simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take the server's address from their own environment; a second run from scratch is another 300 decisions."""
    pl.read_csv(simulated / "batches" / "january.csv").write_parquet(tmp_path / "january.parquet")
    for name, value in (ENVIRON | shared).items():
        monkeypatch.setenv(name, value)
    with open_engine("dask", 2) as engine:
        for out in ("first", "again", "first"):
            done = score_partitions(
                project, str(tmp_path / "january.parquet"), tmp_path / out, engine=engine, reopen=open_project, rows=40
            )
            assert done.logged == 300
    assert project.ledger.count() == 600
    assert pl.read_parquet(tmp_path / "first").equals(pl.read_parquet(tmp_path / "again"))
