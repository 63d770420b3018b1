from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from riskloop.keep.measures import Measures
from riskloop.watch.alerts import Fact


def samples(client):
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_health_is_not_ready(empty_project, serve):
    """Founding case 7: /health said ok without a model."""
    client = serve(empty_project.config())
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 503


def test_ready_names_the_champion(client, project):
    assert client.get("/ready").json() == {
        "model": {"name": "churn", "version": 1, "alias": "champion", "digest": project.versions.get(1).digest},
        "refused": None,
        "status": "ready",
    }


def test_ready_reports_a_refused_bundle(client, project):
    (project.bundles / project.versions.get(2).bundle / "card.json").write_text("{}")
    project.promote(2)
    for _ in range(500):
        if (ready := client.get("/ready").json())["refused"]:
            break
        time.sleep(0.01)
    assert ready["model"]["version"] == 1
    assert "altered" in ready["refused"]["message"]
    assert samples(client)["riskloop_bundle_refused", ()] == 1


def test_metrics_count_requests_and_predictions(client, project, envelope):
    answer = client.post("/predict", json=envelope).json()
    client.post("/predict", json={})
    client.get("/customers/1/prediction")
    client.get("/customers/2/prediction")
    client.get("/nothing/here")
    client.patch("/predict")
    found = samples(client)

    def requests(route, method, status):
        labels = tuple(sorted({"route": route, "method": method, "status": status}.items()))
        return found["riskloop_requests_total", labels]

    assert requests("/predict", "POST", "200") == 1
    assert requests("/predict", "POST", "422") == 1
    assert requests("/customers/{customer_id:path}/prediction", "GET", "404") == 2
    assert requests("none", "GET", "404") == 1
    assert requests("/predict", "other", "405") == 1
    labels = (("arm", "champion"), ("decision", answer["decision"]), ("version", "1"))
    assert found["riskloop_predictions_total", labels] == 1
    assert found["riskloop_probability_count", (("version", "1"),)] == 1
    assert found["riskloop_request_seconds_count", (("route", "/predict"),)] == 3
    digest = project.versions.get(1).digest
    assert (
        found["riskloop_model_info", (("alias", "champion"), ("digest", digest), ("name", "churn"), ("version", "1"))]
        == 1
    )
    assert found["riskloop_ledger_waiting", ()] == found["riskloop_ledger_lost_total", ()] == 0
    assert found["process_resident_memory_bytes", ()] > 1e6
    assert found["riskloop_memory_bytes", ()] > 1e6
    assert found["riskloop_cpu_seconds", ()] > 0


def test_several_workers_are_told_as_one(project, server_process, envelope):
    server = server_process(project.config(workers=2))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.post(f"{server.url}/predict", json=envelope), range(80)))
    assert {answer.status_code for answer in answers} == {200}
    with httpx.Client(base_url=server.url) as client:
        for _ in range(6):  # whichever worker is asked
            found = samples(client)
            labels = (("method", "POST"), ("route", "/predict"), ("status", "200"))
            assert found["riskloop_requests_total", labels] == 80
            assert found["riskloop_probability_count", (("version", "1"),)] == 80
            assert found["riskloop_ready", ()] == 1
            assert found["riskloop_ledger_lost_total", ()] == 0


def test_a_model_that_no_longer_leads_is_told_as_gone(client, project):
    samples(client)
    project.promote(2)
    for _ in range(500):
        found = {
            (dict(labels)["version"], value)
            for (name, labels), value in samples(client).items()
            if name == "riskloop_model_info"
        }
        if ("2", 1.0) in found:
            break
        time.sleep(0.01)
    assert found == {("1", 0.0), ("2", 1.0)}


def test_every_application_counts_for_itself(project, serve, envelope):
    first, second = serve(project.config()), serve(project.config())
    first.post("/predict", json=envelope)
    labels = (("method", "POST"), ("route", "/predict"), ("status", "200"))
    assert ("riskloop_requests_total", labels) in samples(first)
    assert ("riskloop_requests_total", labels) not in samples(second)


def test_monitoring_counts_what_the_ledger_holds(client, customers):
    empty = client.get("/monitoring").json()
    assert (empty["predictions"], empty["decisions"], empty["last_prediction"]) == (0, [], None)
    batch = client.post("/predict/batch", json=[{"id": i, "features": c} for i, c in enumerate(customers)]).json()
    outcomes = [{"id": i, "outcome": i == 0, "observed_at": "2030-01-01T00:00:00Z"} for i in range(3)]
    client.post("/outcomes", json=outcomes)
    counts = client.get("/monitoring").json()
    assert (counts["predictions"], counts["outcomes"], counts["positive_outcomes"]) == (3, 3, 1)
    assert sum(count["predictions"] for count in counts["decisions"]) == 3
    assert {count["decision"] for count in counts["decisions"]} == {a["decision"] for a in batch["answers"]}
    assert counts["last_prediction"] == batch["answers"][-1]["timestamp"]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_measured_last_is_told_as_it_is_by_every_worker(project, server_process, workers):
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    fallen = Fact("roc_auc_change", "batches", -0.09, -0.12, -0.06, 800)
    Measures(project.engine).keep([Fact("columns_moved", "batches", 4), fallen, Fact("f1", "batches", math.nan)], noon)
    with httpx.Client(base_url=server_process(project.config(workers=workers)).url) as client:
        for _ in range(3 * workers):
            found = samples(client)
            moved = (("measure", "columns_moved"), ("subject", "batches"))
            fell = (("measure", "roc_auc_change"), ("subject", "batches"))
            assert (found["riskloop_measure", moved], found["riskloop_measure", fell]) == (4, -0.09)
            assert (found["riskloop_measure_low", fell], found["riskloop_measure_high", fell]) == (-0.12, -0.06)
            assert found["riskloop_measure_high", moved] == 4  # counted, not estimated
            assert found["riskloop_measure_timestamp_seconds", moved] == noon.timestamp()
            assert not [name for name, labels in found if ("measure", "f1") in labels and name == "riskloop_measure"]


def test_metrics_are_told_while_the_database_is_away(client, project):
    project.execute("DROP TABLE measures")
    assert samples(client)["riskloop_ready", ()] == 1
