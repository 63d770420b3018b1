"""Completion, as a shell asks for it: in a real bash, by the script that riskloop gives it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from riskloop.cli.completing import CANDIDATES, METRICS, SCENARIOS, candidates
from riskloop.data.simulate.scenarios import SCENARIOS as SIMULATED
from riskloop.learn.candidates.families import BLENDED, FAMILIES
from riskloop.loop.project import Project
from riskloop.loop.workflows.history import compare

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A PATH on which `riskloop` is ours."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "riskloop"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m riskloop "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RISKLOOP_")}
    return kept | {"PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": str(SOURCE)}


def in_bash(lines: list[str], folder: Path, environ: dict[str, str]) -> list[list[str]]:
    """What bash offers at the end of each line."""
    program = ["source <(_RISKLOOP_COMPLETE=source_bash riskloop)", "type _riskloop_completion >/dev/null"]
    for line in lines:
        program += [
            f"line={shlex.quote(line)}",
            'COMP_WORDS=($line); [ "${line: -1}" = " " ] && COMP_WORDS+=("")',
            "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()",
            'COMP_LINE="$line" COMP_POINT=${#line}; _riskloop_completion riskloop',
            "printf '%s\\n' \"${COMPREPLY[@]}\" '--'",
        ]
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(program)],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [[word for word in part.split("\n") if word] for part in done.stdout.split("--\n")[:-1]]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_is_offered_verbs_options_and_values(trained: Project, environ: dict[str, str]) -> None:
    above = trained.folder.parent
    offered = in_bash(
        [
            "riskloop tr",
            "riskloop ab st",
            "riskloop promote --re",
            "riskloop promote ",
            "riskloop score f.csv --model-version ",
            "riskloop train --candidates light",
            "riskloop train --candidates lightgbm,log",
            "riskloop explain --set pl",
            "riskloop performance --segment con",
            "riskloop compare --sort roc",
            "riskloop monitor --by w",
            "riskloop simulate c",
        ],
        trained.folder,
        environ,
    )
    assert offered == [
        ["train"],
        ["start", "status", "stop"],
        ["--reason"],
        ["3", "2", "1"],
        ["3", "2", "1"],
        ["lightgbm"],
        ["lightgbm,logistic_regression"],
        ["plan="],
        ["contract"],
        ["roc_auc"],
        ["week"],
        ["churn"],
    ]
    elsewhere = in_bash(["riskloop promote ", f"riskloop promote --project {trained.folder.name} "], above, environ)
    assert elsewhere == [[], ["3", "2", "1"]]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_their_script_and_the_same_offers(shell: str, environ: dict[str, str]) -> None:
    def riskloop(**more: str) -> str:
        command = [sys.executable, "-m", "riskloop"]
        return subprocess.run(command, env=environ | more, capture_output=True, text=True, check=True).stdout

    assert "riskloop" in riskloop(_RISKLOOP_COMPLETE=f"source_{shell}")
    words = {"_TYPER_COMPLETE_ARGS": "riskloop tra", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    assert "train" in riskloop(_RISKLOOP_COMPLETE=f"complete_{shell}", **words)


def test_an_offer_loads_nothing_heavy(trained: Project, environ: dict[str, str]) -> None:
    words = {"_RISKLOOP_COMPLETE": "complete_bash", "COMP_WORDS": "riskloop promote ", "COMP_CWORD": "2"}
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "riskloop"],
        cwd=trained.folder, env=environ | words, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == ["3", "2", "1"]
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.stderr.splitlines()}
    assert "sqlite3" in loaded
    assert not loaded & {"numpy", "polars", "sqlalchemy", "alembic", "starlette", "yaml", "mlflow", "rich"}


def test_what_is_offered_is_what_there_is(trained: Project) -> None:
    assert set(CANDIDATES) == {*(family.name for family in FAMILIES), "ebm", *BLENDED}  # with riskloop[ebm]
    assert set(SCENARIOS) == set(SIMULATED)
    assert set(METRICS) == set(compare(trained)[0].metrics)


def test_a_list_is_completed_at_its_end_and_offers_nothing_twice() -> None:
    assert candidates("lightgbm,l") == ["lightgbm,logistic_regression"]
    assert candidates("nothing") == []
