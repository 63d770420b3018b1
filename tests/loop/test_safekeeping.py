from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import select

from riskloop.errors import Conflict, DataError, UsageError
from riskloop.keep.database import reading
from riskloop.keep.tables import metadata
from riskloop.loop.project import Project
from riskloop.loop.workflows.keys import add_key
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.safekeeping import BackedUp, backup, restore
from riskloop.loop.workflows.score import score
from riskloop.wiring import open_project
from tests.conftest import ENVIRON


def _everything(project: Project) -> dict[str, list[tuple[object, ...]]]:
    with reading(project.engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


@pytest.fixture
def lived_in(trained: Project, tmp_path: Path) -> Project:
    score(trained, trained.source, tmp_path / "scored.csv")
    promote(trained, 2, reason="newer")
    add_key(trained, "crm", "scorer")
    return trained


@pytest.fixture
def saved(lived_in: Project, tmp_path: Path) -> BackedUp:
    return backup(lived_in, tmp_path / "saved.tar.gz")


def test_a_project_comes_back_to_the_last_row_and_bit(lived_in: Project, saved: BackedUp, tmp_path: Path) -> None:
    restored = restore(Path(saved.path), tmp_path / "back", lambda folder: open_project(folder, ENVIRON))
    assert restored.rows == saved.rows
    assert saved.rows["predictions"] == 2_500
    project = open_project(tmp_path / "back", ENVIRON)
    assert _everything(project) == _everything(lived_in)
    assert project.bundle()[1].digest == lived_in.bundle()[1].digest
    score(project, lived_in.source, tmp_path / "again.csv")  # and it goes on
    promote(project, 1, reason="back again")
    project.engine.dispose()


def test_a_project_moves_from_sqlite_to_postgresql_and_back(
    lived_in: Project, saved: BackedUp, tmp_path: Path, postgres: str, postgres_url: str
) -> None:
    there = ENVIRON | {"RISKLOOP_DATABASE_URL": postgres_url}
    restore(Path(saved.path), tmp_path / "there", lambda folder: open_project(folder, there))
    moved = open_project(tmp_path / "there", there)
    assert _everything(moved) == _everything(lived_in)
    score(moved, lived_in.source, tmp_path / "more.csv")  # rows go on being numbered
    again = backup(moved, tmp_path / "again.tar.gz")
    restore(Path(again.path), tmp_path / "back", lambda folder: open_project(folder, ENVIRON))
    back = open_project(tmp_path / "back", ENVIRON)
    assert _everything(back) == _everything(moved)
    for project in (moved, back):
        project.engine.dispose()


def test_a_backup_is_private_and_can_leave_the_signing_key_behind(lived_in: Project, tmp_path: Path) -> None:
    without = backup(lived_in, tmp_path / "without.tar.gz", keys=False)
    assert Path(without.path).stat().st_mode & 0o777 == 0o600
    with tarfile.open(without.path) as archive:
        names = archive.getnames()
    assert not [name for name in names if name.endswith(("signing.key", ".secret"))]
    restore(Path(without.path), tmp_path / "back", lambda folder: open_project(folder, ENVIRON))
    assert open_project(tmp_path / "back", ENVIRON).bundle()[0].version == 2


def test_nothing_is_written_over(lived_in: Project, saved: BackedUp) -> None:
    with pytest.raises(UsageError, match="already"):
        backup(lived_in, Path(saved.path))
    with pytest.raises(Conflict, match="project here already"):
        restore(Path(saved.path), lived_in.folder, lambda folder: open_project(folder, ENVIRON))


def test_a_database_that_holds_something_is_left_alone(lived_in: Project, saved: BackedUp, tmp_path: Path) -> None:
    taken = ENVIRON | {"RISKLOOP_DATABASE_URL": lived_in.locations.database_url}
    before = _everything(lived_in)
    with pytest.raises(Conflict, match="empty database"):
        restore(Path(saved.path), tmp_path / "back", lambda folder: open_project(folder, taken))
    assert _everything(lived_in) == before
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("kind", ["a stranger", "cut short", "one byte other", "a row more", "a way out"])
def test_what_is_no_whole_backup_is_refused_and_leaves_nothing(kind: str, saved: BackedUp, tmp_path: Path) -> None:
    path = tmp_path / "other.tar.gz"
    data = Path(saved.path).read_bytes()
    if kind == "a stranger":
        path.write_text("hello")
    elif kind == "cut short":
        path.write_bytes(data[: len(data) // 2])
    else:
        _altered(Path(saved.path), path, kind)
    with pytest.raises(DataError, match="backup"):
        restore(path, tmp_path / "back", lambda folder: open_project(folder, ENVIRON))
    assert not (tmp_path / "back").exists()
    assert not (tmp_path / "escaped").exists()


def _altered(saved: Path, path: Path, kind: str) -> None:
    with tarfile.open(saved) as source, tarfile.open(path, "w:gz") as out:
        for member in source.getmembers():
            content = source.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name == "tables/outcomes.jsonl" and kind == "a row more":
                data += json.dumps({"seq": 9}).encode()
            if member.name == "project/contract.yaml" and kind == "one byte other":
                data = data.replace(b"true", b"True", 1)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
        if kind == "a way out":
            out.addfile(tarfile.TarInfo("../escaped"), io.BytesIO(b""))
