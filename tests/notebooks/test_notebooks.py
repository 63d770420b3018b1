"""The three notebooks are executed in order, as notebooks, in one folder; a cell that raises is a failure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from riskloop.cli.app import main
from riskloop.loop.project import Project
from riskloop.loop.workflows.history import history
from riskloop.wiring import open_project

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = ("preparation", "modelling", "tracking")
SOURCE = FOLDER.parent / "src"


@dataclass(frozen=True)
class Executed:
    """The notebooks with their output, and the folder after the first and after the last of them."""

    notebooks: dict[str, Any]
    prepared: Path
    folder: Path

    def outputs(self, name: str) -> Iterator[dict[str, Any]]:
        for cell in self.notebooks[name].cells:
            yield from cell.get("outputs", ())

    def text(self, name: str) -> str:
        """What a notebook printed."""
        told = "".join(one["text"] for one in self.outputs(name) if one["output_type"] == "stream")
        return re.sub(r"\x1b\[[0-9;]*m", "", told)  # a kernel asks programs for colours

    def shown(self, name: str, kind: str) -> list[Any]:
        """What a notebook shows of a kind: ``image/png``, ``text/html``."""
        return [one["data"][kind] for one in self.outputs(name) if kind in one.get("data", {})]


@pytest.fixture(scope="module")
def executed(workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> Executed:
    pytest.importorskip("jupytext", reason="notebooks need jupytext, nbclient and ipykernel: make install-dev")
    root = tmp_path_factory.mktemp("notebooks")
    folder, prepared = root / "work", root / "prepared"
    workshop.prepare(folder / "churn")
    with pytest.MonkeyPatch.context() as environ, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's own
        for name in [one for one in os.environ if one.startswith(("RISKLOOP", "MLFLOW", "MPL"))]:
            environ.delenv(name)
        environ.setenv("PYTHONPATH", str(SOURCE))
        environ.setenv("RISKLOOP_ACTOR", "ada")
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            environ.setenv(name, str(root / "jupyter"))
        notebooks = {}
        for name in NAMES:
            notebooks[name] = _execute(FOLDER / f"{name}.py", folder)
            if name == NAMES[0]:
                shutil.copytree(folder / "churn", prepared)
    return Executed(notebooks, prepared, folder / "churn")


def _execute(path: Path, folder: Path) -> Any:
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(path)
    client = NotebookClient(notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": str(folder)}})
    return client.execute()


@pytest.fixture
def left(executed: Executed) -> Iterator[Project]:
    """The project as the notebooks leave it. Only to be read."""
    project = open_project(executed.folder, {})
    yield project
    project.engine.dispose()


def test_no_cell_fails_and_figures_and_tables_are_shown_inline(executed: Executed) -> None:
    for name, figures, tables in (("preparation", 1, 3), ("modelling", 3, 5), ("tracking", 1, 5)):
        assert len(executed.shown(name, "image/png")) == figures, name
        assert len(executed.shown(name, "text/html")) >= tables, name
        assert not [one for one in executed.outputs(name) if one["output_type"] == "error"]


def test_preparation_finds_the_leak_and_leaves_it_out_with_the_reason(executed: Executed) -> None:
    findings = executed.shown("preparation", "text/html")[1]
    assert "leakage-single-feature" in findings
    settings = yaml.safe_load((executed.prepared / "riskloop.yaml").read_text())
    assert settings["features"]["drop"]["closing_letters"].startswith("leakage-single-feature")
    columns = yaml.safe_load((executed.prepared / "contract.yaml").read_text())["columns"]
    assert columns["late_payments_12m"]["monotone"] == "increasing"
    assert columns["age"]["missing_values"] == ["999"]
    assert "passed: 3,000 of 3,000 rows are good" in executed.text("preparation")


def test_the_command_line_goes_on_from_preparation_and_makes_the_same_bundle(
    executed: Executed, left: Project, tmp_path: Path
) -> None:
    shutil.copytree(executed.prepared, tmp_path / "churn")
    place = ["--project", str(tmp_path / "churn")]
    assert main(["check", *place]) == 0
    assert main(["train", "--candidates", "logistic_regression,gam,decision_tree", "--promote", *place]) == 0
    mine = open_project(tmp_path / "churn", {})
    assert history(mine).alias(1) == "champion"
    assert mine.versions.get(1).digest == left.versions.get(1).digest
    mine.engine.dispose()


def test_modelling_decides_close_to_the_best_possible_and_says_how_close(executed: Executed) -> None:
    told = executed.text("modelling")
    best, ours, everyone = (
        float(one.replace(",", ""))
        for one in re.findall(r"best possible ([\d,]+), ours ([\d,]+), calling everyone ([\d,]+)", told)[0]
    )
    assert 4_000 < best < ours < everyone
    assert ours / best - 1 < 0.15
    assert "The model is cheaper than acting on everyone" in told
    assert "Version 1 leads" in told


def test_tracking_leaves_a_record_of_what_was_done(executed: Executed, left: Project) -> None:
    past = history(left)
    assert past.state.champion == 1
    assert past.events[0].kind == "promoted"
    assert past.events[-1].kind == "rolled_back"
    assert {event.actor for event in past.events} == {"ada"}
    assert len(past.versions) == 2
    assert left.ledger.count() == 500
    assert left.promotions.verify().ok
    assert "500 outcomes: ROC-AUC 0." in executed.text("tracking")


def test_a_notebook_is_plain_python_too(tmp_path: Path) -> None:
    """The first of them, by itself and without Jupyter."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / "preparation.py")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SOURCE), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "14 features" in done.stdout
