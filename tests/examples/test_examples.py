"""Every example does what its README says, on the public table, and finds its headline numbers."""

from __future__ import annotations

import contextlib
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.expected import FILE, Headline, headlines
from riskloop.cli.app import main
from riskloop.loop.project import Project
from riskloop.wiring import open_project

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted(path.parent.name for path in FOLDER.glob("*/riskloop.yaml"))
_COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def copies(workshop: Any, tmp_path: Path) -> Path:
    """The examples as a reader gets them, where nothing was obtained or trained."""
    shutil.copytree(FOLDER, tmp_path / "examples", ignore=shutil.ignore_patterns("data", ".riskloop", "__pycache__"))
    for name in EXAMPLES:
        workshop.prepare(tmp_path / "examples" / name)
    return tmp_path / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_its_readme_says(
    name: str, copies: Path, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKLOOP_DATA", str(real_data))
    readme = (copies / name / "README.md").read_text()
    lines = [line for block in _COMMANDS.findall(readme) for line in block.splitlines()]
    assert {"python get_data.py", "riskloop train --promote", "python ../expected.py"} <= set(lines)
    with contextlib.chdir(copies / name):
        for line in lines:
            assert _run(line) == 0, line
    assert headlines(copies / name)
    project = open_project(copies / name, {})
    assert project.promotions.state().champion == 1
    project.engine.dispose()


def _run(line: str) -> int:
    """A line of a README: of riskloop or a script that needs it in this process, which has imported everything."""
    program, *arguments = shlex.split(line)
    if program == "riskloop":
        return main(arguments)
    assert program == "python"
    if arguments == ["../expected.py"]:
        with pytest.raises(SystemExit) as done:
            runpy.run_path(arguments[0], run_name="__main__")
        return int(done.value.code or 0)
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # the standard library only
    return subprocess.run([sys.executable, "-S", *arguments], env=alone, check=False).returncode


@pytest.fixture(params=EXAMPLES)
def declared(request: pytest.FixtureRequest) -> Project:
    return open_project(FOLDER / request.param, {})


def test_every_rule_of_an_example_is_about_a_column_of_its_contract(declared: Project) -> None:
    settings, contract = declared.settings, declared.contract
    named = {*contract.by_name, *contract.known}
    assert {*settings.features.drop, *settings.features.allow, *settings.problem.sensitive} <= named
    assert contract.features
    assert not {*settings.features.drop, *settings.problem.sensitive} & set(contract.features)


def test_a_protected_column_is_personal(declared: Project) -> None:
    stored = yaml.safe_load((declared.folder / "contract.yaml").read_text())["columns"]
    assert all(stored[name].get("personal") for name in declared.settings.problem.sensitive)


def test_a_reviewer_has_declared_directions_or_codes(declared: Project) -> None:
    columns = [declared.contract.by_name[name] for name in declared.contract.features]
    assert any(column.monotone for column in columns)


def test_the_readme_tells_the_numbers_that_are_expected(declared: Project) -> None:
    told = (declared.folder / "README.md").read_text() + (FOLDER / "README.md").read_text()
    expected = yaml.safe_load((declared.folder / FILE).read_text())
    costs = [row["cost_per_thousand"]["value"] for row in expected["policies"].values()]
    assert [cost for cost in costs if f"{cost:,}" not in told] == []
    assert f"{expected['test']['roc_auc']['value']:.3f}".lstrip("0") in told


def test_an_example_brings_no_data() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "examples"],
        cwd=FOLDER.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tracked.returncode:
        pytest.skip("not a checkout of git")
    assert {Path(name).suffix for name in tracked.stdout.split()} <= {".py", ".md", ".yaml", ".json"}


def test_a_headline_holds_within_its_tolerance_and_words_from_their_beginning() -> None:
    assert Headline("roc_auc", 0.99, 0.985, within=0.01).holds
    assert not Headline("roc_auc", 0.99, 0.97, within=0.01).holds
    assert not Headline("roc_auc", 0.99, float("nan"), within=0.01).holds
    assert Headline("verdict", "The model is cheaper", "The model is cheaper than acting on everyone.").holds
    assert not Headline("verdict", "The model is cheaper", "Acting on everyone is cheaper than the model.").holds
    assert "OTHERWISE" in str(Headline("rows", 10, 9))


def test_a_training_that_finds_otherwise_is_told(trained: Project, capsys: pytest.CaptureFixture[str]) -> None:
    (trained.folder / FILE).write_text("status: accepted\ntest:\n  roc_auc: {value: 0.5, within: 0.001}\n")
    found = {one.name: one.holds for one in headlines(trained.folder)}
    assert found == {"status": False, "test.roc_auc": False}  # the newest version was refused
    (trained.folder / FILE).write_text("familly: gam\n")
    with pytest.raises(ValueError, match="familly"):
        headlines(trained.folder)
