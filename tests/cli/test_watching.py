from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from riskloop.loop.project import Project

Riskloop = Callable[..., Any]


@pytest.fixture
def batches(trained: Project, tmp_path: Path) -> Path:
    """A folder with an older batch and a newer one that has moved."""
    folder = tmp_path / "batches"
    folder.mkdir()
    frame = pl.read_csv(trained.source.path, infer_schema=False).tail(700)
    frame.with_columns(pl.col("monthly_charge").cast(pl.Float64) * 1.5).write_csv(folder / "in-2026-02-01.csv")
    frame.write_csv(folder / "in-2026-01-01.csv")
    return folder


def test_a_batch_that_drifted_ends_with_exit_code_3_and_says_why(
    riskloop: Riskloop, trained: Project, batches: Path
) -> None:
    said = riskloop("monitor", "--batch", batches, "--project", trained.folder)
    assert said.code == 3
    assert "monthly_charge" in said.out
    assert "drift-in-2026-02-01.html" in said.out


def test_what_machines_read_is_one_document(riskloop: Riskloop, trained: Project, batches: Path) -> None:
    said = riskloop("report", "drift", "--batch", batches, "--project", trained.folder, "--json")
    assert said.code == 3
    assert said.json["verdict"] == "drifted"
    assert Path(said.json["files"]["json"]).is_file()


def test_in_french_too(riskloop: Riskloop, trained: Project, batches: Path) -> None:
    said = riskloop("monitor", "--batch", batches, "--language", "fr", "--project", trained.folder)
    assert said.code == 3
    assert "en dérive" in said.out


def test_the_ledger_is_watched_without_a_batch(riskloop: Riskloop, trained: Project, simulated: Path) -> None:
    place = ("--project", trained.folder)
    assert riskloop("monitor", *place).code == 1
    january = simulated / "batches" / "january.csv"
    assert riskloop("score", january, "--out", trained.folder / "out.csv", *place).code == 0
    said = riskloop("monitor", "--since", "2026-01-01", *place)
    assert said.code == 0
    assert "drift-ledger-2026-01-01.json" in said.out


def test_a_day_that_is_none_and_a_batch_with_days_are_usage_errors(
    riskloop: Riskloop, trained: Project, batches: Path
) -> None:
    place = ("--project", trained.folder)
    assert riskloop("monitor", "--since", "yesterday", *place).code == 2
    assert riskloop("monitor", "--since", "2026-01-01", "--batch", batches, *place).code == 2


def test_a_watch_without_a_folder_and_a_time_that_is_none_are_usage_errors(
    riskloop: Riskloop, trained: Project, batches: Path
) -> None:
    place = ("--project", trained.folder)
    assert riskloop("monitor", "--watch", *place).code == 2
    assert riskloop("monitor", "--watch", "--batch", batches, "--every", "soon", *place).code == 2
    assert riskloop("monitor", "--watch", "--batch", batches / "nowhere", *place).code == 1


def test_the_run_of_windows_segments_and_a_classifier_are_shown(
    riskloop: Riskloop, trained: Project, simulated: Path
) -> None:
    place = ("--project", trained.folder)
    january = simulated / "batches" / "january.csv"
    assert riskloop("score", january, "--out", trained.folder / "out.csv", *place).code == 0
    asked = ("monitor", "--by", "day", "--segment", "plan", "--classifier", *place)
    said = riskloop(*asked)
    assert said.code == 0
    assert "Over time" in said.out
    assert "premium" in said.out
    assert "classifier" in said.out
    read = riskloop(*asked, "--json").json
    assert read["by"] == "day"
    assert read["windows"][0]["rows"] == read["rows"]
    assert {one["level"] for one in read["segments"]} >= {"basic", "premium"}
    assert read["classifier"]["reference"] == "training"
    assert riskloop("monitor", "--segment", "planet", *place).code == 2
