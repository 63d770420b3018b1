"""The wire: a plain request is answered as the application would answer it, byte for byte."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime

import pytest

from riskloop.keep.access import Access
from riskloop.serve import plain, wire

FIXED = {"X-Request-ID": "mine"}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def roads(project, serve, monkeypatch):
    """The same service, with and without the plain road; and how many requests took it."""
    taken = []
    before = plain.PlainRoad.take

    def noting(self, scope, body, say):
        found = before(self, scope, body, say)
        taken.append(found)
        return found

    monkeypatch.setattr(plain.PlainRoad, "take", noting)

    def start(**more):
        return serve(project.config(), clock=lambda: NOON, **more)

    return start(), start(http="httptools"), taken


def same(response):
    document = response.json()
    for moving in ("latency_ms", "prediction_id"):
        document.pop(moving, None)
    headers = {name: value for name, value in response.headers.items() if name not in ("date", "content-length")}
    return response.status_code, headers, document


@pytest.mark.parametrize(
    ("change", "road"),
    [
        ({}, True),
        ({"explain": False, "id": 7}, True),
        ({"id": None}, True),
        ({"features": {}}, True),
        ({"features": {"age": 1, "region": "MARS"}}, True),
        ({"id": "\u0000"}, True),
        ({"more": 1}, True),
        ({"explain": True}, False),
    ],
)
def test_both_roads_answer_alike(roads, envelope, change, road):
    wire, application, taken = roads
    answers = [same(one.post("/predict", json=envelope | change, headers=FIXED)) for one in (wire, application)]
    assert answers[0] == answers[1]
    assert taken == [road]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Idempotency-Key": "k"}, 200),
        ({"Idempotency-Key": "a b"}, 400),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Authorization": "Bearer rk_unknown"}, 401),
        ({"Accept-Language": "fr"}, 200),
    ],
)
def test_headers_are_heeded_on_both_roads(roads, envelope, headers, status):
    wire, application, _ = roads
    answers = [one.post("/predict", json=envelope, headers=FIXED | headers) for one in (wire, application)]
    assert [one.status_code for one in answers] == [status, status]
    assert same(answers[0]) == same(answers[1])


def test_a_body_that_is_no_json_and_a_failing_ledger_are_told_alike(roads, project, envelope):
    wire, application, taken = roads
    project.execute("ALTER TABLE predictions RENAME TO away")
    for content in (b"{", json.dumps(envelope).encode()):
        sent = {"content": content, "headers": FIXED | {"Content-Type": "application/json"}}
        answers = [one.post("/predict", **sent) for one in (wire, application)]
        assert same(answers[0]) == same(answers[1])
    assert answers[0].status_code == 503
    assert answers[0].headers["retry-after"] == "1"
    assert taken == [True, True]


def test_a_failure_that_nobody_foresaw_is_a_problem_on_the_wire_too(client, envelope, monkeypatch, caplog):
    def fail(*_arguments, **_fields):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("riskloop.serve.turn.answer_of", fail)
    response = client.post("/predict", json=envelope, headers=FIXED)
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "secret" not in response.text
    assert "request mine failed" in caplog.text


def test_requests_and_answers_are_counted_whatever_road_they_took(client, envelope):
    client.post("/predict", json=envelope)
    client.post("/predict", json=envelope | {"id": True})
    client.post("/predict", json=envelope, headers={"Idempotency-Key": "k"})
    lines = client.get("/metrics").text.splitlines()
    assert 'riskloop_requests_total{method="POST",route="/predict",status="200"} 2.0' in lines
    assert 'riskloop_requests_total{method="POST",route="/predict",status="422"} 1.0' in lines
    assert 'riskloop_request_seconds_count{route="/predict"} 3.0' in lines
    assert 'riskloop_probability_count{version="1"} 2.0' in lines


def talk(client, *parts, until):
    """What comes back on one bare connection."""
    url, received = client.base_url, b""
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        while not until(received) and (more := connection.recv(65536)):
            received += more
    return received


def request_of(envelope, *headers, version=b"1.1", padding=0):
    body = json.dumps(envelope).encode() + b" " * padding
    lines = [b"Host: x", b"Content-Type: application/json", b"Content-Length: %d" % len(body), *headers]
    return b"POST /predict HTTP/%s\r\n%s\r\n\r\n%s" % (version, b"\r\n".join(lines), body)


def test_requests_in_a_row_on_one_connection_are_answered_in_order(client, envelope):
    sent = b"".join(request_of(envelope | {"id": f"C-{number}"}) for number in range(20))
    told = talk(client, sent, until=lambda so_far: so_far.count(b'"timestamp"') == 20)
    at = [told.index(b'"id":"C-%d"' % number) for number in range(20)]
    assert at == sorted(at)
    assert told.count(b"HTTP/1.1 200 OK\r\n") == 20


@pytest.mark.parametrize("padding", [0, 40_000, 300_000])
def test_a_body_may_come_in_pieces_and_be_long(client, envelope, padding):
    sent = request_of(envelope, padding=padding)
    told = talk(client, sent[:30], sent[30:-5], sent[-5:], until=lambda so_far: b'"timestamp"' in so_far)
    assert told.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "sent", [{"version": b"1.0"}, {"headers": [b"Connection: close"]}, {"headers": [b"Expect: 100-continue"]}]
)
def test_a_connection_ends_when_its_caller_says_so(client, envelope, sent):
    headers = sent.pop("headers", [])
    waits = headers == [b"Expect: 100-continue"]
    told = talk(client, request_of(envelope, *headers, **sent), until=lambda so_far: waits and b'"timestamp"' in so_far)
    assert b"200 OK" in told
    assert (b"connection: close" in told) is not waits
    assert told.startswith(b"HTTP/1.1 100 Continue") is waits


def test_a_caller_who_hangs_up_is_kept_and_troubles_nobody(client, project, envelope):
    talk(client, request_of(envelope), until=lambda _: True)
    talk(client, request_of(envelope)[:-3], until=lambda _: True)
    assert client.post("/predict", json=envelope).status_code == 200
    assert 1 <= project.ledger.count() <= 2


@pytest.fixture
def parsed(monkeypatch):
    """What the parser had to read."""
    seen = []
    before = wire.Wire.on_url

    def noting(self, url):
        seen.append(url)
        before(self, url)

    monkeypatch.setattr(wire.Wire, "on_url", noting)
    return seen


def bare(told):
    """An answer without what moves."""
    head, _, body = told.partition(b"\r\n\r\n")
    document = json.loads(body)
    lines = [
        line for line in head.lower().split(b"\r\n") if not line.startswith((b"date", b"x-request", b"content-length"))
    ]
    return sorted(lines), {name: value for name, value in document.items() if name not in MOVING}


MOVING = ("latency_ms", "prediction_id", "timestamp")


def test_a_head_that_is_known_needs_no_parser_and_changes_no_answer(client, envelope, parsed):
    sent = request_of(envelope | {"id": "C-1"})
    first = talk(client, sent, until=lambda so_far: b'"timestamp"' in so_far)
    read = len(parsed)
    for body in (envelope | {"id": "C-2"}, envelope | {"id": "C-1"}):
        told = talk(client, request_of(body), until=lambda so_far: b'"timestamp"' in so_far)
        assert bare(told)[0] == bare(first)[0]
    assert bare(told) == bare(first)
    assert len(parsed) == read == 1
    refused = talk(client, sent.replace(b'"features"', b'"featured"'), until=lambda so_far: b"featured" in so_far)
    assert b"422" in refused.split(b"\r\n")[0]
    broken = talk(client, sent[:-1] + b"]", until=lambda so_far: b"not-json" in so_far)
    assert b"400" in broken.split(b"\r\n")[0]
    assert len(parsed) == read


def test_many_on_one_connection_are_answered_in_order_whoever_reads_them(client, envelope):
    requests = [request_of(envelope | {"id": f"C-{number}"}, padding=number % 3) for number in range(10, 40)]
    for parts in (requests, [b"".join(requests)], [b"".join(requests)[at : at + 100] for at in range(0, 20_000, 100)]):
        told = talk(client, *parts, until=lambda so_far: so_far.count(b'"timestamp"') == 30)
        at = [told.index(b'"id":"C-%d"' % number) for number in range(10, 40)]
        assert at == sorted(at)


def test_a_known_head_with_more_or_less_than_its_body_goes_to_the_parser(client, envelope, parsed):
    sent = request_of(envelope)
    talk(client, sent, until=lambda so_far: b'"timestamp"' in so_far)
    told = talk(client, sent[:-3], sent[-3:], until=lambda so_far: b'"timestamp"' in so_far)
    assert told.startswith(b"HTTP/1.1 200")
    parsed.clear()
    told = talk(client, sent + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", until=lambda so_far: b"status" in so_far)
    assert told.count(b"HTTP/1.1 200") == 2
    assert parsed == [b"/predict", b"/health"]


def test_a_known_head_with_a_key_that_was_revoked_opens_nothing(project, serve, envelope):
    access = Access(project.engine)
    key, token = access.add("crm", "scorer", NOON)
    client = serve(project.config())
    sent = request_of(envelope, b"Authorization: Bearer " + token.encode())
    for _ in range(2):
        assert b" 200 " in talk(client, sent, until=lambda so_far: b'"timestamp"' in so_far)
    access.revoke(key.name, NOON)
    until = time.monotonic() + 10
    while b" 401 " not in talk(client, sent, until=lambda so_far: b"}" in so_far):
        assert time.monotonic() < until


def test_an_idle_connection_is_closed_after_its_time_and_a_busy_one_is_not(client, envelope, monkeypatch):
    before = wire.Wire.connection_made

    def impatient(self, transport):
        self.timeout_keep_alive = 1
        before(self, transport)

    monkeypatch.setattr(wire.Wire, "connection_made", impatient)
    url = client.base_url
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        for _ in range(6):
            connection.sendall(request_of(envelope))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            time.sleep(0.3)
        began = time.monotonic()
        assert connection.recv(65536) == b""
        assert 0.3 < time.monotonic() - began < 5
