from __future__ import annotations

import pytest


@pytest.mark.parametrize("given", ["abc-123", "!", "x" * 128, "two words"])
def test_a_request_id_comes_back(client, given):
    for path in ("/health", "/nothing"):
        assert client.get(path, headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a\tb", "é".encode()])
def test_another_request_id_is_replaced(client, given):
    answered = client.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert answered != given
    assert len(answered) == 32


def test_an_id_that_nobody_gave_is_new_every_time(client):
    assert client.get("/health").headers["x-request-id"] != client.get("/health").headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/metrics"])
def test_every_answer_is_guarded(client, path):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_a_path_or_method_that_is_not_there_is_a_problem(client):
    response = client.get("/nothing")
    assert (response.status_code, response.json()["code"]) == (404, "not-found")
    assert client.get("/predict/").status_code == 404
    response = client.get("/predict")
    assert (response.status_code, response.json()["code"]) == (405, "method-not-allowed")
    assert response.headers["allow"] == "POST"
    assert client.delete("/model").headers["content-type"] == "application/problem+json"
    assert client.head("/health").status_code == 200


def test_an_unforeseen_failure_is_a_problem_and_its_traceback_stays_in_the_log(client, monkeypatch, caplog):
    def fail(*_arguments, **_fields):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("riskloop.serve.release.ModelAnswer", fail)
    response = client.get("/model", headers={"X-Request-ID": "broken"})
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert response.json()["instance"] == "urn:riskloop:request:broken"
    assert "secret" not in response.text
    assert "request broken failed" in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text
