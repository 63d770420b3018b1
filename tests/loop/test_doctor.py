from __future__ import annotations

from pathlib import Path

import pytest

from riskloop.engines import dask
from riskloop.loop.project import Project
from riskloop.loop.workflows.doctor import Diagnosis, diagnose
from riskloop.wiring import cluster_check, open_project


def _look(folder: Path) -> dict[str, Diagnosis]:
    return {one.name: one for one in diagnose(lambda: open_project(folder, {}))}


def test_a_whole_project_has_nothing_wrong(trained: Project) -> None:
    found = _look(trained.folder)
    assert not [one for one in found.values() if not one.ok]
    assert {"python", "mlflow", "project", "contract", "data", "signing key", "database", "champion"} <= set(found)
    assert "version 1 (logistic_regression)" in found["champion"].found


def test_without_a_project_the_installation_is_looked_at_all_the_same(tmp_path: Path) -> None:
    found = _look(tmp_path)
    assert found["python"].ok
    assert not found["project"].ok
    assert "riskloop init" in found["project"].next_step


def test_a_new_project_lacks_a_champion_and_is_told_how_to_get_one(new_project: Project) -> None:
    wrong = [one for one in _look(new_project.folder).values() if not one.ok]
    assert [one.name for one in wrong] == ["champion"]
    assert "riskloop train" in wrong[0].next_step


@pytest.mark.parametrize(("pattern", "name"), [("contract.yaml", "contract"), (".riskloop/keys/*.pub", "signing key")])
def test_what_is_missing_is_named_with_the_next_step(trained: Project, pattern: str, name: str) -> None:
    for path in trained.folder.glob(pattern):
        path.unlink()
    sick = _look(trained.folder)[name]
    assert not sick.ok
    assert sick.next_step


def test_data_that_have_gone_are_missed(trained: Project) -> None:
    project = open_project(trained.folder, {"RISKLOOP__DATA__PATH": "gone.csv"})
    assert not {one.name: one for one in diagnose(lambda: project)}["data"].ok


def test_an_altered_champion_is_noticed(trained: Project) -> None:
    (trained.locations.bundles / trained.versions.get(1).bundle / "card.json").write_text("{}")
    sick = _look(trained.folder)["champion"]
    assert (sick.ok, "altered" in sick.found) == (False, True)


def test_a_cluster_that_is_named_is_looked_at(trained: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "_SECONDS", 1)
    assert cluster_check({}) is None
    found = {one.name: one for one in diagnose(lambda: trained, cluster_check({dask.ADDRESS: "tcp://127.0.0.1:1"}))}
    assert not found["dask"].ok
    assert "No Dask scheduler answers" in found["dask"].found
    assert "start it" in found["dask"].next_step
