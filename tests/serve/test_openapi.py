from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from riskloop.data.contract import Column, Contract
from riskloop.serve.api import create_app
from riskloop.serve.docs import render
from riskloop.serve.openapi import column_schema, document


def test_the_document_is_made_from_the_contract(client, customers):
    features = client.get("/openapi.json").json()["components"]["schemas"]["Features"]
    assert features["required"] == ["age", "income", "region", "plan"]
    assert features["additionalProperties"] is False
    assert features["properties"]["age"] == {"type": "number", "minimum": 18, "maximum": 100}
    assert features["properties"]["income"] == {"type": ["number", "null"], "minimum": 0, "maximum": 1e15}
    assert features["properties"]["region"] == {"enum": ["NA", "EU", "AF"]}
    assert features["properties"]["plan"]["type"] == ["string", "null"]
    assert features["examples"] == list(customers)


def test_the_document_follows_the_champion(client, project):
    before = client.get("/openapi.json").json()["info"]["description"]
    client.post("/models/2/promote", json={"actor": "ada", "reason": "better"})
    after = client.get("/openapi.json").json()["info"]["description"]
    assert project.versions.get(1).digest[:16] in before
    assert project.versions.get(2).digest[:16] in after


def test_every_route_is_documented(client, project):
    paths = client.get("/openapi.json").json()["paths"]
    routes = create_app(project.config()).router.routes
    assert set(paths) == {route.path.replace(":path", "").replace(":int", "") for route in routes}


def test_the_examples_are_scored(standing):
    paths = standing.get("/openapi.json").json()
    for features in paths["components"]["schemas"]["Features"]["examples"]:
        assert standing.post("/predict", json={"features": features}).status_code == 200
    text = paths["paths"]["/predict/batch"]["post"]["requestBody"]["content"]["text/csv"]["example"]
    batch = standing.post("/predict/batch", content=text, headers={"Content-Type": "text/csv"}).json()
    assert (batch["scored"], batch["refused"]) == (1, 0)


LEVELS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda t: t == t.strip()), max_size=4)
COLUMNS = st.builds(
    Column,
    st.just("x"),
    st.sampled_from(["number", "category", "date"]),
    levels=(LEVELS | st.lists(st.sampled_from(["1", "01", "true", "False", "null", "1.0", "-3", "-0"]))).map(
        lambda levels: tuple(dict.fromkeys(levels))
    ),
    minimum=st.none() | st.integers(-5, 0),
    maximum=st.none() | st.integers(1, 5),
    nullable=st.booleans(),
    missing_values=st.sampled_from([(), ("999",), ("?", "-1"), ("2026-01-31T00:00",)]),
    unknown=st.sampled_from(["reject", "bin"]),
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(-10, 10)
    | st.text()
    | st.dates().map(str)
    | st.sampled_from(["1", "NA", "true", "?", "\x1f", "\u0085", 999, -1])
)


@example(Column("x", "category", unknown="bin"), "\x1f", None)
@example(Column("x", "category", unknown="bin", missing_values=("?",)), "?", None)
@example(Column("x", missing_values=("999",)), 999, None)
@example(Column("x", "date", missing_values=("2026-01-31T00:00",)), "2026-01-31", None)
@given(COLUMNS, VALUES, st.none() | st.data())
def test_what_the_schema_allows_the_contract_takes(column, value, data):
    schema = column_schema(column)
    if column.levels and data:
        value = data.draw(st.sampled_from(schema.get("enum", list(column.levels))))
    if jsonschema_rs.validator_for(schema).is_valid(value):
        contract = Contract((column,), ("x",))
        assert contract.decode_rows([{"x": value}]).breaches == ()


def test_a_date_is_a_text_of_that_format():
    schema = column_schema(Column("since", "date", nullable=True))
    assert (schema["type"], schema["format"]) == (["string", "null"], "date")


def test_without_a_champion_the_document_is_whole():
    whole = document("churn", None)
    assert whole["components"]["schemas"]["Features"] == {"type": "object"}
    json.dumps(whole)


@pytest.mark.slow
def test_the_service_does_what_its_document_says(project, serve, customers, bundle_maker, tmp_path):
    """Schemathesis finds no 500, no undocumented status and no answer of another form on any route."""
    project.add(3, bundle_maker(weight=0.3), status="refused")
    project.customers.replace_all([("NA", json.dumps(customers[0])), ("0", "{}")], datetime(2026, 11, 1, tzinfo=UTC))
    client = serve(project.config(max_batch_rows=20))
    program = [sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/openapi.json"]
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    options = ["--phases=examples,coverage,fuzzing", "--max-examples=15", "--generation-deterministic", "--no-color"]
    run = subprocess.run(  # noqa: PLW1510 - what it prints goes into the failure
        [*program, f"--checks={checks},unsupported_method", *options], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 28" in run.stdout  # all but the document itself


def test_people_can_read_it_without_a_script_or_anything_from_elsewhere(standing):
    answer = standing.get("/docs")
    assert answer.status_code == 200
    assert "script" not in answer.headers["content-security-policy"]
    for words in ("/predict/batch", "Idempotency-Key", 'id="Features"', 'href="#Envelope"', "income"):
        assert words in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "<script" not in answer.text


def test_names_of_a_table_are_escaped_where_people_read_them(project, serve, bundle_maker):
    from dataclasses import replace

    bundle = bundle_maker()
    evil = tuple(
        replace(column, levels=("<script>", "EU", "AF")) if column.name == "region" else column
        for column in bundle.contract.columns
    )
    text = render(document("<i>", replace(bundle, scorer=replace(bundle.scorer, contract=Contract(evil, ("region",))))))
    assert "<script>" not in text
    assert "<i>" not in text
    assert "&lt;script&gt;" in text
