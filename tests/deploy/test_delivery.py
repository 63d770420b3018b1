"""Templates of delivery call only stages, and stages call only verbs that riskloop has."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from typer.main import get_command

from deploy.recipes import HERE, stages
from riskloop.cli.app import app

PIPELINE = HERE / "ci" / "pipeline.mk"
ACTIONS: dict[str, Any] = yaml.safe_load((HERE / "ci" / "github-actions.yml").read_text())
JENKINS = (HERE / "ci" / "Jenkinsfile").read_text()
CALL = "make -f ci/pipeline.mk "
VERBS = set(get_command(app).commands)  # type: ignore[attr-defined]


def _stages() -> list[str]:
    (line,) = [line for line in PIPELINE.read_text().splitlines() if line.startswith("STAGES :=")]
    return line.partition(":=")[2].split()


def test_jenkins_runs_every_stage_in_order_and_nothing_else() -> None:
    assert re.findall(r"sh '([^']*)'", JENKINS) == [CALL + stage for stage in _stages()]
    assert len(re.findall(r"\bsh\b", JENKINS)) == len(_stages())
    assert JENKINS.count("{") == JENKINS.count("}")


def test_github_runs_every_stage_in_order_and_only_installs_besides() -> None:
    runs = [step["run"] for step in ACTIONS["jobs"]["deliver"]["steps"] if "run" in step]
    assert runs[0] == "pip install -r ci/requirements.txt"
    assert runs[1:] == [CALL + stage for stage in _stages()]


def test_github_may_do_no_more_than_it_needs() -> None:
    assert ACTIONS["permissions"] == {"contents": "read", "packages": "write"}
    checkout = ACTIONS["jobs"]["deliver"]["steps"][0]
    assert checkout["with"]["persist-credentials"] is False


@pytest.mark.parametrize("stage", _stages())
def test_a_stage_expands_to_verbs_that_there_are(stage: str) -> None:
    done = subprocess.run(
        ["make", "-n", "-f", PIPELINE, "RISKLOOP=a-verb", stage], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = set(re.findall(r"a-verb ([a-z]+) ", done.stdout))
    assert said <= VERBS
    if stage in ("check-data", "register-best", "gate", "drift", "reports", "archive", "retrain-if-drift"):
        assert said, stage


def test_options_of_the_stages_are_ones_that_the_verbs_have() -> None:
    """Parsed by the command line itself, as far as parsing goes."""
    for words in (
        "doctor --project . --json",
        "check --project .",
        "train --project . --candidates a --json",
        "train --project . --promote --reason drift",
        "promote 3 --reason pipeline --project .",
        "monitor --project . --batch x.csv",
        "backup out/state.tar.gz --no-keys --project .",
    ):
        verb, *rest = shlex.split(words)
        command = get_command(app).commands[verb]  # type: ignore[attr-defined]
        with click.Context(click.Command("x")):
            command.make_context(verb, rest, resilient_parsing=False)


def test_a_build_fails_if_the_service_is_not_ready() -> None:
    said = ["make", "-f", PIPELINE, "READY_SECONDS=1", "SERVICE=http://127.0.0.1:9", "healthy"]
    done = subprocess.run(said, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "did not say yes in 1 s" in done.stderr


def test_what_is_started_elsewhere_are_verbs_too() -> None:
    words = [line.split(" ")[2] for line in (HERE / "Procfile").read_text().splitlines()]
    words += [stages((HERE / "Dockerfile").read_text())[name].command[1] for name in ("serve", "train")]
    items = yaml.safe_load((HERE / "kubernetes" / "riskloop.yaml").read_text())["items"]
    for one in items:
        spec = one.get("spec", {})
        template = spec.get("template") or spec.get("jobTemplate", {}).get("spec", {}).get("template")
        words += [container["command"][1] for container in template["spec"]["containers"]] if template else []
    assert len(words) == 7
    assert set(words) <= VERBS


def test_nothing_of_a_machine_of_ours_is_in_what_is_handed_out() -> None:
    for path in HERE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert not re.search(r"/home/|/Users/|/root/", path.read_text()), path


def test_the_templates_name_the_folder_they_are_copied_to() -> None:
    assert Path(CALL.rsplit(maxsplit=1)[-1]).parts == ("ci", "pipeline.mk")
