"""The first hour of somebody new: whatever they meet is said once, with its place and what to do next."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from riskloop.loop.project import Project
from riskloop.wiring import open_project

Riskloop = Callable[..., Any]
Rows = list[dict[str, str]]


@pytest.fixture
def rows(simulated: Path) -> Rows:
    with (simulated / "customers.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))[:1_000]


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and somebody in it."""
    folder = tmp_path / "new here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(path: Path, rows: Rows, encoding: str = "utf-8", separator: str = ",") -> None:
    with path.open("w", newline="", encoding=encoding) as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)


def one_clear_error(said: Any, code: int, *words: str) -> None:
    """One error with a next step, on stderr alone."""
    assert (said.code, said.out) == (code, ""), said
    assert said.err.count("error: ") == 1
    assert said.err.count("  next: ") == 1
    assert "Traceback" not in said.err
    assert "fault in riskloop" not in said.err
    assert "?." not in said.err
    for word in words:
        assert word in said.err


# init: what is asked for


def test_init_alone_says_what_it_needs(riskloop: Riskloop, newcomer: Path) -> None:
    one_clear_error(riskloop("init"), 2, "Which table?", "riskloop init --data customers.csv --target churned")
    assert list(newcomer.iterdir()) == []


def test_init_without_a_target_names_the_columns_that_could_be_one(
    riskloop: Riskloop, newcomer: Path, rows: Rows
) -> None:
    write(newcomer / "t.csv", rows)
    one_clear_error(riskloop("init", "--data", "t.csv"), 2, "What is to be foreseen?", "--target", "churned")
    write(newcomer / "wide.csv", [{"id": str(number), "amount": f"{number}.5"} for number in range(60)])
    one_clear_error(riskloop("init", "--data", "wide.csv"), 2, '--target "amount > 0"')


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--data", "nope.csv", "--target", "churned"], 1, ["nope.csv", "No such file"]),
        (["--data", "tt.csv", "--target", "churned"], 1, ["did you mean 't.csv'"]),
        (["--data", ".", "--target", "churned"], 1, ["This is a folder", "*.csv"]),
        (["--data", "t.csv", "--target", "churn"], 1, ["no column 'churn' (did you mean 'churned'?)."]),
        (["--data", "t.csv", "--target", "plan"], 1, ["3 different values", "--positive plus"]),
        (["--data", "t.csv", "--target", "age"], 1, ["different values", '--target "age > 0"']),
        (["--data", "t.csv", "--target", "churned", "--positive", "Yes"], 1, ["did you mean 'yes'", "--positive"]),
        (["--data", "t.csv", "--target", "churned", "--id", "customerid"], 2, ["did you mean 'customer_id'"]),
        (["--data", "t.csv", "--target", "churned", "--cost-fn", "ten", "--cost-fp", "1"], 2, ["'ten'", "an amount"]),
        (
            ["--data", "t.csv", "--target", "churned", "--cost-fn", "9 * tenure_month", "--cost-fp", "1"], 2,
            ["did you mean 'tenure_months'"],
        ),
        (["--data", "t.csv", "--target", "churned", "--cost-fn", "9"], 2, ["both costs"]),
        (["--dta", "t.csv"], 2, ["--data"]),
        (["--data", "t.csv", "--target", "churned", "--project", "t.csv"], 2, ["t.csv", "--project"]),
    ],
)  # fmt: skip
def test_init_that_cannot_be_meant_so(
    riskloop: Riskloop, newcomer: Path, rows: Rows, options: list[str], code: int, words: list[str]
) -> None:
    write(newcomer / "t.csv", rows)
    one_clear_error(riskloop("init", *options), code, *words)
    assert [path.name for path in newcomer.iterdir()] == ["t.csv"]
    machine = riskloop("init", *options, "--json")
    assert machine.code == code
    assert {"code", "message", "next_step"} <= set(machine.json["error"])


# init: tables as they come


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("empty", 1, ["The file is empty"]),
        ("head", 1, ["The table has no rows"]),
        ("workbook", 1, ["Excel", "CSV"]),
        ("pickle", 1, ["This is a pickle", "not opened", "CSV or Parquet"]),
        ("three classes", 1, ["3 different values ('maybe', 'no', 'yes')", "--positive"]),
        ("one class", 1, ["Every row has the same outcome, 'no'"]),
        ("no outcome", 1, ["No row has an outcome"]),
        ("fifty rows", 1, ["of 50 rows have the rarer outcome", "50 are needed"]),
        ("name twice", 1, ["'age' occurs 2 times"]),
        ("ragged", 1, ["line 3"]),
    ],
)
def test_a_table_that_cannot_be_learnt_from(
    riskloop: Riskloop, newcomer: Path, rows: Rows, name: str, code: int, words: list[str]
) -> None:
    table = newcomer / "t.csv"
    chance = random.Random(1)
    contents: dict[str, Callable[[], object]] = {
        "empty": lambda: table.write_text(""),
        "head": lambda: table.write_text("age,churned\n"),
        "workbook": lambda: table.write_bytes(b"PK\x03\x04" + bytes(300)),
        "pickle": lambda: table.write_bytes(b"\x80\x04\x95" + bytes(range(256)) * 4),
        "three classes": lambda: write(
            table, [row | {"churned": chance.choice(["yes", "no", "maybe"])} for row in rows]
        ),
        "one class": lambda: write(table, [row | {"churned": "no"} for row in rows]),
        "no outcome": lambda: write(table, [row | {"churned": ""} for row in rows]),
        "fifty rows": lambda: write(table, rows[:50]),
        "name twice": lambda: table.write_text("age,age,churned\n1,2,yes\n3,4,no\n"),
        "ragged": lambda: table.write_text("age,churned\n1,yes\n3,4,no\n"),
    }
    contents[name]()
    one_clear_error(riskloop("init", "--data", "t.csv", "--target", "churned"), code, *words)


@pytest.mark.parametrize(
    ("encoding", "separator"), [("utf-8", ";"), ("utf-8-sig", ","), ("utf-16", "\t"), ("latin-1", "|")]
)
def test_a_table_written_elsewhere_is_read_as_it_is(
    riskloop: Riskloop, newcomer: Path, rows: Rows, encoding: str, separator: str
) -> None:
    named = [{"prénom" if key == "plan" else key: value for key, value in row.items()} for row in rows]
    write(newcomer / "t.csv", named, encoding, separator)
    said = riskloop("init", "--data", "t.csv", "--target", "churned", "--json")
    assert said.code == 0, said.err
    assert "prénom" in said.json["features"]
    assert riskloop("check").code == 0


def test_customers_whose_outcome_is_unknown_yet_are_set_aside_and_the_others_learnt_from(
    riskloop: Riskloop, newcomer: Path, rows: Rows
) -> None:
    write(newcomer / "t.csv", [row | ({"churned": ""} if at % 5 == 0 else {}) for at, row in enumerate(rows)])
    said = riskloop("init", "--data", "t.csv", "--target", "churned", "--json")
    assert (said.code, "unknown-outcome" in {one["code"] for one in said.json["findings"]}) == (0, True)
    checked = riskloop("check", "--json")
    assert (checked.code, checked.json["kept"], checked.json["rows"]) == (0, 800, 1_000)


def test_repeated_ids_are_told_and_stay_on_one_side(riskloop: Riskloop, newcomer: Path, rows: Rows) -> None:
    write(newcomer / "t.csv", rows + rows[:100])
    said = riskloop("init", "--data", "t.csv", "--target", "churned", "--id", "customer_id")
    assert said.code == 0
    assert "duplicate-id" in said.out


def test_a_folder_that_is_a_project_already_is_left_alone(riskloop: Riskloop, new_project: Project) -> None:
    before = (new_project.folder / "riskloop.yaml").read_bytes()
    table = new_project.source.path
    said = riskloop("init", "--data", table, "--target", "churned", "--project", new_project.folder)
    one_clear_error(said, 2, "already", "--overwrite")
    assert (new_project.folder / "riskloop.yaml").read_bytes() == before


def test_the_next_command_can_be_typed_as_it_is_told(riskloop: Riskloop, newcomer: Path, rows: Rows) -> None:
    write(newcomer / "t.csv", rows)
    said = riskloop("init", "--data", "t.csv", "--target", "churned", "--project", "my churn")
    assert said.out.rstrip().endswith("Next: riskloop train --promote --project 'my churn'")
    assert riskloop("init", "--data", "t.csv", "--target", "churned").out.rstrip().endswith("train --promote")


@pytest.mark.skipif(shutil.which("setpriv") is None or os.geteuid() != 0, reason="needs setpriv, and to be root")
def test_a_folder_that_cannot_be_written_is_said(newcomer: Path, rows: Rows) -> None:
    write(newcomer / "t.csv", rows)
    (newcomer / "closed").mkdir(mode=0o555)
    rights = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", sys.executable, "-m", "riskloop"]
    options = ["init", "--data", "t.csv", "--target", "churned", "--project", "closed"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: closed: The project folder cannot be made: Permission denied." in done.stderr
    assert "next: name another folder with --project" in done.stderr


# out of turn


@pytest.mark.parametrize(
    "command",
    ["score t.csv --out o.csv", "explain", "monitor", "monitor --batch t.csv", "customers", "retrain --if-needed"],
)
def test_before_a_version_leads_the_way_there_is_told(riskloop: Riskloop, new_project: Project, command: str) -> None:
    table = new_project.source.path
    said = riskloop(*command.replace("t.csv", table).split(), "--project", new_project.folder)
    one_clear_error(said, 1, "No version leads yet.", "riskloop train --promote")


def test_a_version_that_waits_is_named_to_one_who_scores_before_promoting(
    riskloop: Riskloop, trained: Project, unled: Project
) -> None:
    unled.versions.add(trained.versions.get(2))
    said = riskloop("score", trained.source.path, "--out", "o.csv", "--project", trained.folder)
    one_clear_error(said, 1, "No version leads yet.", "riskloop promote 2 --reason TEXT")


def test_a_service_in_which_nobody_leads_says_so(start: Callable[..., Any], new_project: Project) -> None:
    process = start("serve", "--port", 0, "--project", new_project.folder)
    told = [process.stderr.readline(), process.stderr.readline()]
    process.terminate()
    process.communicate(timeout=60)
    assert told[0].startswith("riskloop serves on http://127.0.0.1:")
    assert told[1] == "Nobody leads yet, and it answers 503 until somebody does. Next: run `riskloop train --promote`\n"


def test_every_verb_before_init_says_how_to_begin(riskloop: Riskloop, newcomer: Path) -> None:
    for verb in ("train", "check", "serve", "score t.csv --out o.csv", "history", "doctor --json", "backup b.tar.gz"):
        said = riskloop(*verb.split())
        if "doctor" in verb:
            assert (said.code, "riskloop init" in said.out) == (1, True)
        else:
            one_clear_error(said, 2, "There is no riskloop.yaml here", "riskloop init --data")
    assert list(newcomer.iterdir()) == []


def test_below_a_project_its_place_is_told(
    riskloop: Riskloop, new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = new_project.folder / "notes" / "may"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    one_clear_error(riskloop("train"), 2, "--project ../..")
    assert riskloop("check", "--project", "../..").code == 0
    said = riskloop()
    assert (said.code, "cd ../.." in said.out) == (0, True)
    assert riskloop("--json").json["state"] == "within"


# typing errors


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("trian", ["'train'"]),
        ("train --candidate x", ["--candidates", "riskloop train --candidates"]),
        ("promote 1", ["--reason", "riskloop promote 2 --reason"]),
        ("ab strat", ["'start'"]),
        ("train --budget 10x", ["budget: '10x' is no time"]),
        ("train --candidates lightgmb", ["(did you mean 'lightgbm'?)."]),
        ("train --search best", ["search: must be 'tpe', 'random' or 'grid'"]),
        ("serve --port 70000", ["65535"]),
        ("restore nope.tar.gz --project back", ["nope.tar.gz: No such file."]),
        ("--json train", ["--json"]),
    ],
)
def test_what_is_mistyped(
    riskloop: Riskloop, new_project: Project, monkeypatch: pytest.MonkeyPatch, command: str, words: list[str]
) -> None:
    monkeypatch.chdir(new_project.folder)
    said = riskloop(*command.split())
    assert said.code == (1 if "restore" in command else 2)
    if command == "--json train":
        assert said.json["error"]["next_step"] == "riskloop train ... --json"
    else:
        one_clear_error(said, said.code, *words)


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ("trainning: {}", ["'trainning' (did you mean 'training'?).", "riskloop.yaml, line {last}:"]),
        ("training:\n  budjet: 10m", ["'training.budjet' (did you mean 'budget'?)", "line {last}:"]),
        ("training: 10", ["training: must hold settings", "line {last}:"]),
        ("serving:\n  port: many", ["serving.port: must be a whole number (got 'many').", "line {last}:"]),
        ("gate:\n  min_roc_auc: 3", ["gate.min_roc_auc: must be at most 1 (got 3).", "line {last}:"]),
        ("gate: [1", ["riskloop.yaml, line", "column", "not valid YAML"]),
        ("\tgate: 1", ["line {last}, column 1:", "no tabs"]),
    ],
)
def test_a_slip_in_the_settings_is_met_with_its_line(
    riskloop: Riskloop, new_project: Project, monkeypatch: pytest.MonkeyPatch, added: str, words: list[str]
) -> None:
    monkeypatch.chdir(new_project.folder)
    with Path("riskloop.yaml").open("a") as stream:
        stream.write(f"{added}\n")
    last = len(Path("riskloop.yaml").read_text().splitlines())
    one_clear_error(riskloop("check"), 2, *(word.format(last=last) for word in words))
    one_clear_error(riskloop(), 2, words[0].format(last=last))


def test_a_slip_in_the_environment_is_met_with_its_variable(
    riskloop: Riskloop, new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKLOOP__TRAINING__BUDJET", "10m")
    said = riskloop("check", "--project", new_project.folder)
    one_clear_error(said, 2, "error: RISKLOOP__TRAINING__BUDJET: Unknown setting")


@pytest.mark.parametrize("name", ["riskloop.yaml", "contract.yaml"])
def test_settings_that_are_empty_gone_or_no_text(riskloop: Riskloop, new_project: Project, name: str) -> None:
    path = new_project.folder / name
    for broken in (b"", b"\xff\xfe\x00x", b"columns: 3\n", b"- 1\n"):
        path.write_bytes(broken)
        one_clear_error(riskloop("check", "--project", new_project.folder), 2)
    path.unlink()
    one_clear_error(riskloop("check", "--project", new_project.folder), 2, "riskloop init")


def test_the_table_of_the_project_that_is_gone_is_named(riskloop: Riskloop, new_project: Project) -> None:
    path = new_project.folder / "riskloop.yaml"
    path.write_text(path.read_text().replace("customers.csv", "custmers.csv"))
    for verb in ("check", "train"):
        one_clear_error(riskloop(verb, "--project", new_project.folder), 1, "No such file", "did you mean")


# surroundings


def test_a_port_in_use_is_said(riskloop: Riskloop, trained: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = riskloop("serve", "--port", taken.getsockname()[1], "--project", trained.folder)
    one_clear_error(said, 2, "cannot listen", "--port")


def test_nobody_is_asked_where_nobody_can_answer(start: Callable[..., Any], trained: Project) -> None:
    process = start("erase", "C-1", "--project", trained.folder)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out.strip()) == (2, "")
    assert "Nobody agreed; nothing was changed." in errors
    assert "--yes" in errors


def test_without_a_terminal_or_with_no_color_there_are_neither_colours_nor_bars(
    start: Callable[..., Any], new_project: Project
) -> None:
    for environ in ({}, {"NO_COLOR": "1", "FORCE_COLOR": ""}):
        process = start("check", "--project", new_project.folder, **environ)
        out, errors = process.communicate(timeout=60)
        assert (process.returncode, "\x1b" in out + errors) == (0, False)


@pytest.mark.slow
def test_a_training_that_is_interrupted_says_how_to_go_on(start: Callable[..., Any], new_project: Project) -> None:
    process = start("train", "--candidates", "logistic_regression,random_forest", "--project", new_project.folder)
    assert "logistic_regression" in process.stderr.readline()  # one candidate is done
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "error: Interrupted; what was finished is kept." in errors
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert time.monotonic() - began < 20
    assert open_project(new_project.folder).versions.list() == ()
