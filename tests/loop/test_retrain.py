"""A year of customers, then months that went otherwise: what a retraining makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from riskloop.data.simulate.drift import BatchPlan, Drift
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.loop.project import Project
from riskloop.loop.workflows.outcomes import record_outcomes
from riskloop.loop.workflows.retrain import retrain
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project

ENVIRON = {"RISKLOOP_ACTOR": "ada", "RISKLOOP__RETRAINING__MATURES": "130d"}
NOW = datetime(2026, 11, 1, tzinfo=UTC)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
WEEKS = 6
ROWS = 600
DRIFT = [Drift("concept", 0.8), Drift("mean", -1.0, "service_contacts_90d"), Drift("mean", 1.0, "satisfaction")]


@pytest.fixture(scope="session")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of customers, then weeks in which a competitor courts the loyal ones."""
    plans = [
        BatchPlan(f"w{week}", ROWS, DRIFT, start=(FIRST + timedelta(weeks=week)).date(), days=7)
        for week in range(WEEKS)
    ]
    folder = tmp_path_factory.mktemp("weeks")
    return simulate("churn", rows=2_500, seed=7, out=folder, linked=False, batches=plans).folder


@pytest.fixture(scope="session")
def lived_folder(weeks: Path, workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 leads and has decided about the weeks; what became of the customers is known. Only to be copied."""
    folder = tmp_path_factory.mktemp("lived") / "p"
    project = replace(workshop, data=weeks).churn(folder)
    train(project, candidates=("logistic_regression",), promote_reason="first")
    for week in range(WEEKS):
        batch = weeks / "batches" / f"w{week}.csv"
        scored_at = FIRST + timedelta(weeks=week)
        then = replace(project, clock=lambda at=scored_at: at)
        score(then, Source(str(batch)), folder / "out.csv", reasons=False)
        then.engine.dispose()
        record_outcomes(project, Source(str(batch.with_suffix("")) + ".outcomes.csv"))
    project.engine.dispose()
    return folder


@pytest.fixture
def lived(lived_folder: Path, tmp_path: Path) -> Iterator[Project]:
    import shutil

    shutil.copytree(lived_folder, tmp_path / "lived")
    project = open_project(tmp_path / "lived", ENVIRON, clock=lambda: datetime.now(UTC))
    yield project
    project.engine.dispose()


def test_what_changed_is_learnt_and_the_new_version_leads(lived: Project) -> None:
    done = retrain(lived, if_needed=True, window="recent:60d", candidates=("logistic_regression",))
    print(done.to_dict())
    assert done.record is not None
    assert done.record.result == "promoted"
    assert lived.promotions.state().champion == 2
