from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from riskloop.keep.outcomes import Outcome
from riskloop.loop.project import Project

Riskloop = Callable[..., Any]


@pytest.fixture
def told(riskloop: Riskloop, trained: Project, simulated: Path) -> Project:
    """January's customers scored today; of every second one it is known that the opposite came true."""
    place = ("--project", trained.folder)
    assert riskloop("score", simulated / "batches" / "january.csv", "--out", trained.folder / "o.csv", *place).code == 0
    now = datetime.now(UTC)
    trained.ledger.record_outcomes(
        [
            Outcome("x", one.probability < 0.1, now + timedelta(days=1), now, prediction_id=one.prediction_id)
            for one in trained.ledger.recent(150)
        ]
    )
    return trained


def test_the_months_are_shown_and_the_running_one_is_not_judged(riskloop: Riskloop, told: Project) -> None:
    said = riskloop("performance", "--project", told.folder)
    assert said.code == 0
    assert "not final" in said.out
    assert "performance.html" in said.out


def test_an_hour_that_is_over_and_broke_its_promise_ends_with_exit_code_3(
    riskloop: Riskloop, told: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    monkeypatch.setattr("riskloop.wiring.open_project.__defaults__", (".", {"RISKLOOP_ACTOR": "ada"}, lambda: later))
    said = riskloop("performance", "--by", "hour", "--segment", "plan", "--json", "--project", told.folder)
    assert said.code == 3
    assert said.json["worse"] is True
    assert {one["segment"] for one in said.json["cohorts"]} > {None}
    french = riskloop("performance", "--by", "hour", "--language", "fr", "--project", told.folder)
    assert "promis" in french.out


def test_the_scoreboard_says_where_there_is_nothing_to_score(riskloop: Riskloop, told: Project) -> None:
    said = riskloop("performance", "--scoreboard", "--project", told.folder)
    assert said.code == 0
    assert "riskloop monitor" in said.out


def test_what_makes_no_sense_is_a_usage_error(riskloop: Riskloop, told: Project) -> None:
    place = ("--project", told.folder)
    assert riskloop("performance", "--since", "yesterday", *place).code == 2
    assert riskloop("performance", "--by", "decade", *place).code == 2
    assert riskloop("performance", "--segment", "age", *place).code == 2
    assert riskloop("performance", "--arm", "nobody", *place).code == 1
