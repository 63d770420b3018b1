from __future__ import annotations

from pathlib import Path

import pytest

from riskloop.errors import Unavailable
from riskloop.loop.project import Project
from riskloop.loop.workflows.doctor import diagnose
from riskloop.loop.workflows.report import report_data
from riskloop.loop.workflows.report_version import report_compliance, report_model
from riskloop.wiring import open_project
from tests.conftest import ENVIRON


@pytest.fixture
def published(trained: Project, tmp_path: Path) -> Project:
    """The project with a store of its own beyond this machine."""
    return open_project(trained.folder, ENVIRON | {"RISKLOOP_ARTIFACTS_URL": str(tmp_path / "store")})


def test_every_report_is_published_as_it_lies_here(published: Project, tmp_path: Path) -> None:
    for write in (report_model, report_compliance):
        write(published)
    report_data(published)
    here, there = published.locations.reports, tmp_path / "store" / "reports"
    files = {path.relative_to(there).as_posix(): path.read_bytes() for path in there.rglob("*") if path.is_file()}
    assert {"model-1.html", "compliance-1/compliance.html", "data.html"} <= set(files)
    assert files == {name: (here / name).read_bytes() for name in files}


def test_rows_that_were_set_aside_stay_here(published: Project, tmp_path: Path) -> None:
    published.locations.reports.mkdir(exist_ok=True)
    (published.locations.reports / "quarantine-x.csv").write_text("customer_id\nC-1\n")
    report_model(published)
    assert not list((tmp_path / "store" / "reports").glob("quarantine*"))


def test_a_store_that_is_away_is_told_and_the_report_is_here(trained: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    project = open_project(trained.folder, ENVIRON | {"RISKLOOP_ARTIFACTS_URL": str(tmp_path / "file" / "store")})
    with pytest.raises(Unavailable, match="run the same command again") as told:
        report_model(project)
    assert Path(str(told.value.where)).is_file()


@pytest.mark.parametrize(
    ("name", "variable", "address", "says"),
    [
        ("database", "RISKLOOP_DATABASE_URL", "postgresql+psycopg://risk@127.0.0.1:1/none", "database"),
        ("artifacts", "RISKLOOP_ARTIFACTS_URL", "s3://nowhere/none", "RISKLOOP_ARTIFACTS_URL"),
        ("mlflow", "MLFLOW_TRACKING_URI", "http://127.0.0.1:1", "MLFLOW_TRACKING_URI"),
    ],
)
def test_the_doctor_says_which_store_is_away_and_what_to_do(
    trained: Project, monkeypatch: pytest.MonkeyPatch, name: str, variable: str, address: str, says: str
) -> None:
    for secret in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(secret, "none")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    project = open_project(trained.folder, ENVIRON | {variable: address})
    found = {one.name: one for one in diagnose(lambda: project)}
    assert not found[name].ok
    assert says in found[name].next_step
