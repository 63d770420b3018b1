"""What only a real process shows: signals, streams, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.request
from collections.abc import Callable

import pytest

from riskloop.loop.project import Project

Start = Callable[..., subprocess.Popen[str]]


@pytest.mark.slow
def test_ctrl_c_during_training_keeps_what_was_finished_and_says_how_to_go_on(
    start: Start, new_project: Project
) -> None:
    families = "logistic_regression,random_forest"
    process = start("train", "--candidates", families, "--project", new_project.folder, "--json")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("logistic_regression")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["error"]["code"] == "interrupted"
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert new_project.versions.list() == ()
    assert len(list(new_project.locations.unfinished.rglob("facts.json"))) == 1
    again = start("train", "--candidates", "logistic_regression", "--project", new_project.folder, "--json")
    out, _ = again.communicate(timeout=120)
    assert again.returncode == 0
    assert json.loads(out)["version"] == 1


def test_two_promotions_at_once_leave_one_leader_and_a_whole_log(start: Start, trained: Project) -> None:
    both = [
        start("promote", version, "--reason", f"race {version}", "--override", "--project", trained.folder, "--json")
        for version in (2, 3)
    ]
    said = [(process.communicate(timeout=120)[0], process.returncode) for process in both]
    assert [code for _, code in said] == [0, 0]
    events = trained.promotions.events()
    assert [event.seq for event in events] == [1, 2, 3]
    assert events[2].previous_version == events[1].version
    assert trained.promotions.verify().ok
    assert trained.registry.aliases() == {"champion": events[2].version, "previous": events[1].version}


def test_serve_tells_its_address_answers_and_ends_well(start: Start, trained: Project) -> None:
    process = start("serve", "--port", 0, "--project", trained.folder, "--json")
    try:
        assert process.stdout is not None
        url = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["url"]
        with urllib.request.urlopen(f"{url}/ready", timeout=10) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_a_port_that_is_taken_is_a_usage_error(start: Start, trained: Project) -> None:
    first = start("serve", "--port", 0, "--project", trained.folder)
    assert first.stderr is not None
    try:
        port = first.stderr.readline().strip().rpartition(":")[2]
        second = start("serve", "--port", port, "--project", trained.folder, "--json")
        out, _ = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "cannot listen" in json.loads(out)["error"]["message"]
    finally:
        first.terminate()
        first.communicate(timeout=60)


def test_an_unexpected_fault_shows_no_traceback_unless_asked(start: Start, trained: Project) -> None:
    (trained.folder / "contract.yaml").write_text("columns: 5")
    process = start("check", "--project", trained.folder, "--json")
    out, errors = process.communicate(timeout=60)
    assert process.returncode in {1, 2}
    assert json.loads(out)["error"]["message"]
    assert "Traceback" not in errors
