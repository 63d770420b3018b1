"""`riskloop` alone, in every state of a project."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from riskloop.keep.alerts import Pace
from riskloop.loop.project import Project
from riskloop.watch.alerts import Fact, Rule, judge
from riskloop.wiring import open_project

Riskloop = Callable[..., Any]


@pytest.fixture
def here(riskloop: Riskloop, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    """What is said in a folder, to people and to machines."""

    def ask(folder: Path) -> Any:
        monkeypatch.chdir(folder)
        said, machine = riskloop(), riskloop("--json")
        assert (said.code, machine.code) == (0, 0)
        document = machine.json
        for step in document["next_steps"]:
            assert step in said.out
        return document, said.out

    return ask


def test_in_an_empty_folder_and_in_one_with_tables(here: Callable[[Path], Any], tmp_path: Path) -> None:
    document, said = here(tmp_path)
    assert document["state"] == "nothing"
    assert "riskloop init --data customers.csv --target churned" in said
    (tmp_path / "may 2026.csv").write_text("a,b\n1,2\n")
    document, said = here(tmp_path)
    assert document["next_steps"][0] == "riskloop init --data 'may 2026.csv' --target COLUMN"
    (tmp_path / ".riskloop").mkdir()
    assert "riskloop.yaml is gone" in here(tmp_path)[1]


def test_from_init_over_a_check_to_a_table_that_is_refused(
    here: Callable[[Path], Any], riskloop: Riskloop, new_project: Project
) -> None:
    folder = new_project.folder
    document, said = here(folder)
    assert (document["state"], document["next_steps"][0]) == ("initialised", "riskloop check")
    assert "Nothing is trained yet." in said
    assert riskloop("check").code == 0
    document, said = here(folder)
    assert (document["state"], document["next_steps"]) == ("checked", ["riskloop train --promote"])
    assert "passed the quality gate: 2,500 of 2,500 rows are good" in said
    with (folder / "contract.yaml").open("a") as stream:
        stream.write("# changed by hand\n")
    assert here(folder)[0]["state"] == "initialised"  # that was another contract


def test_from_a_version_that_waits_to_outcomes_that_arrived(
    here: Callable[[Path], Any], riskloop: Riskloop, trained: Project, unled: Project, simulated: Path, tmp_path: Path
) -> None:
    folder = unled.folder
    document, said = here(folder)
    assert (document["state"], document["next_steps"][0]) == ("refused", "riskloop compare")
    assert "The gate refused version 3" in said
    unled.versions.add(trained.versions.get(2))
    document, said = here(folder)
    assert (document["state"], document["next_steps"]) == ("waiting", ["riskloop promote 2 --reason TEXT"])
    assert riskloop("promote", 2, "--reason", "first").code == 0
    document, said = here(folder)
    assert (document["state"], document["next_steps"][0]) == ("leading", "riskloop serve")
    batch = simulated / "batches" / "january.csv"
    assert riskloop("score", batch, "--out", tmp_path / "o.csv").code == 0
    document, said = here(folder)
    assert (document["state"], document["predictions"]) == ("deciding", 300)
    assert "no outcome is known yet" in said
    outcomes = tmp_path / "outcomes.csv"
    ids = [line.split(",")[0] for line in (tmp_path / "o.csv").read_text().splitlines()[1:4]]
    outcomes.write_text("id,outcome\n" + "".join(f"{one},yes\n" for one in ids))
    assert riskloop("outcomes", outcomes).code == 0
    document, said = here(folder)
    assert (document["state"], document["outcomes"]) == ("judged", 3)
    assert "riskloop performance" in said


def test_a_challenge_an_alert_and_a_request_come_first(
    here: Callable[[Path], Any], riskloop: Riskloop, trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained.folder
    assert riskloop("ab", "start", 2, "--shadow", "--reason", "try it", "--project", folder).code == 0
    document, said = here(folder)
    assert (document["state"], document["next_steps"]) == ("challenged", ["riskloop ab status"])
    assert "Version 2 challenges it." in said
    rule = Rule("low_f1", "f1", "below", 0.6)
    fact = Fact("f1", "ledger", 0.3, 0.2, 0.4, n=500, context={"version": 1})
    trained.alerts.settle([judge(rule, fact)], datetime.now(UTC), Pace())
    document, said = here(folder)
    assert (document["state"], document["next_steps"][0]) == ("alarmed", "riskloop alerts")
    assert "1 alert is open." in said
    monkeypatch.setenv("RISKLOOP__GATE__FOUR_EYES", "true")
    monkeypatch.setenv("RISKLOOP_ACTOR", "ada")
    assert riskloop("promote", 2, "--reason", "cheaper").code == 0
    document, said = here(folder)
    assert document["state"] == "asked"
    assert document["next_steps"] == [f"riskloop approve {document['requests'][0]['seq']}"]
    assert "by ada, that version 2 should lead" in said
    assert open_project(folder).promotions.state().champion == 1
