from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from riskloop.errors import NotFound
from riskloop.loop.project import Project
from riskloop.loop.watching.batches import complete, latest, sizes_in, tables_in
from riskloop.loop.workflows.watch_folder import Arrived, watch_folder


@pytest.fixture
def folder(trained: Project, tmp_path: Path) -> Path:
    made = tmp_path / "incoming"
    made.mkdir()
    return made


@pytest.fixture
def customers(trained: Project) -> pl.DataFrame:
    return pl.read_csv(trained.source.path, infer_schema=False).tail(120)


def _names(found: Iterator[Arrived]) -> list[str]:
    return [one.path.name for one in found]


def test_every_batch_is_monitored_once_the_oldest_first_and_never_again(
    trained: Project, folder: Path, customers: pl.DataFrame
) -> None:
    customers.write_csv(folder / "in-2026-02-01.csv")
    customers.head(100).write_csv(folder / "in-2026-01-01.csv")
    told: list[str] = []
    found = list(
        watch_folder(trained, folder, range(3), finish=lambda one: told.append(one.name) or f"about {one.name}")
    )
    assert [one.path.name for one in found] == ["in-2026-01-01.csv", "in-2026-02-01.csv"]
    assert told == ["in-2026-01-01", "in-2026-02-01"]
    assert [one.told for one in trained.batches.all()] == ["about in-2026-01-01", "about in-2026-02-01"]
    assert _names(watch_folder(trained, folder, range(3))) == []  # as after a restart


def test_a_file_that_grows_waits_until_two_looks_see_the_same(
    trained: Project, folder: Path, customers: pl.DataFrame
) -> None:
    whole = customers.write_csv()
    path = folder / "in-2026-01-01.csv"

    def writing() -> Iterator[int]:
        for share in (0.5, 0.8, 1.0):
            path.write_text(whole[: int(len(whole) * share)])
            yield 0
        yield 0

    found = list(watch_folder(trained, folder, writing()))
    assert [one.found.drift.rows for one in found if one.found] == [120]


def test_a_batch_written_anew_is_another_and_one_that_was_only_touched_is_not(
    trained: Project, folder: Path, customers: pl.DataFrame
) -> None:
    path = folder / "in-2026-01-01.csv"
    customers.write_csv(path)
    assert len(list(watch_folder(trained, folder, range(2)))) == 1
    path.touch()
    assert list(watch_folder(trained, folder, range(2))) == []
    customers.head(90).write_csv(path)
    assert len(list(watch_folder(trained, folder, range(2)))) == 1


def test_a_batch_that_cannot_be_read_holds_up_no_other_and_is_tried_again_by_the_next_call(
    trained: Project, folder: Path, customers: pl.DataFrame
) -> None:
    (folder / "in-2026-01-01.csv").write_text("a,b\n1,2\n")
    customers.write_csv(folder / "in-2026-02-01.csv")
    first, second = watch_folder(trained, folder, range(4))
    assert first.error is not None
    assert "lacks" in first.told
    assert second.found is not None
    assert next(one.verdict for one in trained.batches.all()) == "failed"
    assert _names(watch_folder(trained, folder, range(3))) == ["in-2026-01-01.csv"]


def test_what_was_not_finished_is_monitored_again(trained: Project, folder: Path, customers: pl.DataFrame) -> None:
    customers.write_csv(folder / "in-2026-01-01.csv")

    def interrupted(_: object) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(watch_folder(trained, folder, range(2), finish=interrupted))
    assert trained.batches.all() == []
    assert _names(watch_folder(trained, folder, range(2))) == ["in-2026-01-01.csv"]


def test_a_folder_that_is_not_there_is_one_clear_error(trained: Project, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        next(watch_folder(trained, tmp_path / "nowhere", range(1)))


@pytest.mark.parametrize(
    "name",
    [".in.csv", "~in.csv", "_in.csv", "in.tmp.csv", "in.part.csv", "tmp-in.csv", "in.csv.part", "in.draft.parquet"],
)
def test_names_of_unfinished_files_are_passed_over(tmp_path: Path, name: str) -> None:
    for one in (name, "parts-department-2026.csv"):
        (tmp_path / one).write_text("a\n1\n")
    assert [path.name for path in tables_in(tmp_path)] == ["parts-department-2026.csv"]


def test_an_empty_file_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert complete(sizes_in(tmp_path), sizes_in(tmp_path)) == []


def test_where_names_do_not_tell_the_newest_is_the_one_whose_rows_are(
    trained: Project, customers: pl.DataFrame, folder: Path
) -> None:
    from riskloop.loop.workflows.monitor import monitor_batch

    time_column = trained.settings.problem.time
    assert time_column is not None
    for name, day in (("zebra.csv", "2026-03-01"), ("apple.csv", "2026-04-01")):
        customers.with_columns(pl.lit(day).alias(time_column)).write_csv(folder / name)
    assert monitor_batch(trained, str(folder)).name == "apple"
    assert latest(trained.source.like(str(folder / "zebra.csv")), time_column) == 20_513
    assert latest(trained.source.like(str(folder / "zebra.csv")), None) is None
    assert latest(trained.source.like(str(folder / "zebra.csv")), "no_such_column") is None


def test_ctrl_c_ends_the_watch_and_what_was_monitored_stays_known(
    trained: Project, customers: pl.DataFrame, folder: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    customers.write_csv(folder / "in-2026-01-01.csv")
    place = ("--batch", folder, "--project", trained.folder, "--json")
    process = start("monitor", "--watch", "--every", "0.2s", *place)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert '"verdict"' in first
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "what was finished is kept" in said
    assert "Traceback" not in said
    assert [one.name for one in trained.batches.all()] == ["in-2026-01-01.csv"]
    assert (trained.locations.reports / "drift-in-2026-01-01.json").is_file()
