from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from riskloop.loop.project import Project

Riskloop = Callable[..., Any]


def test_a_comparison_from_plan_to_stop(riskloop: Riskloop, trained: Project, simulated: Path) -> None:
    place = ("--project", trained.folder)
    assert riskloop("score", simulated / "batches" / "january.csv", "--out", trained.folder / "o.csv", *place).code == 0
    plan = riskloop("ab", "plan", "--challenger", 2, "--share", "20%", *place)
    assert plan.code == 0
    assert "recent customers: the two decide differently" in plan.out
    started = riskloop("ab", "start", "--challenger", 2, "--share", "20%", *place, "--json").json
    assert (started["version"], started["details"]["share"]) == (2, 0.2)
    assert started["details"]["experiment"]["design"]["share"] == 0.2
    status = riskloop("ab", "status", *place)
    assert "Version 2 answers 20% of the customers beside version 1" in status.out
    assert "No outcome counts yet." in status.out
    assert "nan" not in status.out
    document = riskloop("ab", "status", *place, "--json").json
    assert (document["verdict"], document["difference"], document["sentence"]) == (
        "undecided",
        None,
        "no outcome counts yet",
    )
    assert riskloop("ab", "watch", "--once", *place, "--json").json["status"] == "quiet"
    assert riskloop("ab", "stop", "--decide", "--reason", "over", *place).code == 3
    assert "challenges no more" in riskloop("ab", "stop", "--reason", "over", *place).out
    assert "Nobody challenges" in riskloop("ab", "watch", *place).out


def test_a_replay_says_what_would_change(riskloop: Riskloop, trained: Project, simulated: Path) -> None:
    place = ("--project", trained.folder)
    assert riskloop("ab", "replay", "--version", 2, *place).code == 1
    assert riskloop("score", simulated / "batches" / "january.csv", "--out", trained.folder / "o.csv", *place).code == 0
    said = riskloop("ab", "replay", "--version", 2, "--since", "2026-01-01", "--by", "plan", *place)
    assert said.code == 0
    assert "predictions otherwise" in said.out
    assert "By segment" in said.out
    document = riskloop("ab", "replay", "--version", 2, *place, "--json").json
    assert document["changed"] == sum(one["predictions"] for one in document["changes"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("start", "--share", "0.2"),
        ("start", 2, "--challenger", 3, "--share", "0.2"),
        ("start", 2, "--share", "lots"),
        ("start", 2, "--share", "120%"),
        ("start", 2),
        ("watch", "--every", "often"),
        ("replay", "--version", 2, "--since", "yesterday"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    riskloop: Riskloop, trained: Project, arguments: tuple[object, ...]
) -> None:
    assert riskloop("ab", *arguments, "--project", trained.folder).code == 2
