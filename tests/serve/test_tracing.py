from __future__ import annotations

import json
import os

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from riskloop.errors import MissingExtra
from riskloop.serve.tracing import EXPORTER, provider, tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_every_request_is_a_span_under_its_callers_trace_and_names_no_customer(project, serve, envelope):
    spans = InMemorySpanExporter()
    traces = provider(spans, "riskloop-churn")
    client = serve(project.config(), traces=traces)
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-ID": "mine"}
    client.post("/predict", json=envelope, headers=headers)
    client.get("/customers/C-secret/prediction")
    project.execute("ALTER TABLE predictions RENAME TO away")
    client.post("/predict", json=envelope)
    traces.force_flush()
    first, second, third = spans.get_finished_spans()
    assert (first.name, first.kind) == ("POST /predict", SpanKind.SERVER)
    assert f"{first.context.trace_id:032x}" == TRACE
    assert dict(first.attributes) == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "riskloop.request_id": "mine",
    }
    assert second.attributes["http.response.status_code"] == 404
    assert "secret" not in str(second.to_json())
    assert (third.attributes["http.response.status_code"], third.status.status_code) == (503, StatusCode.ERROR)
    assert first.resource.attributes["service.name"] == "riskloop-churn"


@pytest.mark.parametrize("environ", [{}, {EXPORTER: "none"}, {EXPORTER: ""}])
def test_nobody_is_traced_who_does_not_ask_for_it(environ):
    assert tracing(environ, "churn") is None


def test_an_exporter_that_is_not_there_is_one_clear_error():
    with pytest.raises(MissingExtra) as missing:
        tracing({EXPORTER: "pigeon"}, "churn")
    assert "pip install opentelemetry-exporter-pigeon" in missing.value.next_step


def test_the_environment_turns_traces_on(project, server_process, envelope):
    os.environ[EXPORTER] = "console"
    try:
        server = server_process(project.config())
    finally:
        del os.environ[EXPORTER]
    httpx.post(f"{server.url}/predict", json=envelope)
    server.process.terminate()
    out, _ = server.process.communicate(timeout=60)
    assert json.loads(out)["attributes"]["http.route"] == "/predict"
