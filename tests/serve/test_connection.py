"""A connection: a place is lost to whoever does not use it, and nobody else is hurried."""

from __future__ import annotations

import json
import socket
import time

import pytest

from riskloop.keep.versions import Versions
from riskloop.serve import connection

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
PATIENCE = 0.4


@pytest.fixture
def connect(client, monkeypatch):
    """Connections to a service of little patience."""
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", PATIENCE)
    monkeypatch.setattr(connection, "SLOWEST", 1_000)
    made = []

    def start():
        made.append(socket.create_connection((client.base_url.host, client.base_url.port), timeout=10))
        return made[-1]

    yield start
    for one in made:
        one.close()


def told(one):
    heard = b""
    while part := one.recv(65536):
        heard += part
    return heard


def dribble(one, data):
    for letter in data:
        one.sendall(bytes([letter]))
        time.sleep(0.02)


@pytest.mark.parametrize("sent", [b"POST /predict HTTP/1.1\r\nHo", HEAD % 90, HEAD % 90 + b"{"])
def test_half_a_request_is_told_that_it_took_too_long(connect, client, sent):
    one = connect()
    one.sendall(sent)
    began = time.monotonic()
    answer = told(one)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close\r\n" in answer.lower()
    assert b'"code":"too-slow"' in answer
    assert time.monotonic() - began < 5
    assert 'status="408"' in client.get("/metrics").text


def test_who_says_nothing_is_told_nothing(connect):
    assert told(connect()) == b""


def test_letter_by_letter_is_too_slow(connect, envelope):
    one = connect()
    body = json.dumps(envelope).encode()
    began = time.monotonic()
    with pytest.raises(OSError):  # closed on the other side
        dribble(one, HEAD % len(body) + body)
    assert time.monotonic() - began < 5


def test_a_slow_line_that_goes_on_has_its_time(connect, envelope):
    one = connect()
    body = json.dumps(envelope).encode() + b" " * 1_500
    one.sendall(HEAD % len(body))
    for at in range(0, len(body), 200):
        time.sleep(0.08)
        one.sendall(body[at : at + 200])
    assert one.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_who_was_answered_may_think_before_the_next_request(connect, envelope):
    one = connect()
    body = json.dumps(envelope).encode()
    for _ in range(3):
        one.sendall(HEAD % len(body) + body)
        assert one.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        time.sleep(1.5 * PATIENCE)


def test_who_waits_for_a_long_answer_is_left_in_peace(connect, monkeypatch):
    before = Versions.list

    def slow(self):
        time.sleep(3 * PATIENCE)
        return before(self)

    monkeypatch.setattr(Versions, "list", slow)
    one = connect()
    one.sendall(b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n")
    assert one.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
