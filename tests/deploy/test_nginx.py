"""A real nginx, with our configuration, before a real service."""

from __future__ import annotations

import csv
import io
import json
import shutil
import ssl
import subprocess
import urllib.error
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from deploy.processes import Answer, Processes, ask, free_ports, nginx_here, self_signed
from riskloop.loop.project import Project
from riskloop.loop.workflows.keys import add_key
from tests.conftest import Start


@dataclass(frozen=True)
class Front:
    """nginx before a service with keys."""

    url: str
    trust: Path
    scorer: str
    viewer: str

    def ask(self, path: str, body: bytes | None = None, key: str | None = None) -> Answer:
        return ask(self.url + path, body, key=key, trust=self.trust)


@pytest.fixture(scope="module")
def front(
    trained_folder: Path, start: Start, needs: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    needs("nginx")
    from riskloop.wiring import open_project

    folder = tmp_path_factory.mktemp("front")
    project = open_project(shutil.copytree(trained_folder, folder / "project"))
    keys = {role: add_key(project, role, role).token for role in ("scorer", "viewer")}
    project.engine.dispose()
    reports = project.locations.reports
    reports.mkdir(exist_ok=True)
    (reports / "drift.html").write_text("<p>drift</p>")
    (reports / "quarantine-may.csv").write_text("customer_id\nC-1\n")
    (project.folder / "secret.txt").write_text("not for you")
    (listen,) = free_ports(1)
    trust = self_signed(folder / "tls")
    service = start("serve", "--port", 0, "--project", project.folder, "--json", FORWARDED_ALLOW_IPS="127.0.0.1")
    assert service.stdout is not None
    told = json.loads("".join(iter(service.stdout.readline, "}\n")) + "}")["url"]
    try:
        with Processes(folder / "logs") as processes:
            processes.start("nginx", nginx_here(folder, listen, int(told.rpartition(":")[2])))
            made = Front(f"https://127.0.0.1:{listen}", trust, keys["scorer"], keys["viewer"])
            processes.until("nginx", lambda: made.ask("/health").status == 200)
            yield made
    finally:
        service.terminate()
        service.communicate(timeout=60)


def test_the_configuration_is_sound(needs: Callable[..., None], tmp_path: Path) -> None:
    needs("nginx")
    self_signed(tmp_path / "tls")
    command = nginx_here(tmp_path, 8443, 8000)
    done = subprocess.run([*command[:-2], "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_customers_are_answered_with_tls_and_a_key(front: Front) -> None:
    assert front.ask("/predict", b"{}").status == 401
    answer = front.ask("/predict", b"{}", front.scorer)
    assert answer.status == 422
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "nginx/" not in answer.headers["Server"]


def test_who_does_not_know_the_certificate_is_not_answered(front: Front) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(front.url + "/health", trust=None)


def test_old_tls_is_refused(front: Front) -> None:
    import socket
    import warnings

    old = ssl.create_default_context(cafile=str(front.trust))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.minimum_version = ssl.TLSVersion.TLSv1
    host, port = front.url.removeprefix("https://").split(":")
    with pytest.raises(ssl.SSLError), socket.create_connection((host, int(port))) as plain:
        old.wrap_socket(plain, server_hostname=host)


def test_metrics_are_not_for_the_outside(front: Front) -> None:
    assert front.ask("/metrics", key=front.viewer).status == 404


def test_reports_are_for_viewers(front: Front) -> None:
    stranger = front.ask("/reports/drift.html").body  # is led to the login
    assert b"password" in stranger
    assert b"<p>drift</p>" not in stranger
    answer = front.ask("/reports/drift.html", key=front.viewer)
    assert answer.status == 200
    assert b"<p>drift</p>" in answer.body
    assert answer.headers["Strict-Transport-Security"]


def test_rows_of_customers_are_not_for_viewers(front: Front) -> None:
    assert front.ask("/reports/quarantine-may.csv", key=front.scorer).status == 200
    assert front.ask("/reports/quarantine-may.csv", key=front.viewer).status == 404


@pytest.mark.parametrize("path", ["/reports/../../secret.txt", "/reports../secret.txt", "/reports/%2e%2e/secret.txt"])
def test_no_way_leads_out_of_the_reports(front: Front, path: str) -> None:
    answer = front.ask(path, key=front.viewer)
    assert b"not for you" not in answer.body
    assert answer.status in (400, 404)


def test_a_request_that_is_too_large_is_told_so_in_the_shape_of_all_errors(front: Front) -> None:
    answer = front.ask("/predict", b"x" * 11_000_000, front.scorer)
    assert answer.status == 413
    assert json.loads(answer.body)["status"] == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_long_file_goes_through_as_it_comes(front: Front, simulated: Path) -> None:
    with (simulated / "customers.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    target = header.index("churned")
    text = io.StringIO()
    csv.writer(text).writerows([header, *([*row[:target], "x" * 11_000, *row[target + 1 :]] for row in rows[:1_200])])
    sent = text.getvalue().encode()
    assert len(sent) > 12_000_000
    headers = {"Authorization": f"Bearer {front.scorer}", "Content-Type": "text/csv", "Accept": "text/csv"}
    trust = ssl.create_default_context(cafile=str(front.trust))
    pieces = (sent[at : at + 65_536] for at in range(0, len(sent), 65_536))
    answer = httpx.post(f"{front.url}/predict/batch", content=pieces, headers=headers, verify=trust, timeout=60)
    assert (answer.status_code, answer.headers["x-scored"]) == (200, "1200"), answer.text[:500]
    assert answer.text.count("\n") == 1_201


def test_guessing_at_the_login_is_slowed_down(front: Front) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: front.ask("/login"), range(30)))
    limited = [one for one in found if one.status == 429]
    assert 10 <= len(limited) <= 20
    assert json.loads(limited[0].body)["title"] == "Too Many Requests"


def test_a_service_that_is_away_is_told_so(needs: Callable[..., None], processes: Processes) -> None:
    needs("nginx")
    listen, nobody = free_ports(2)
    folder = processes.folder.parent
    trust = self_signed(folder / "tls")
    processes.start("nginx", nginx_here(folder, listen, nobody))
    answer = processes.until("nginx", lambda: ask(f"https://127.0.0.1:{listen}/ready", trust=trust))
    assert answer.status == 502
    assert json.loads(answer.body)["detail"] == "The service does not answer."


def test_the_address_of_a_caller_reaches_the_record(front: Front) -> None:
    """And cannot be claimed: what a caller sends of it is replaced."""
    sent = {"X-Forwarded-For": "9.9.9.9"}
    body = json.dumps({"actor": "x", "reason": "y"}).encode()
    answer = ask(front.url + "/rollback", body, key=front.scorer, trust=front.trust, headers=sent)
    assert answer.status == 403
    project: Path = front.trust.parents[1] / "project"
    from sqlalchemy import select

    from riskloop.keep import tables
    from riskloop.wiring import open_project

    opened: Project = open_project(project)
    with opened.engine.connect() as connection:
        addresses = set(connection.scalars(select(tables.calls.c.address)))
    opened.engine.dispose()
    assert addresses == {"127.0.0.1"}
