"""What is received: a body that is as it should be becomes the same numbers as on the usual road, and any other is
left to it."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.data.contract import Column, Contract
from riskloop.serve.envelope import read_envelope
from riskloop.serve.received import FEW, Reader

CONTRACT = Contract(
    columns=(
        Column("age", minimum=18, maximum=100),
        Column("in.come $", minimum=-1.5, nullable=True),
        Column("seniority", nullable=True, missing_values=("999", "-9")),
        Column("region", "category", levels=("NA", "EU", "1"), aliases=(("Europe", "EU"),)),
        Column("plan", "category", levels=("basic",), unknown="bin", nullable=True, ignore_case=True),
        Column("since", "date", nullable=True),
        Column("untouched"),
    ),
    features=("age", "in.come $", "seniority", "region", "plan", "since"),
    known=("customer_id",),
)
NUMBERS = Contract(columns=CONTRACT.columns[:2], features=("in.come $", "age"))
USUAL = {"age": 40.0, "in.come $": 3000, "seniority": 2, "region": "EU", "plan": "basic", "since": "2026-01-31"}

anything = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [18, 100.0, 17.999, 999, 999.0, -9, "999", "Europe", "europe", "BASIC", "1", 1, "", " ", "2026-02-30"]
    )
    | st.lists(st.integers(), max_size=1)
)
features = st.fixed_dictionaries(
    {name: st.just(value) | anything for name, value in USUAL.items()},
    optional={"customer_id": anything, "stranger": anything},
) | st.dictionaries(st.sampled_from([*USUAL, "x"]), anything)
bodies = st.fixed_dictionaries(
    {"id": st.text(max_size=5) | anything, "features": features},
    optional={"explain": st.booleans() | anything, "more": anything},
)


def usually(contract: Contract, body: bytes) -> tuple[object, ...] | None:
    """Id, explain and numbers of a customer on the usual road; None where it refuses."""
    customer = read_envelope(msgspec.json.decode(body), contract)
    if isinstance(customer, list):
        return None
    values = contract.decode_row(customer.features)
    return None if values is None else (customer.id, customer.explain, *map(_comparable, values))


def _comparable(value: float) -> float | str:
    return "missing" if math.isnan(value) else value


@given(st.lists(bodies, min_size=1, max_size=3 * FEW))
def test_both_roads_read_the_same_of_any_body_alone_and_in_a_crowd(documents: list[dict[str, object]]) -> None:
    for contract in (CONTRACT, NUMBERS):
        reader = Reader(contract)
        read = [(body, reader.read(body)) for one in documents if (body := json.dumps(one).encode())]
        received = [(body, one) for body, one in read if one is not None]
        together = reader.values([one for _, one in received]) if received else []
        for (body, one), values in zip(received, together, strict=True):
            (alone,) = reader.values([one])
            found = [None if row is None else (one.id, one.explain, *map(_comparable, row)) for row in (alone, values)]
            assert found == [usually(contract, body)] * 2
            assert one.customer() == read_envelope(msgspec.json.decode(body), contract)
        for body, one in read:
            if one is None:  # whatever is usual is read
                assert usually(contract, body) is None or not _usual(contract, json.loads(body))


def _usual(contract: Contract, document: dict[str, object]) -> bool:
    sent, identity = document["features"], document["id"]
    named = isinstance(identity, str) and identity.isprintable()
    return named and isinstance(sent, dict) and sent.keys() == {*contract.features}


@given(st.binary(max_size=100) | st.text(max_size=50).map(str.encode))
def test_what_is_no_envelope_is_left_to_the_usual_road(data: bytes) -> None:
    assert Reader(CONTRACT).read(data) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"a","features":' + b"[" * 100_000,
        b'{"id":"a","features":{"in.come $":1,"age":1e999}}',
        b'{"id":"a","features":{"in.come $":1,"age":NaN}}',
        b'{"id":"\xff","features":{"in.come $":1,"age":20}}',
        b'{"id":"a","id":"","features":{"in.come $":1,"age":20}}',
        b'{"id":"a","features":{"in.come $":1,"age":20}} {}',
    ],
)
def test_hostile_bodies_are_left_to_the_usual_road(body: bytes) -> None:
    assert Reader(NUMBERS).read(body) is None


def test_of_a_name_that_is_sent_twice_the_last_counts_on_both_roads() -> None:
    body = b'{"id":"a","id":"b","features":{"in.come $":1,"age":20,"age":30}}'
    received = Reader(NUMBERS).read(body)
    assert received is not None
    assert received.customer() == read_envelope(msgspec.json.decode(body), NUMBERS)


def test_what_is_kept_is_what_was_sent() -> None:
    sent = {"in.come $": 3000, "age": 40.5}
    received = Reader(NUMBERS).read(json.dumps({"id": "a", "features": sent}).encode())
    assert received is not None
    assert msgspec.json.encode(received.features) == b'{"in.come $":3000,"age":40.5}'
