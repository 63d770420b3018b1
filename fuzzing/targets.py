"""What is given any bytes. A target fails by an exception: one of ours that callers expect is none."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fuzzing import sample
from fuzzing.connection import conversations, spoken
from riskloop.bundle.load import assemble
from riskloop.bundle.sign import canonical
from riskloop.errors import RiskloopError
from riskloop.serve.body import decode_csv, decode_json, read_lines
from riskloop.serve.envelope import read_envelope
from riskloop.serve.outcomes import read_outcomes
from riskloop.serve.problems import RequestRefused
from riskloop.serve.received import Reader
from riskloop.serve.scoring import score

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = frozenset(sample.CUSTOMER)


WORDS = (
    *(f'"{name}"' for name in (*sample.CUSTOMER, "customer_id", "id", "features", "explain", "outcome", "observed_at")),
    *('"EU"', '"Europe"', '"BASIC"', '"999"', "999", "null", "true", "1e308", "-0.0", '"2026-02-29T23:59:60Z"'),
    *("\\ud800", "\r\n", "\r\n\r\n", "POST /predict HTTP/1.1\r\n", "Content-Length: ", "0\r\n\r\n"),
    *("Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Expect: 100-continue\r\n", "Upgrade: x\r\n"),
    "Content-Type: application/json\r\n",
)
"""What a fuzzer would take long to find by itself."""


class Target(NamedTuple):
    """Something that reads bytes, and some that it understands, to begin with."""

    read: Callable[[bytes], None]
    seeds: Sequence[bytes]


def body(data: bytes) -> None:
    """A body is decoded into the contract's type and by the usual road: to the same customer, or by neither."""
    received = _reader().read(data)
    try:
        document = decode_json(data)
    except RequestRefused as refused:
        assert refused.status == 400
        assert received is None
        return
    customer = read_envelope(document, sample.CONTRACT)
    if isinstance(customer, list):
        assert customer
        assert received is None
        return
    values = sample.CONTRACT.decode_row(customer.features)
    if received is not None:
        assert received.customer() == customer
        (found,) = _reader().values([received])
        assert _comparable(found) == _comparable(values)
    (scored,) = score(sample.bundle(), [customer], typed=True)
    assert scored


def table(data: bytes) -> None:
    """A CSV text is read to its end, or refused: as a whole, and as it comes, to the same."""
    whole = _rows(lambda: decode_csv(data, _NAMES))
    coming = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data), 16), "utf-8-sig", newline="")
    if whole is not None or _is_utf8(data):
        assert _rows(lambda: read_lines(coming, _NAMES)) == whole


def outcomes(data: bytes) -> None:
    """Outcomes are read, all of them, or refused."""
    with suppress(RequestRefused):
        document = decode_json(data)
        documents = document if isinstance(document, list) else [document]
        assert len(read_outcomes(documents, _NOW)) == len(documents)


def connection(data: bytes) -> None:
    """A connection that recognises heads hears the same requests as one that parses every byte."""
    parts = conversations(data)
    assert spoken(parts, knows_heads=True) == spoken(parts, knows_heads=False)


def bundle(data: bytes) -> None:
    """The first byte names a part of a signed bundle, the rest is what it holds: it is a bundle or refused.

    A JSON document is brought into its one form; what is none goes in as it is, into the arrays at a place.
    """
    files = sample.files()
    names = _parts()
    name, held = names[data[0] % len(names)] if data else names[0], data[1:]
    if name.endswith(".json"):
        with suppress(ValueError, RecursionError):
            held = canonical(json.loads(held))
    elif len(held) > 2:
        at = int.from_bytes(held[:2], "big") % len(files[name])
        held = files[name][:at] + held[2:] + files[name][at + len(held) - 2 :]
    with suppress(RiskloopError):
        made = assemble(files | {name: held})
        with np.errstate(all="ignore"):
            made.check_golden()


def _rows(read: Callable[[], tuple[list[str], Iterator[list[str]]]]) -> tuple[list[str], list[list[str]]] | None:
    try:
        header, rows = read()
        return header, list(rows)
    except RequestRefused:
        return None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


@cache
def _reader() -> Reader:
    return Reader(sample.CONTRACT)


def _comparable(values: Sequence[float] | None) -> list[Any] | None:
    return None if values is None else ["missing" if math.isnan(value) else value for value in values]


def _of_bundle() -> list[bytes]:
    files = sample.files()
    return [bytes([at]) + files[name] for at, name in enumerate(_parts()) if name.endswith(".json")]


def _parts() -> list[str]:
    """The files that a bundle is built from; the manifest is looked at when they are read."""
    return sorted(sample.files().keys() - {"manifest.json"})


def targets() -> dict[str, Target]:
    """All of them, by name."""
    request = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    whole = request % (len(sample.body()), sample.body())
    told = b'[{"id":"C-1","outcome":true,"observed_at":"2025-12-31T10:00:00Z"}]'
    lines = b"age;income;region\n40,5;3000;EU\n", b'age,region,plan\r\n"4""0",EU,basic\r\n'
    return {
        "body": Target(body, [sample.body(), sample.body(explain=True), sample.body(id=7)]),
        "table": Target(table, lines),
        "outcomes": Target(outcomes, [told, told[1:-1]]),
        "connection": Target(connection, [b"\0" + whole, b"\1" + whole + whole, b"\7GET /health HTTP/1.1\r\n\r\n"]),
        "bundle": Target(bundle, _of_bundle()),
    }
