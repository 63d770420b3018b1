from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from riskloop.loop.project import Project
from riskloop.wiring import open_project


@pytest.mark.slow
def test_the_demo_runs_the_whole_loop_and_ends_in_money(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "demo"
    process = start("demo", "--folder", folder, "--rows", 4_000, "--port", _free_port(), "--no-serve", "--json")
    out, errors = process.communicate(timeout=500)
    assert process.returncode == 0, errors
    told = json.loads(out)
    assert told["failed"] == 0
    assert told["decisions"] > 0
    assert told["versions"] == [1, 2, 1]
    assert told["outcomes"]["accepted"] > 0
    costs = {row["name"]: row["cost_per_thousand"]["value"] for row in told["policies"]}
    assert {"chosen", "act_on_all", "act_on_none", "at_0.5"} <= set(costs)
    assert costs["chosen"] < costs["act_on_none"]
    assert told["regret"]["per_thousand"] >= 0
    assert told["why"]["explanation"]["reasons"]
    assert all(Path(page).stat().st_size > 10_000 for page in told["documents"])
    project = open_project(folder, os.environ)
    assert project.ledger.count() > told["decisions"]
    later = told["retraining"]
    assert later["result"] == "promoted"
    assert later["difference"]["high"] < 0
    before, after = (later["policies"][name]["cost_per_thousand"]["value"] for name in ("champion", "chosen"))
    assert after < before
    assert [event.kind for event in project.promotions.events()][-2:] == ["rolled_back", "promoted"]
    assert project.promotions.state().champion == later["version"] == 3
    assert project.promotions.verify().ok


def test_the_demo_clears_no_folder_but_its_own(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    process = start("demo", "--folder", tmp_path, "--no-serve", "--json")
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["error"]["code"]) == (2, "usage")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_port_that_is_taken_is_told_before_anything_is_made(riskloop: Callable[..., Any], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = riskloop("demo", "--folder", tmp_path / "demo", "--port", taken.getsockname()[1])
    assert (said.code, said.out) == (2, "")
    assert "Address already in use" in said.err
    assert "another port with --port" in said.err
    assert not (tmp_path / "demo").exists()


def test_a_demo_that_is_ended_leaves_no_service_behind(trained: Project) -> None:
    program = (
        "import sys, time; from riskloop.cli.demo_service import service; from riskloop.wiring import open_project\n"
        "with service(open_project(sys.argv[1]), int(sys.argv[2])): print('up', flush=True); time.sleep(60)"
    )
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(trained.folder), str(port)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.terminate()
    assert process.wait(60) == 143
    process.stdout.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
