"""Every panel asks a real Prometheus that scraped a real service under load."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
import yaml

from deploy.processes import Processes, ask, free_ports
from deploy.recipes import HERE
from riskloop.loop.project import Project
from riskloop.loop.workflows.arms import start_arms
from riskloop.loop.workflows.keys import add_key
from riskloop.watch.alerts import MEASURES, Fact
from tests.conftest import Start

DASHBOARD: dict[str, Any] = json.loads((HERE / "grafana" / "dashboards" / "riskloop.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]


@pytest.fixture(scope="module")
def prometheus(
    trained_folder: Path, start: Start, needs: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of a Prometheus that has scraped a service with keys, a challenger and measures, for some seconds."""
    needs("prometheus")
    from riskloop.wiring import open_project

    folder = tmp_path_factory.mktemp("scraped")
    project = open_project(shutil.copytree(trained_folder, folder / "project"), {"RISKLOOP_ACTOR": "ada"})
    start_arms(project, 2, share=0.5, shadow=False, reason="a test")
    scorer, viewer = (add_key(project, role, role).token for role in ("scorer", "viewer"))
    facts = [Fact(measure, "batches", 0.01, 0.0, 0.02) for measure in MEASURES]
    project.measures.keep(facts, project.clock())
    (folder / "scrape").write_text(viewer)
    service = start("serve", "--port", 0, "--workers", 2, "--project", project.folder, "--json")
    assert service.stdout is not None
    url = json.loads("".join(iter(service.stdout.readline, "}\n")) + "}")["url"]
    try:
        with Processes(folder / "logs") as processes:
            address = _prometheus(folder, url, processes)
            with _load(project, url, scorer):
                for status in ("200", "422"):
                    grown = f'rate(riskloop_requests_total{{route="/predict",status="{status}"}}[30s]) > 0'
                    processes.until("prometheus", lambda said=grown: _answer(address, said)["data"]["result"], 60)
            yield address
    finally:
        service.terminate()
        service.communicate(timeout=60)
        project.engine.dispose()


def _prometheus(folder: Path, url: str, processes: Processes) -> str:
    """Our scrape configuration, once a second."""
    text = (HERE / "prometheus" / "prometheus.yml").read_text()
    for said, here in {
        "api:8000": url.removeprefix("http://"),
        "/run/secrets": str(folder),
        "interval: 15s": "interval: 1s",
    }.items():
        assert said in text
        text = text.replace(said, here)
    (folder / "prometheus.yml").write_text(text)
    (folder / "rules.yml").write_text(
        (HERE / "prometheus" / "rules.yml").read_text().replace("interval: 15s", "interval: 1s")
    )
    (port,) = free_ports(1)
    processes.start(
        "prometheus",
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
    )
    address = f"http://127.0.0.1:{port}"
    processes.until("prometheus", lambda: ask(f"{address}/-/ready").status == 200)
    return address


@contextmanager
def _load(project: Project, url: str, key: str) -> Iterator[None]:
    """Customers who ask until the block ends, some of them with mistakes."""
    rows = pl.read_csv(project.source.path, n_rows=100).drop("churned", "snapshot_date").rows(named=True)
    names = [column.name for column in project.bundle()[1].contract.read]
    bodies = [json.dumps({"id": row["customer_id"], "features": {n: row[n] for n in names}}).encode() for row in rows]
    over = threading.Event()

    def ask_on() -> None:
        for body in cycle([b"{}", *bodies]):
            ask(f"{url}/predict", body, key=key)
            if over.wait(0.01):
                return

    threads = [threading.Thread(target=ask_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _answer(address: str, expression: str) -> dict[str, Any]:
    said = expression.replace("$service", "riskloop").replace("$__rate_interval", "30s")
    told: dict[str, Any] = json.loads(ask(f"{address}/api/v1/query?query={quote(said)}").body)
    return told


@pytest.mark.parametrize(("title", "expression"), QUERIES, ids=[f"{t}-{i}" for i, (t, _) in enumerate(QUERIES)])
def test_every_panel_shows_something_under_load(prometheus: str, title: str, expression: str) -> None:
    told = _answer(prometheus, expression)
    assert told["status"] == "success", told
    assert told["data"]["result"], title
    assert any(one["value"][1] != "NaN" for one in told["data"]["result"]), title


def test_what_is_not_there_is_noticed(prometheus: str) -> None:
    """The test above can fail."""
    assert _answer(prometheus, 'riskloop_redy{service="$service"}')["data"]["result"] == []
    assert _answer(prometheus, "sum(rate(riskloop_requests_total[5m])")["status"] == "error"


def test_both_arms_and_the_callers_mistakes_are_seen(prometheus: str) -> None:
    def values(expression: str, label: str) -> set[str]:
        return {one["metric"].get(label, "") for one in _answer(prometheus, expression)["data"]["result"]}

    assert values("sum by (arm) (riskloop_predictions_total)", "arm") == {"champion", "challenger"}
    assert values('riskloop_requests_total{route="/predict"}', "status") == {"200", "422"}


def test_a_healthy_service_raises_no_alert(prometheus: str) -> None:
    alerts = json.loads(ask(f"{prometheus}/api/v1/alerts").body)["data"]["alerts"]
    firing = {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}
    assert firing == set(), firing


def test_the_dashboard_asks_only_for_the_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((HERE / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    used = {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]}
    assert used == {source["uid"]}
    (provider,) = yaml.safe_load((HERE / "grafana/provisioning/dashboards/riskloop.yml").read_text())["providers"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in (HERE / "compose.yaml").read_text()


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        rows = range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in rows}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
