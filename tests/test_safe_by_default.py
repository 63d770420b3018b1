"""What the threat model promises: files are their owner's, keys are changed, a person is forgotten."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from riskloop.costs import Costs
from riskloop.data.source import Source
from riskloop.errors import BundleRefused
from riskloop.keep.ledger import Prediction, encode
from riskloop.keep.spool import Spool
from riskloop.loop.project import Project
from riskloop.loop.workflows.forgetting import erase
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.safekeeping import backup, restore
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project
from tests.conftest import ENVIRON

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_state_is_its_owners_only_from_the_first_moment(simulated: Path, tmp_path: Path) -> None:
    source = Source(str(simulated / "customers.csv"))
    initialise(tmp_path / "new", source, "churned", positive="yes", id_column="customer_id", costs=Costs(fp=1, fn=9))
    state = tmp_path / "new" / ".riskloop"
    project = open_project(tmp_path / "new", ENVIRON)
    project.ledger.count()
    project.engine.dispose()
    assert (_mode(state), _mode(state / "keys"), _mode(state / "riskloop.db")) == (0o700, 0o700, 0o600)
    assert _mode(state / "keys" / "signing.key") == 0o600


def test_a_restored_project_is_its_owners_only_too(trained: Project, tmp_path: Path) -> None:
    saved = backup(trained, tmp_path / "saved.tar.gz")
    restore(Path(saved.path), tmp_path / "back", lambda folder: open_project(folder, ENVIRON))
    assert (_mode(Path(saved.path)), _mode(tmp_path / "back" / ".riskloop")) == (0o600, 0o700)


def test_the_signing_key_is_changed_and_the_old_one_trusted_until_its_file_goes(trained: Project) -> None:
    keys = trained.locations.keys
    (old,) = keys.glob("*.pub")
    (keys / "signing.key").unlink()
    train(trained, candidates=("logistic_regression",))
    assert len(list(keys.glob("*.pub"))) == 2
    newest = trained.versions.list()[-1].version
    assert {trained.bundle(1)[0].version, trained.bundle(newest)[0].version} == {1, newest}
    old.unlink()
    again = open_project(trained.folder, ENVIRON)
    assert again.bundle(newest)[0].version == newest
    with pytest.raises(BundleRefused):
        again.bundle(1)
    again.engine.dispose()


def _prediction(number: int, customer: str) -> Prediction:
    return Prediction(
        prediction_id=f"p{number}",
        request_id=None,
        entity_id=customer,
        at=NOON,
        name="churn",
        version=1,
        digest="d",
        arm="champion",
        probability=0.5,
        decision="act",
        features={},
    )


def test_a_person_is_forgotten_in_ledger_spool_and_rows_that_were_set_aside(trained: Project) -> None:
    trained.ledger.append([_prediction(1, "C-1"), _prediction(2, "C-2")])
    spool = Spool(trained.locations.state / "spool")
    spool.keep([encode(_prediction(3, "C-1")), encode(_prediction(4, "C-2"))])
    spool.keep([encode(_prediction(5, "C-1"))])
    reports = trained.locations.reports
    reports.mkdir(exist_ok=True)
    with (reports / "quarantine-may.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["customer_id", "note"], ["C-1", "a, b"], ["C-2", "c"]])
    assert erase(trained, "C-1") == 4
    assert spool.replay(trained.ledger.append_encoded) == 1
    assert {one.entity_id for one in trained.ledger.recent(9)} == {"C-2"}
    everything = b"".join(path.read_bytes() for path in trained.locations.state.rglob("*.csv"))
    assert b"C-2" in everything
    assert b"C-1" not in everything
    assert not list((trained.locations.state / "spool").iterdir())
    assert erase(trained, "C-1") == 0


def test_an_installation_that_only_serves_rolls_back_without_mlflow(trained: Project) -> None:
    """The log is what counts; aliases follow when somebody with MLflow looks."""
    program = (
        "import sys; sys.modules['mlflow'] = None; from riskloop.cli.app import run;"
        f"sys.argv = ['riskloop', 'promote', '2', '--reason', 'x', '--project', {str(trained.folder)!r}]; run()"
    )
    path = str(Path(__file__).parents[1] / "src")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={"PYTHONPATH": path}, check=False
    )
    assert done.returncode == 0, done.stderr
    assert trained.promotions.state().champion == 2
    assert "riskloop doctor" in done.stderr


def test_where_nothing_waits_nothing_is_made(trained: Project) -> None:
    unmade = replace(trained)
    assert erase(unmade, "C-1") == 0
    assert not (trained.locations.state / "spool").exists()
