from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from riskloop.loop.project import Project

Riskloop = Callable[..., Any]


def test_if_needed_says_of_every_ground_why_not(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("retrain", "--if-needed", "--project", trained.folder)
    assert said.code == 0
    assert "there is no schedule" in said.out
    assert "No new version is needed." in said.out
    told = riskloop("retrain", "--if-needed", "--project", trained.folder, "--json").json
    assert (told["need"]["state"], told["result"], len(told["need"]["grounds"])) == ("not_needed", None, 4)


def test_one_that_is_asked_for_waits_where_nothing_is_known(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("retrain", "--project", trained.folder)
    assert said.code == 0
    assert "waits" in said.out
    assert "200 and 20 are needed" in said.out


def test_the_history_is_a_table_for_people_and_a_list_for_machines(riskloop: Riskloop, trained: Project) -> None:
    assert "Nothing was retrained yet" in riskloop("retrain", "--history", "--project", trained.folder).out
    seq = trained.retrainings.begin(at=datetime.now(UTC), actor="ada", reasons=["Drift does harm."], champion=1)
    trained.retrainings.note(seq, result="refused", told="No.", difference={"mean": 12.0, "low": 2.0, "high": 30.0})
    shown = riskloop("retrain", "--history", "--project", trained.folder)
    assert "refused" in shown.out
    assert "+12 [+2, +30]" in shown.out
    (told,) = riskloop("retrain", "--history", "--project", trained.folder, "--json").json
    assert (told["reasons"], told["result"], told["difference"]["mean"]) == (["Drift does harm."], "refused", 12.0)


def test_one_turn_of_the_loop_is_one_line(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("loop", "--once", "--project", trained.folder)
    assert said.code == 0
    (line,) = said.out.strip().splitlines()
    assert line.endswith("No new version is needed.")
    told = riskloop("loop", "--once", "--project", trained.folder, "--json").json
    assert (told["kind"], told["retraining"]["result"]) == ("done", None)


@pytest.mark.parametrize("option", ["--every", "--lease"])
def test_a_time_that_is_none_is_refused_with_examples(riskloop: Riskloop, trained: Project, option: str) -> None:
    said = riskloop("loop", option, "soon", "--project", trained.folder)
    assert said.code == 2
    assert "1h" in said.err


def test_a_window_that_is_none_is_refused_before_anything_is_done(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("retrain", "--window", "lately", "--project", trained.folder)
    assert said.code == 2
    assert "recent:180d" in said.err
