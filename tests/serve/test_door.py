from __future__ import annotations

import uuid

import pytest

from riskloop.serve.api import NewIds
from riskloop.serve.direct import IndexedHeaders


@pytest.mark.parametrize("given", ["abc-123", "!", "x" * 128, "two words"])
def test_a_request_id_comes_back(standing, given):
    for path in ("/health", "/nothing"):
        assert standing.get(path, headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a\tb", "é".encode()])
def test_another_request_id_is_replaced(standing, given):
    answered = standing.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert answered != given
    assert len(answered) == 32


def test_an_id_that_nobody_gave_is_new_every_time(standing):
    assert standing.get("/health").headers["x-request-id"] != standing.get("/health").headers["x-request-id"]


def test_ids_are_new_and_rise_with_time():
    made = NewIds()
    ids = [made() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert [one[:12] for one in ids] == sorted(one[:12] for one in ids)


def test_of_several_headers_of_one_name_the_first_counts_on_every_road(standing, envelope):
    headers = [("X-Request-ID", "first"), ("X-Request-ID", "second")]
    assert standing.get("/health", headers=headers).headers["x-request-id"] == "first"
    assert standing.post("/predict", json=envelope, headers=headers).headers["x-request-id"] == "first"
    found = IndexedHeaders([(b"a", b"1"), (b"a", b"2")])
    assert (found.get("a"), found.get("b"), "a" in found, "b" in found) == ("1", None, True, False)


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/metrics"])
def test_every_answer_is_guarded(standing, path):
    headers = standing.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_a_path_or_method_that_is_not_there_is_a_problem(standing):
    response = standing.get("/nothing")
    assert (response.status_code, response.json()["code"]) == (404, "not-found")
    assert standing.get("/predict/").status_code == 404
    response = standing.get("/predict")
    assert (response.status_code, response.json()["code"]) == (405, "method-not-allowed")
    assert response.headers["allow"] == "POST"
    assert standing.delete("/model").headers["content-type"] == "application/problem+json"
    assert standing.head("/health").status_code == 200


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
