from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from riskloop.errors import UsageError
from riskloop.serve.server import bind

TRAINING_STACK = ("polars", "pandas", "sklearn", "mlflow", "lightgbm", "xgboost", "catboost", "shap", "riskloop.learn")


def test_a_service_is_ready_answers_and_ends_well(project, server_process, envelope):
    server = server_process(project.config())
    assert httpx.get(f"{server.url}/ready").status_code == 200
    assert httpx.post(f"{server.url}/predict", json=envelope).status_code == 200
    assert server.stop() == (0, "")


def test_serving_imports_nothing_of_the_training_stack(project):
    program = (
        "import sys, asyncio; from riskloop.serve.config import ServeConfig;"
        "from riskloop.serve import server;"
        "app = server.create_app(ServeConfig.from_json(sys.argv[1]))\n"
        "async def live():\n"
        "    async with app.router.lifespan_context(app): pass\n"
        "asyncio.run(live()); print(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, project.config().to_json()],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    loaded = done.stdout.split()
    assert "riskloop.serve.api" in loaded
    assert [name for name in loaded if name in TRAINING_STACK or name == "alembic"] == []


def test_what_was_answered_before_the_end_is_in_the_ledger(project, server_process, customers):
    server = server_process(project.config())
    answered: list[str] = []
    begun = threading.Event()

    def ask(worker):
        with httpx.Client(base_url=server.url, timeout=30) as client:
            for number in range(100_000):
                try:
                    response = client.post("/predict", json={"id": f"{worker}-{number}", "features": customers[0]})
                except httpx.HTTPError:
                    return
                assert response.status_code == 200, response.text
                answered.append(response.json()["prediction_id"])
                if len(answered) > 100:
                    begun.set()

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    assert server.stop() == (0, "")
    for thread in threads:
        thread.join()
    kept = {prediction.prediction_id for prediction in project.ledger.recent(1_000_000)}
    assert len(answered) > 100
    assert set(answered) <= kept


@pytest.mark.slow
def test_two_workers_share_one_port_and_follow_one_log(project, server_process, envelope):
    server = server_process(project.config(workers=2))
    versions = [httpx.post(f"{server.url}/predict", json=envelope).json()["model"]["version"] for _ in range(6)]
    assert versions == [1] * 6
    assert project.ledger.count() == 6
    assert server.stop()[0] == 0


@pytest.mark.slow
def test_workers_end_with_a_parent_that_was_killed(project, server_process):
    """They would go on to hold the port, with nobody to end them."""
    server = server_process(project.config(workers=2))
    server.process.kill()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{server.url}/health", timeout=1)
        except httpx.TransportError:
            return
        time.sleep(0.05)
    pytest.fail("a worker still answers")


def test_a_port_in_use_is_one_clear_error(project):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}") as refused:
            bind("127.0.0.1", port)
    assert "--port" in refused.value.next_step


def test_durability_against_the_loss_of_power_is_a_setting(project, serve):
    from riskloop.serve import api

    opened = []
    real = api.open_database

    def remembering(url, **more):
        opened.append(more)
        return real(url, **more)

    api.open_database, before = remembering, real
    try:
        serve(project.config(durability="power"))
        serve(project.config())
    finally:
        api.open_database = before
    assert opened == [{"synchronous": "FULL"}, {"synchronous": "NORMAL"}]
