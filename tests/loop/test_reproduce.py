from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from riskloop.errors import ConfigError, NotFound, UsageError
from riskloop.loop.project import Project
from riskloop.loop.workflows.report import report_points
from riskloop.loop.workflows.reproduce import reproduce
from riskloop.loop.workflows.train import train
from riskloop.settings import FILE, read_yaml, write_yaml
from riskloop.wiring import open_project

ENVIRON = {"RISKLOOP_ACTOR": "ada"}


def edited(project: Project, section: str, **fields: object) -> Project:
    path = project.folder / FILE
    document = read_yaml(path)
    document[section] = {**document.get(section, {}), **fields}
    write_yaml(path, document, "edited")
    return open_project(project.folder, ENVIRON)


@pytest.mark.slow
def test_a_searched_and_blended_version_is_made_again_byte_for_byte(new_project: Project) -> None:
    made = train(new_project, candidates=["logistic_regression", "lightgbm", "blend"], trials=6)
    again = reproduce(new_project, made.version.version)
    assert again.equal
    assert again.differences == ()
    assert again.digest == made.version.digest


def test_two_folders_give_the_same_bundle(workshop: Any, tmp_path: Path) -> None:
    made = [
        train(workshop.churn(tmp_path / name), candidates=["logistic_regression", "decision_tree"]).version.digest
        for name in ("here", "there")
    ]
    assert made[0] == made[1]


def test_settings_that_changed_since_do_not_matter(trained: Project) -> None:
    later = edited(trained, "costs", fp=1, fn=50)
    assert reproduce(later, 2).equal


def test_other_data_are_named(trained: Project) -> None:
    source = Path(trained.source.path)
    table = trained.folder / "customers.csv"
    lines = source.read_text().splitlines()
    table.write_text("\n".join(lines[:-5]) + "\n")
    version = trained.versions.get(2)
    version.summary["plan"]["settings"]["data"]["path"] = str(table)
    with trained.engine.begin() as connection:
        from sqlalchemy import update

        from riskloop.keep.tables import versions

        connection.execute(update(versions).where(versions.c.version == 2).values(summary=version.summary))
    again = reproduce(trained, 2)
    assert not again.equal
    assert any("the data are others" in one for one in again.differences)
    assert "model.npz is not the same" in again.differences


def test_a_version_that_is_not_there_cannot_be_made_again(trained: Project) -> None:
    with pytest.raises(NotFound):
        reproduce(trained, 99)


def test_a_budget_that_is_no_time_is_refused(new_project: Project) -> None:
    with pytest.raises(ConfigError, match="'soon' is no time"):
        train(new_project, budget="soon")


def test_the_points_of_a_scorecard_are_a_table_and_a_query_that_runs(new_project: Project) -> None:
    version = train(new_project, candidates=["scorecard"]).version.version
    written = report_points(new_project, version)
    rows = list(csv.DictReader(written.csv.read_text().splitlines()))
    assert {"feature", "bin", "woe", "points"} <= set(rows[0])
    with sqlite3.connect(":memory:") as database:
        with Path(new_project.source.path).open() as stream:
            customers = list(csv.DictReader(stream))[:50]
        names = ", ".join(f'"{name}"' for name in customers[0])
        database.execute(f"CREATE TABLE customers ({names})")
        marks = ", ".join("?" * len(customers[0]))
        database.executemany(
            f"INSERT INTO customers VALUES ({marks})", [[value or None for value in one.values()] for one in customers]
        )
        scores = [row[-1] for row in database.execute(written.sql.read_text().rstrip().rstrip(";"))]
    assert len(scores) == 50
    assert all(200 < score < 1000 for score in scores)


def test_another_family_has_no_points(trained: Project) -> None:
    with pytest.raises(UsageError, match="is no scorecard"):
        report_points(trained, 1)
