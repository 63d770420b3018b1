from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from riskloop.serve.body import decode_csv, decode_json
from riskloop.serve.envelope import read_envelope
from riskloop.serve.outcomes import read_outcomes
from riskloop.serve.problems import RequestRefused
from riskloop.serve.scoring import Scored, score

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
NEAR_ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON_VALUES,
        "explain": JSON_VALUES,
        "features": JSON_VALUES
        | st.fixed_dictionaries(
            {},
            optional={
                "age": st.floats(0, 120) | JSON_VALUES,
                "income": st.none() | st.floats(-10, 1e17) | JSON_VALUES,
                "region": st.sampled_from(["NA", "EU", " AF ", "na"]) | JSON_VALUES,
                "plan": st.sampled_from(["basic", "gold", ""]) | JSON_VALUES,
            },
        ),
        "other": JSON_VALUES,
    },
)


def attempt(read, *arguments):
    try:
        return read(*arguments), None
    except RequestRefused as refused:
        return None, refused


def read_all_csv(data):
    header, rows = decode_csv(data, frozenset({"age", "region"}))
    return header, list(rows)


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(data):
    document, refused = attempt(decode_json, data)
    if refused:
        assert (refused.status, refused.code) == (400, "not-json")
    else:
        assert document == json.loads(data)


@given(JSON_VALUES)
def test_json_reads_back_as_it_was_written(value):
    try:
        assert decode_json(json.dumps(value).encode()) == value
    except RequestRefused:
        assert "\\ud" in json.dumps(value)


@given(document=JSON_VALUES | NEAR_ENVELOPES)
def test_any_document_is_scored_or_told_what_is_wrong(bundle_maker, document):
    bundle = bundle_maker()
    customer = read_envelope(document, bundle.contract)
    if isinstance(customer, list):
        assert customer
        return
    (result,) = score(bundle, [customer], typed=True)
    if isinstance(result, Scored):
        assert 0 < result.probability < 1
        assert list(result.features) == ["age", "income", "region", "plan"]
        (again,) = score(bundle, [customer], typed=False)
        assert isinstance(again, Scored)
        assert again.probability == result.probability
    else:
        assert all(error.field and error.code and error.message for error in result) or "" in document["features"]


NEAR_OUTCOMES = st.fixed_dictionaries(
    {
        "id": st.text() | st.integers(),
        "outcome": st.booleans() | st.integers(),
        "observed_at": st.datetimes(timezones=st.timezones() | st.none()).map(str) | st.text(),
    }
)


@given(document=st.lists(JSON_VALUES | NEAR_OUTCOMES, max_size=3))
def test_any_outcomes_are_read_or_told_what_is_wrong(document):
    outcomes, refused = attempt(read_outcomes, document, datetime(2026, 1, 1, tzinfo=UTC))
    if refused:
        assert refused.errors
    else:
        assert len(outcomes) == len(document)


@given(st.binary(max_size=200))
def test_any_bytes_are_csv_or_refused(data):
    read, refused = attempt(read_all_csv, data)
    if refused:
        assert refused.code == "not-csv"
    else:
        header, rows = read
        assert all(isinstance(cell, str) for row in rows for cell in row)
        assert all(name == name.strip() for name in header)


@given(
    st.sampled_from(",;\t|"),
    st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0")), min_size=2, max_size=2)),
)
def test_the_separator_is_found_and_cells_read_back(separator, rows):
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([["age", "region"], *rows])
    header, read = decode_csv(text.getvalue().encode(), frozenset({"age", "region"}))
    assert header == ["age", "region"]
    assert list(read) == rows
