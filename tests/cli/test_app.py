from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskloop.cli.app import app
from riskloop.loop.project import Project

Riskloop = Callable[..., Any]

ROOT: Any = typer.main.get_command(app)


def _verbs(group: Any, *above: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _verbs(command, *above, name)
        else:
            yield " ".join((*above, name)), command


VERBS = dict(_verbs(ROOT))


def _parse(command: Any, arguments: list[str]) -> None:
    """Parse as the command line does, without running anything."""
    context = command.make_context("riskloop", list(arguments))
    if hasattr(command, "commands"):
        _, below, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        _parse(below, rest)


def test_the_verbs_are_those_of_the_design() -> None:
    assert set(VERBS) >= {
        "init", "simulate", "check", "train", "compare", "promote", "rollback", "history", "serve", "score",
        "outcomes", "report data", "report drift", "audit verify", "doctor", "demo", "schema", "monitor", "alerts ack",
        "retrain", "loop",
    }  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_that_parses(riskloop: Riskloop, verb: str) -> None:
    said = riskloop(*verb.split(), "--help")
    assert said.code == 0
    shown = " ".join(said.out.split())
    assert f"Example: riskloop {verb}" in shown
    assert len(VERBS[verb].help) > 20
    words = shlex.split(VERBS[verb].epilog.removeprefix("Example: ").partition(" > ")[0])
    _parse(ROOT, words[1:])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_speaks_json_and_every_option_says_what_it_is_for(verb: str) -> None:
    options = {name for parameter in VERBS[verb].params for name in parameter.opts}
    assert "--json" in options
    assert "--project" in options or verb in {"simulate", "schema", "demo"}
    assert not [parameter.name for parameter in VERBS[verb].params if not parameter.help]


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--nope"), ("nosuch",), ("promote",), ("promote", "one", "--reason", "x"), ("report",), ("audit",),
        ("score", "in.csv"), ("serve", "--port", "http"), ("serve", "--workers", "0"), ("train", "--project"),
        ("history", "--on", "yesterday"), ("simulate", "weather", "--out", "w"), ("simulate", "churn"),
    ],
)  # fmt: skip
def test_a_malformed_command_is_a_usage_error_in_one_shape(riskloop: Riskloop, arguments: tuple[str, ...]) -> None:
    said = riskloop(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert "next: " in said.err
    machine = riskloop(*arguments, "--json")
    if arguments[-1] != "--project":
        assert machine.json["error"]["code"] == "usage"
        assert {"message", "next_step"} <= set(machine.json["error"])


def test_a_misspelt_option_is_met_with_the_right_one(riskloop: Riskloop) -> None:
    assert "--candidates" in riskloop("train", "--candidate", "lightgbm").err


def test_errors_have_one_shape_for_people_and_for_machines(riskloop: Riskloop, tmp_path: Path) -> None:
    said = riskloop("train", "--project", tmp_path, "--json")
    assert said.code == 2
    assert said.json == {
        "error": {
            "code": "config",
            "message": "There is no riskloop.yaml here.",
            "where": str(tmp_path),
            "next_step": "run `riskloop init --data FILE --target COLUMN`, or name the project with --project",
        }
    }
    assert f"error: {tmp_path}: There is no riskloop.yaml here." in said.err
    assert riskloop("train", "--project", tmp_path).out == ""


def test_a_path_that_cannot_be_written_is_an_error_and_no_fault(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("compare", "--csv", "/proc/no/such/folder.csv", "--project", trained.folder, "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "error")
    assert said.json["error"]["where"] == "/proc/no/such/folder.csv"


def test_brackets_in_a_path_are_shown_as_they_are(riskloop: Riskloop, trained: Project, tmp_path: Path) -> None:
    folder = tmp_path / "runs [/old]"
    folder.mkdir(parents=True)
    said = riskloop("compare", "--csv", folder / "all.csv", "--project", trained.folder)
    assert said.code == 0
    assert f"Wrote {folder}/all.csv" in said.out


def test_a_reader_that_goes_away_is_no_fault(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("schema")
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert "fault in riskloop" not in errors


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    verb=st.sampled_from([verb for verb in VERBS if verb not in {"demo", "serve", "simulate", "init", "train"}]),
    rest=st.lists(
        st.one_of(
            st.sampled_from(
                ["--json", "--project", "--reason", "--out", "--csv", "--sort", "--customer", "--on", "--head", "-1"]
            ),
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
        ),
        max_size=5,
    ),
)
def test_no_arguments_whatever_bring_a_traceback(riskloop: Riskloop, verb: str, rest: list[str]) -> None:
    said = riskloop(*verb.split(), *rest, "--project", "/nonexistent")
    assert said.code in {0, 1, 2, 3}
    assert "Traceback" not in said.err
    assert "fault in riskloop" not in said.err


def test_alone_in_an_empty_folder_it_says_how_to_begin(
    riskloop: Riskloop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = riskloop()
    assert said.code == 0
    assert "riskloop init --data" in said.out
    assert not list(tmp_path.iterdir())


def test_alone_in_a_project_it_says_what_comes_next(
    riskloop: Riskloop, new_project: Project, trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(new_project.folder)
    assert "riskloop check" in riskloop().out
    monkeypatch.chdir(trained.folder)
    assert "Version 1 leads" in riskloop().out
    assert "riskloop serve" in riskloop().out


def test_alone_in_a_project_that_is_broken_it_says_what_is_wrong(
    riskloop: Riskloop, new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(new_project.folder)
    with (new_project.folder / "riskloop.yaml").open("a") as stream:
        stream.write("trainning: {}\n")
    said = riskloop()
    assert said.code == 2
    assert "did you mean" in said.err.lower()


def test_the_version_is_told(riskloop: Riskloop) -> None:
    assert riskloop("--version").out.startswith("riskloop 0.")
