from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from riskloop.keep.access import Access
from riskloop.keep.alerts import Alerts, Pace
from riskloop.watch.alerts import DEFAULTS, Fact, judge

SAID = {"actor": "ada", "reason": "a late file"}


@pytest.fixture
def alerts(project: Any) -> Alerts:
    """One alert open, of the batches."""
    made = Alerts(project.engine)
    _found(made, -0.09)
    return made


def _found(alerts: Alerts, value: float) -> None:
    context = {"version": 1, "report": "/home/ada/drift.html"}
    fact = Fact("roc_auc_change", "batches", value, value - 0.02, value + 0.02, 800, context)
    alerts.settle([judge(DEFAULTS["roc_auc_down"], fact)], datetime.now(UTC), Pace())


def _open(client: httpx.Client) -> dict[str, float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        sample.labels["severity"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "riskloop_alerts_open"
    }


def test_alerts_are_listed_without_paths_of_the_machine(alerts: Alerts, client: httpx.Client) -> None:
    (one,) = client.get("/alerts").json()["alerts"]
    assert (one["id"], one["state"], one["severity"], one["rule"]) == (1, "open", "critical", "roc_auc_down")
    assert (one["value"], one["threshold"]) == (-0.09, -0.05)
    assert one["context"] == {"version": 1, "n": 800}


def test_somebody_looks_after_an_alert_once(alerts: Alerts, client: httpx.Client) -> None:
    told = client.post("/alerts/1/acknowledge", json=SAID).json()
    assert (told["state"], told["acknowledged_by"]) == ("acknowledged", "ada")
    assert client.post("/alerts/1/acknowledge", json=SAID).status_code == 409
    assert client.post("/alerts/99/acknowledge", json=SAID).status_code == 404
    assert client.post("/alerts/1/acknowledge", json={"actor": "ada"}).status_code == 422
    assert alerts.events(1)[0].note == "a late file"


@pytest.mark.parametrize(("role", "read", "acknowledge"), [("viewer", 200, 403), ("approver", 200, 200)])
def test_who_may_see_and_who_may_look_after_them(
    project: Any,
    serve: Callable[..., httpx.Client],
    alerts: Alerts,
    role: Any,
    read: int,
    acknowledge: int,
) -> None:
    access = Access(project.engine)
    _, token = access.add("the caller", role, datetime.now(UTC))
    client = serve(project.config(guarded=True))
    assert client.get("/alerts").status_code == 401
    client.headers["Authorization"] = f"Bearer {token}"
    assert client.get("/alerts").status_code == read
    answer = client.post("/alerts/1/acknowledge", json={"reason": "mine"})
    assert answer.status_code == acknowledge
    (call,) = access.calls()
    assert (call.actor, call.path, call.status) == ("the caller", "/alerts/1/acknowledge", acknowledge)


def test_metrics_count_the_open_ones_by_severity(alerts: Alerts, client: httpx.Client) -> None:
    assert _open(client) == {"info": 0, "warning": 0, "critical": 1}
    _found(alerts, 0.0)
    time.sleep(1.1)  # the database is read once a second at most
    assert _open(client) == {"info": 0, "warning": 0, "critical": 0}


def test_metrics_are_told_while_the_alerts_cannot_be_read(project: Any, alerts: Alerts, client: httpx.Client) -> None:
    project.execute("DROP TABLE alerts")
    assert client.get("/metrics").status_code == 200
    assert client.get("/alerts").status_code == 503
