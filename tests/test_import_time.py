"""What is slow to import is imported late: asserted on what is loaded, not on a clock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
TRAINING = {
    "sklearn", "pandas", "polars", "pyarrow", "scipy", "mlflow", "lightgbm", "xgboost", "catboost", "matplotlib",
    "apprise",
}  # fmt: skip
SERVING = {"starlette", "uvicorn", "sqlalchemy", "alembic", "prometheus_client"}


def _loaded_by(program: str, *, cwd: Path | None = None) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after the program."""
    told = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules, file=sys.stderr)"],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
    )
    return {name.partition(".")[0] for name in told.stderr.split()}


def test_the_package_alone_loads_nothing_heavy() -> None:
    assert not _loaded_by("import riskloop") & (TRAINING | SERVING | {"numpy", "pydantic", "yaml", "typer", "rich"})


def test_a_public_name_loads_what_it_needs_and_no_more() -> None:
    assert not _loaded_by("import riskloop; riskloop.Costs; riskloop.Problem; riskloop.Finding") & (TRAINING | SERVING)


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["serve", "--help"], ["--version"], []])
def test_help_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    loaded = _loaded_by(f"from riskloop.cli.app import main; assert main({arguments}) == 0", cwd=tmp_path)
    assert not loaded & (TRAINING | SERVING)


def test_the_service_loads_nothing_that_trains() -> None:
    loaded = _loaded_by("import riskloop.serve.server, riskloop.wiring")
    assert "starlette" in loaded
    assert not loaded & TRAINING


def test_the_pages_load_nothing_that_trains_and_their_own_only_when_asked_for() -> None:
    loaded = _loaded_by(
        "import riskloop.web.site as site; from riskloop.web.pages import (audit, batches, data, documents, "
        "experiments, models, monitoring, overview, scoring, thresholds, worklist)"
    )
    assert "starlette" in loaded
    assert not loaded & (TRAINING | {"jinja2", "babel"})
