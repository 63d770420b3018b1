from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from riskloop.keep.alerts import Pace
from riskloop.loop.project import Project
from riskloop.settings import FILE
from riskloop.watch.alerts import DEFAULTS, Fact, judge

Riskloop = Callable[..., Any]


@pytest.fixture
def fallen(trained: Project) -> Project:
    """A project with one alert open."""
    fact = Fact("roc_auc_change", "batches", -0.09, -0.12, -0.06, 800, {"version": 1})
    trained.alerts.settle([judge(DEFAULTS["roc_auc_down"], fact)], datetime.now(UTC), Pace())
    return trained


def _moved(project: Project, path: Path) -> Path:
    frame = pl.read_csv(project.source.path, infer_schema=False).tail(700)
    frame.with_columns(
        pl.col("monthly_charge").cast(pl.Float64) * 1.5, age=pl.lit("77"), plan=pl.lit("premium")
    ).write_csv(path)
    return path


def test_monitor_says_what_alerts_it_opened_and_which_it_resolved(
    riskloop: Riskloop, trained: Project, simulated: Path, tmp_path: Path
) -> None:
    place = ("--project", trained.folder)
    moved = _moved(trained, tmp_path / "b.csv")
    said = riskloop("monitor", "--batch", moved, *place)
    assert said.code == 3
    assert "opened (warning): Columns that moved" in said.out
    assert "not judged" in said.out
    assert "opened" not in riskloop("monitor", "--batch", moved, *place).out
    over = riskloop("monitor", "--batch", simulated / "batches" / "january.csv", *place)
    assert "resolved: Columns that moved" in over.out


def test_monitor_without_alerts_leaves_them_alone(riskloop: Riskloop, trained: Project, tmp_path: Path) -> None:
    place = ("--project", trained.folder, "--json")
    moved = _moved(trained, tmp_path / "b.csv")
    assert riskloop("monitor", "--batch", moved, "--no-alerts", *place).json["alerts"] is None
    assert riskloop("alerts", *place).json["alerts"] == []
    told = riskloop("monitor", "--batch", moved, *place).json["alerts"]
    assert {one["rule"] for one in told["open"]} >= {"drift", "drifted_columns"}
    assert told["opened"] == sorted(one["alert_id"] for one in told["open"])


def test_alerts_are_listed_looked_after_silenced_and_remembered(riskloop: Riskloop, fallen: Project) -> None:
    place = ("--project", fallen.folder)
    listed = riskloop("alerts", *place)
    assert listed.code == 0
    for words in ("open", "critical", "roc_auc_down", "-9.0% [-12.0%, -6.0%]", "the newest batch, version 1"):
        assert words in listed.out
    assert "critique" in riskloop("alerts", "--language", "fr", *place).out
    assert riskloop("alerts", "ack", 1, "--reason", "a late file", *place).code == 0
    assert "seen by" in riskloop("alerts", *place).out
    assert riskloop("alerts", "ack", 1, "--reason", "again", *place).code == 1
    assert riskloop("alerts", "ack", 9, "--reason", "none", *place).code == 1
    assert riskloop("alerts", "silence", "errors", "--for", "2h", "--reason", "an upgrade", *place).code == 0
    assert "errors is silenced until" in riskloop("alerts", *place).out
    misspelt = riskloop("alerts", "silence", "erors", "--for", "2h", "--reason", "an upgrade", *place)
    assert misspelt.code == 1
    assert "did you mean 'errors'" in misspelt.err
    assert riskloop("alerts", "silence", "errors", "--for", "soon", "--reason", "x", *place).code == 2
    history = riskloop("alerts", "history", *place, "--json").json
    assert [one["kind"] for one in history] == ["silenced", "acknowledged", "opened"]
    assert "a late file" in riskloop("alerts", "history", *place).out


def test_alerts_are_evaluated_without_a_batch(riskloop: Riskloop, fallen: Project) -> None:
    said = riskloop("alerts", "check", "--project", fallen.folder)
    assert said.code == 0
    assert "1 open." in said.out


def test_a_channel_is_tried(riskloop: Riskloop, trained: Project) -> None:
    place = ("--project", trained.folder)
    assert "names no channel" in riskloop("alerts", "test", *place).err
    with (trained.folder / FILE).open("a") as stream:
        stream.write("alerts: {channels: {team: 'json://127.0.0.1:9/hook'}}\n")
    said = riskloop("alerts", "test", *place)
    assert said.code == 1
    assert "team: not sent" in said.out


def test_a_new_project_says_what_it_is_alerted_of(trained: Project) -> None:
    text = (trained.folder / FILE).read_text()
    for rule in DEFAULTS:
        assert f"#     {rule}: {{measure:" in text
