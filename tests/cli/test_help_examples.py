"""Every example that `--help` shows, run as it is written, in the order of one story about simulated customers."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer

from riskloop.cli.app import app
from riskloop.keep.alerts import Pace
from riskloop.loop.project import Project
from riskloop.watch.alerts import Fact, Rule, judge
from riskloop.wiring import open_project

Riskloop = Callable[..., Any]

STORY = (
    "schema", "check", "report data", "doctor", "audit verify", "customers", "score", "monitor", "report drift",
    "explain", "history", "outcomes", "performance", "retrain", "keys add", "keys list", "keys calls", "keys revoke",
    "alerts", "alerts check", "alerts ack", "alerts silence", "alerts history", "alerts test", "ab plan", "ab replay",
    "ab start", "ab status", "ab stop", "report model", "report points", "report compliance", "reproduce", "compare",
    "approve", "rollback", "promote", "train", "prune", "backup", "restore", "erase",
)  # fmt: skip
"""In a project that is trained: version 1 leads, 2 is a scorecard and waits."""
BEFORE = ("simulate", "init")
LASTING = ("serve", "loop", "ab watch")
"""They go on until they are told to end."""
ELSEWHERE = ("demo",)
"""Run whole by `make demo`; minutes."""
MAY_SAY_NO = ("performance", "retrain", "monitor", "report drift")
"""What they find may be bad news: exit code 3."""


def _examples(group: Any, *above: str) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if command.epilog:
            yield " ".join((*above, name)), command.epilog.removeprefix("Example: ")
        if hasattr(command, "commands"):
            yield from _examples(command, *above, name)


EXAMPLES = dict(_examples(typer.main.get_command(app)))


def words_of(verb: str) -> list[str]:
    """What is typed, without `riskloop` and without where its output goes."""
    return shlex.split(EXAMPLES[verb].partition(" > ")[0])[1:]


def test_every_verb_has_an_example_and_a_place_in_the_story() -> None:
    told = (*BEFORE, *STORY, *LASTING, *ELSEWHERE)
    assert sorted(told) == sorted(EXAMPLES)
    assert all(example.startswith("riskloop ") for example in EXAMPLES.values())


@pytest.fixture
def place(trained: Project, simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained project as somebody would find it who types the examples, with the files that they name."""
    folder = trained.folder
    trained.engine.dispose()
    batch = simulated / "batches" / "january.csv"
    shutil.copy(simulated / "customers.csv", folder / "customers.csv")
    for name in ("new_customers.csv", "customers_in_may.csv", "customers-2026-11-01.csv"):
        shutil.copy(batch, folder / name)
    with (simulated / "customers.csv").open(newline="") as stream:
        rows = [(row["customer_id"], row["churned"]) for row in csv.DictReader(stream)]
    with (folder / "churned_in_may.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("id", "outcome"), *rows[:600]])
    shutil.copytree(folder, tmp_path / "churn project")
    monkeypatch.chdir(tmp_path / "churn project")
    monkeypatch.setenv("RISKLOOP_ACTOR", "ada")
    return tmp_path / "churn project"


@pytest.fixture
def channel() -> Iterator[str]:
    """Somebody who takes every message."""

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_examples_of_before_there_is_a_project(
    riskloop: Riskloop, simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(simulated / "customers.csv", "customers.csv")
    for verb in BEFORE:
        said = riskloop(*words_of(verb))
        assert said.code == 0, (verb, said.err)
    assert Path("data/customers.csv").is_file()
    assert open_project(".").settings.costs.fn == 100


@pytest.mark.slow
def test_the_examples_of_a_project_that_is_trained(
    riskloop: Riskloop, place: Path, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare: dict[str, Callable[[], None]] = {
        "alerts": lambda: _open_an_alert(place),
        "alerts test": lambda: _name_a_channel(monkeypatch, channel),
        "approve": lambda: _ask_until(riskloop, int(words_of("approve")[1]), monkeypatch),
        "rollback": lambda: monkeypatch.delenv("RISKLOOP__GATE__FOUR_EYES"),
        "restore": lambda: monkeypatch.chdir(place.parent),
        "erase": lambda: monkeypatch.chdir(place),
    }
    wrong = {}
    for verb in STORY:
        prepare.get(verb, lambda: None)()
        said = riskloop(*words_of(verb))
        if said.code not in ((0, 3) if verb in MAY_SAY_NO else (0,)):
            wrong[EXAMPLES[verb]] = (said.code, said.err)
    assert wrong == {}
    assert json.loads(riskloop("doctor", "--json").out)
    assert {path.name for path in place.iterdir()} >= {"decisions.csv", "runs.csv"}
    assert (place.parent / "churn" / "riskloop.yaml").is_file()


@pytest.mark.slow
def test_the_examples_of_verbs_that_go_on_until_they_are_told_to_end(
    riskloop: Riskloop, place: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    assert riskloop(*words_of("ab start")).code == 0
    running = {}
    for verb in LASTING:
        words = words_of(verb)
        if verb == "serve":  # the port of the example may be taken here
            words[words.index("--port") + 1] = str(_free_port())
        running[verb] = start(*words, RISKLOOP_ACTOR="ada")
    assert running["serve"].stderr is not None
    assert "riskloop serves on http://127.0.0.1:" in running["serve"].stderr.readline()
    for verb, process in running.items():
        if verb != "serve":
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(4)
        process.send_signal(signal.SIGINT)
    for verb, process in running.items():
        _, errors = process.communicate(timeout=90)
        assert process.returncode in {0, 130}, (verb, errors)
        assert "Traceback" not in errors


def _open_an_alert(folder: Path) -> None:
    project = open_project(folder)
    fact = Fact("f1", "ledger", 0.3, 0.2, 0.4, n=500, context={"version": 1})
    project.alerts.settle([judge(Rule("low_f1", "f1", "below", 0.6), fact)], datetime.now(UTC), Pace())
    project.engine.dispose()


def _name_a_channel(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("RISKLOOP__ALERTS__CHANNELS", "{team: 'env:RISKLOOP_ALERTS_TEAM'}")
    monkeypatch.setenv("RISKLOOP_ALERTS_TEAM", url)


def _ask_until(riskloop: Riskloop, seq: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ada asks that version 2 lead, in the event that the example names; from then on it is Grace who types."""
    project = open_project(".")
    while project.promotions.head_seq() < seq - 1:
        verb = "stop" if project.promotions.state().challenger else "start"
        more = ["--shadow", "2"] if verb == "start" else []
        assert riskloop("ab", verb, *more, "--reason", "to and fro").code == 0
    if project.promotions.state().challenger:
        pytest.fail("choose another number for the example of approve: this one falls into a challenge")
    project.engine.dispose()
    monkeypatch.setenv("RISKLOOP__GATE__FOUR_EYES", "true")
    assert riskloop("promote", "2", "--reason", "cheaper").code == 0
    monkeypatch.setenv("RISKLOOP_ACTOR", "grace")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
