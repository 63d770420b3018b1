"""A project that has lived: a year of customers, then weeks that went otherwise, decided about and known by now."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from riskloop.data.simulate.drift import BatchPlan, Drift
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.loop.project import Project
from riskloop.loop.workflows.outcomes import record_outcomes
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
WEEKS, ROWS = 6, 600
DRIFT = (Drift("concept", 0.8), Drift("mean", -1.0, "service_contacts_90d"), Drift("mean", 1.0, "satisfaction"))
FAMILY = ("logistic_regression",)


@dataclass(frozen=True)
class Lived:
    """The folder of the project, and of the data behind it."""

    folder: Path
    data: Path

    def copy(self, to: Path, **settings: str) -> Project:
        """A copy to change at will; settings by their names in the environment, such as ``RETRAINING__HARM``."""
        shutil.copytree(self.folder, to)
        named = {f"RISKLOOP__{name}": value for name, value in settings.items()}
        return open_project(to, {"RISKLOOP_ACTOR": "ada", "RISKLOOP__PROBLEM__MATURITY": "130d"} | named)


@pytest.fixture(scope="session")
def lived_folder(workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Only to be copied. Outcomes come from the simulation: some weeks after the decision, none later than 130 days."""
    plans = [
        BatchPlan(f"w{week}", ROWS, DRIFT, start=(FIRST + timedelta(weeks=week)).date(), days=7)
        for week in range(WEEKS)
    ]
    root = tmp_path_factory.mktemp("lived")
    data = simulate("churn", rows=2_500, seed=7, out=root / "data", linked=False, batches=plans).folder
    project = replace(workshop, data=data).churn(root / "p")
    train(project, candidates=FAMILY, promote_reason="first")
    for week in range(WEEKS):
        decide_about(project, data / "batches" / f"w{week}.csv", FIRST + timedelta(weeks=week))
        record_outcomes(project, Source(str(data / "batches" / f"w{week}.outcomes.csv")))
    project.engine.dispose()
    return Lived(root / "p", data)


def decide_about(project: Project, batch: Path, at: datetime) -> None:
    """Score a batch as of a day."""
    then = replace(project, clock=lambda: at)
    score(then, Source(str(batch)), project.folder / "out.csv", reasons=False)
    then.engine.dispose()


@pytest.fixture
def lived(lived_folder: Lived, tmp_path: Path) -> Iterator[Project]:
    """A copy, to change at will."""
    project = lived_folder.copy(tmp_path / "lived")
    yield project
    project.engine.dispose()
