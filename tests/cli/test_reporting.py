from __future__ import annotations

import json
from pathlib import Path

from riskloop.loop.project import Project
from tests.cli.conftest import Riskloop


def test_a_model_report_is_written_and_its_files_are_told(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("report", "model", "--project", trained.folder, "--version", 2, "--json")
    assert said.code == 0
    assert said.json["version"] == 2
    assert set(said.json["files"]) == {"html", "md", "json"}
    paths = [Path(path) for path in said.json["files"].values()]
    assert all(path.is_file() and path.parent == trained.locations.reports for path in paths)
    assert said.json["completeness"]["answered"] < said.json["completeness"]["points"]
    assert json.loads(Path(said.json["files"]["json"]).read_text())["version"] == 2


def test_a_compliance_pack_says_how_complete_it_is_and_who_is_to_go_on(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("report", "compliance", "--project", trained.folder, "--language", "fr")
    assert said.code == 0
    assert "ont une réponse" in said.out
    assert "à compléter par le délégué à la protection des données" in said.out
    assert "sbom.cdx.json" in said.out
    assert (trained.locations.reports / "compliance-1" / "compliance.fr.html").is_file()


def test_roles_are_told_by_name_in_the_language_asked_for(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("report", "model", "--project", trained.folder)
    assert "points are answered" in said.out
    assert "open for the data protection officer: " in said.out
    assert "protection:" not in said.out


def test_the_data_report_is_written_in_french_with_its_markdown(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("report", "data", "--project", trained.folder, "--language", "fr")
    assert said.code == 0
    for name in ("data.fr.html", "data.fr.md", "data.json"):
        assert (trained.locations.reports / name).is_file()
        assert name in "".join(said.out.split())


def test_a_version_that_is_not_there_is_one_clear_error(riskloop: Riskloop, trained: Project) -> None:
    for kind in ("model", "compliance"):
        said = riskloop("report", kind, "--project", trained.folder, "--version", 99)
        assert said.code == 1
        assert said.err.count("error:") == 1
        assert "There is no version 99" in said.err
        assert "choose one of 1, 2, 3" in said.err


def test_a_language_that_is_not_spoken_is_a_malformed_command(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("report", "model", "--project", trained.folder, "--language", "de")
    assert said.code == 2


def test_documents_have_schemas(riskloop: Riskloop) -> None:
    for name in ("data-report", "model-report", "compliance-pack", "drift-report", "experiment-report"):
        assert riskloop("schema", name).json["title"] == f"riskloop/{name}/1"
    assert "training" in riskloop("schema").json["properties"]
