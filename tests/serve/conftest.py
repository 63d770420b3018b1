from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn

from riskloop.bundle.bundle import Bundle, Golden
from riskloop.bundle.pack import pack
from riskloop.bundle.sign import KeyRing
from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.choosing import choose_policy
from riskloop.keep.customers import Customers
from riskloop.keep.database import migrate, open_database
from riskloop.keep.ledger import Ledger
from riskloop.keep.promotions import Promotions
from riskloop.keep.versions import Version, Versions
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Block, Encoding
from riskloop.scorer.interval import VennAbers
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Scorer
from riskloop.serve.api import create_app
from riskloop.serve.config import ServeConfig
from riskloop.serve.wire import Wire

LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)

CONTRACT = Contract(
    columns=(
        Column("age", minimum=18, maximum=100),
        Column("income", minimum=0, nullable=True),
        Column("region", "category", levels=("NA", "EU", "AF")),
        Column("plan", "category", levels=("basic", "premium"), unknown="bin", nullable=True),
    ),
    features=("age", "income", "region", "plan"),
    known=("customer_id", "churned"),
)
CUSTOMERS = (
    {"age": 40.0, "income": 3000.0, "region": "NA", "plan": "basic"},
    {"age": 70.0, "income": None, "region": "EU", "plan": "premium"},
    {"age": 19.0, "income": 12.5, "region": "AF", "plan": None},
)


def make_bundle(*, weight: float = 0.5, intercept: float = -1.5, name: str = "churn") -> Bundle:
    encoding = Encoding(
        (
            Block("age", "number", shift=40, scale=10),
            Block("income", "number", impute=3000, indicator=True, shift=3000, scale=1000),
            Block("region", "onehot", levels=("NA", "EU", "AF")),
            Block("plan", "onehot", levels=("basic", "premium"), indicator=True),
        )
    )
    model = Linear(np.linspace(-weight, weight, len(encoding.names)), intercept)
    costs = Costs(fp=10, fn=100)
    policy = choose_policy("cost", np.zeros(0, bool), np.zeros(0), costs, labels=("contact", "leave"))
    card = {
        "family": "logistic_regression",
        "id": "customer_id",
        "verdict": "The model is cheaper than acting on everyone.",
        "policies": [
            {"name": "chosen", "cost_per_thousand": {"value": 522.0, "low": 480.0, "high": 560.0}},
            {"name": "act_on_all", "cost_per_thousand": {"value": 7340.0, "low": 7300.0, "high": 7400.0}},
            {"name": "act_on_none", "cost_per_thousand": {"value": 26600.0, "low": 25000.0, "high": 28000.0}},
        ],
    }
    interval = VennAbers((0.05, 0.2, 0.5), (0.02, 0.15, 0.4), (0.1, 0.3, 0.7))
    scorer = Scorer(CONTRACT, encoding, model, Calibration("sigmoid", (1.1, 0.1)), interval)
    bundle = Bundle(name, scorer, policy, Golden((), ()), {}, card)
    probability, _ = bundle.score(CUSTOMERS)
    return replace(bundle, golden=Golden(CUSTOMERS, tuple(probability.tolist())), baseline=CUSTOMERS)


@dataclass
class Project:
    """A project folder as training leaves it."""

    folder: Path

    def __post_init__(self) -> None:
        self.keys = KeyRing(self.folder / "keys")
        self.keys.create()
        self.bundles = self.folder / "bundles"
        self.use(f"sqlite:///{self.folder / 'riskloop.db'}")

    def use(self, url: str) -> None:
        """Keep everything in that database from here on."""
        self.url = url
        self.engine = open_database(self.url)
        migrate(self.engine)
        self.ledger = Ledger(self.engine)
        self.versions = Versions(self.engine)
        self.promotions = Promotions(self.engine)
        self.customers = Customers(self.engine)

    def config(self, **more: object) -> ServeConfig:
        settings = {"port": 0, "poll_seconds": 0.05} | more
        return ServeConfig("churn", self.url, self.bundles, self.keys.folder, **settings)  # type: ignore[arg-type]

    def add(self, version: int, bundle: Bundle, *, status: str = "accepted") -> Bundle:
        packed, path = pack(bundle, self.bundles, self.keys)
        self.versions.add(
            Version(
                version,
                "churn",
                packed.digest,
                path.name,
                LONG_AGO,
                status,  # type: ignore[arg-type]
                metrics={"roc_auc": 0.84},
                gate=[] if status == "accepted" else [{"name": "cost", "passed": False}],
            )
        )
        return packed

    def promote(self, version: int) -> None:
        record = self.versions.get(version)
        self.promotions.promote(version, record.digest, actor="ada", reason="better", at=datetime.now(UTC))

    def rollback(self) -> None:
        self.promotions.rollback(actor="ada", reason="worse", at=datetime.now(UTC))

    def execute(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)


class Running:
    """The service in a thread of this process, over real HTTP."""

    def __init__(self, config: ServeConfig, *, http: Any = Wire, **more: object) -> None:
        self.app = create_app(config, **more)  # type: ignore[arg-type]
        settings = uvicorn.Config(
            self.app, port=0, log_config=None, access_log=False, loop="uvloop", http=http, server_header=False
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> httpx.Client:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            threading.Event().wait(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
        return self.client

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join()


class ServerProcess:
    """The service as users run it: a process of its own."""

    def __init__(self, config: ServeConfig) -> None:
        program = (
            "import sys; from riskloop.serve.config import ServeConfig; from riskloop.serve.server import run;"
            "run(ServeConfig.from_json(sys.argv[1]), on_ready=lambda url: print(url, flush=True))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, config.to_json()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.process.communicate()[1]

    def stop(self) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def empty_project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    yield project
    project.engine.dispose()


@pytest.fixture
def project(empty_project: Project) -> Project:
    empty_project.add(1, make_bundle())
    empty_project.add(2, make_bundle(weight=1.5))
    empty_project.promote(1)
    return empty_project


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service for requests that change nothing: every other test starts its own."""
    project = Project(tmp_path_factory.mktemp("standing"))
    project.add(1, make_bundle())
    project.add(2, make_bundle(weight=1.5))
    project.promote(1)
    with Running(project.config()) as client:
        yield client
    project.engine.dispose()


@pytest.fixture
def serve() -> Iterator[Callable[..., httpx.Client]]:
    running: list[Running] = []

    def start(config: ServeConfig, **more: object) -> httpx.Client:
        running.append(Running(config, **more))
        return running[-1].__enter__()

    yield start
    for one in running:
        one.__exit__()


@pytest.fixture
def client(project: Project, serve: Callable[..., httpx.Client]) -> httpx.Client:
    return serve(project.config())


@pytest.fixture
def envelope() -> dict[str, object]:
    return {"id": "C-1", "features": json.loads(json.dumps(CUSTOMERS[0]))}


@pytest.fixture(scope="session")
def customers() -> tuple[dict[str, object], ...]:
    return CUSTOMERS


@pytest.fixture(scope="session")
def bundle_maker() -> Callable[..., Bundle]:
    return make_bundle


@pytest.fixture
def server_process() -> Iterator[Callable[[ServeConfig], ServerProcess]]:
    started: list[ServerProcess] = []

    def start(config: ServeConfig) -> ServerProcess:
        started.append(ServerProcess(config))
        return started[-1]

    yield start
    for one in started:
        one.stop()
