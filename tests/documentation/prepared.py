"""What a page's preparation may ask for by name: ``@customers``, ``@churn``, ``@churn-trained``, ``@churn-lived``.

Each is made once in a session, when a page first asks for it, and copied.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from riskloop.cli.app import main
from riskloop.data.simulate.drift import BatchPlan, Drift
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.loop.workflows.outcomes import record_outcomes
from riskloop.loop.workflows.score import score
from riskloop.wiring import open_project
from tests.conftest import DATA

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
WEEKS = 6
OTHERWISE = (Drift("concept", 0.8), Drift("mean", -1.0, "service_contacts_90d"), Drift("mean", 1.0, "satisfaction"))
INIT = (
    "init --data customers.csv --target churned --id customer_id --time snapshot_date "
    "--cost-fn 100 --cost-fp 10 --name churn"
)


@dataclass
class Prepared(Mapping[str, Callable[[Path], None]]):
    """Ready folders by name."""

    store: Path
    root: Path
    made: dict[str, Path] = field(default_factory=dict)

    names: ClassVar[tuple[str, ...]] = ("mlflow", "public-data", "customers", "churn", "churn-trained", "churn-lived")

    def __getitem__(self, name: str) -> Callable[[Path], None]:
        if name not in self.names:
            raise KeyError(name)
        if name == "public-data":
            return _public_data
        return lambda folder: self._copy(name, folder)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def _copy(self, name: str, to: Path) -> None:
        shutil.copytree(self._folder(name), to, dirs_exist_ok=True)

    def _folder(self, name: str) -> Path:
        if name not in self.made:
            folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.root))
            getattr(self, f"_{name.replace('-', '_')}")(folder)
            self.made[name] = folder
        return self.made[name]

    def _mlflow(self, folder: Path) -> None:
        """MLflow's own tables: made already, since making them takes seconds."""
        (folder / ".riskloop").mkdir()
        shutil.copy(self.store, folder / ".riskloop" / "mlflow.db")

    def _customers(self, folder: Path) -> None:
        """2,500 customers, 500 new ones like them, and weeks of those who are otherwise; no project."""
        plans = [
            BatchPlan(f"week-{week + 1}", 500, OTHERWISE, start=(FIRST + timedelta(weeks=week)).date(), days=7)
            for week in range(WEEKS)
        ]
        calm = BatchPlan("calm", 500, start=FIRST.date(), days=7)
        simulate("churn", rows=2_500, seed=7, out=folder, linked=False, batches=[calm, *plans])
        self._copy("mlflow", folder)
        (folder / "incoming").mkdir()
        for plan in plans:
            day = f"{plan.start:%Y-%m-%d}"
            shutil.copy(folder / "batches" / f"{plan.name}.csv", folder / "incoming" / f"customers-{day}.csv")
        shutil.copy(folder / "batches" / "calm.csv", folder / "new_customers.csv")

    def _churn(self, folder: Path) -> None:
        """An initialised project over these customers."""
        self._copy("customers", folder)
        _riskloop(folder, INIT)

    def _churn_trained(self, folder: Path) -> None:
        """Version 1 leads, version 2 waits, and version 3 was refused."""
        self._copy("churn", folder)
        _riskloop(folder, "train --candidates logistic_regression,decision_tree --promote")
        _riskloop(folder, "train --candidates scorecard")
        with _environ(RISKLOOP__GATE__MIN_ROC_AUC="0.99"):
            _riskloop(folder, "train --candidates decision_tree", expected=3)

    def _churn_lived(self, folder: Path) -> None:
        """The trained project after six weeks of decisions of which all is known by now."""
        self._copy("churn-trained", folder)
        project = open_project(folder, os.environ)
        for week in range(WEEKS):
            at = FIRST + timedelta(weeks=week, hours=9)
            batch = folder / "batches" / f"week-{week + 1}.csv"
            score(replace(project, clock=lambda at=at: at), Source(str(batch)), folder / "decisions.csv", reasons=False)
            record_outcomes(project, Source(str(batch.with_suffix(".outcomes.csv"))))
        project.engine.dispose()


def _public_data(_: Path) -> None:
    """The public tables; where they are not, the page is skipped."""
    if not DATA.is_dir():
        pytest.skip("the public tables are not here; name their folder in RISKLOOP_DATA")


def _riskloop(folder: Path, line: str, *, expected: int = 0) -> None:
    with contextlib.chdir(folder), open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
        code = main(line.split())
    if code != expected:
        raise AssertionError(f"preparing: riskloop {line}: exit code {code}")


@contextlib.contextmanager
def _environ(**more: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
