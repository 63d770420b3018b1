from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from riskloop.data.contract import Column, Contract
from riskloop.serve.openapi import column_schema, document

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


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


def test_every_route_is_documented(client):
    paths = client.get("/openapi.json").json()["paths"]
    served = {route.path.replace(":path", "").replace(":int", "") for route in client.app_routes}
    assert set(paths) == served


def test_the_examples_are_scored(client):
    paths = client.get("/openapi.json").json()
    for example in paths["components"]["schemas"]["Features"]["examples"]:
        assert client.post("/predict", json={"features": example}).status_code == 200
    text = paths["paths"]["/predict/batch"]["post"]["requestBody"]["content"]["text/csv"]["example"]
    batch = client.post("/predict/batch", content=text, headers={"Content-Type": "text/csv"}).json()
    assert (batch["scored"], batch["refused"]) == (1, 0)


LEVELS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda t: t == t.strip()), max_size=4)
COLUMNS = st.builds(
    Column,
    st.just("x"),
    st.sampled_from(["number", "category"]),
    levels=(LEVELS | st.lists(st.sampled_from(["1", "01", "true", "False", "null", "1.0", "-3", "-0"]))).map(
        lambda levels: tuple(dict.fromkeys(levels))
    ),
    minimum=st.none() | st.integers(-5, 0),
    maximum=st.none() | st.integers(1, 5),
    nullable=st.booleans(),
    unknown=st.sampled_from(["reject", "bin"]),
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(-10, 10) | st.text() | st.sampled_from(["1", "NA", "true"])


@given(COLUMNS, VALUES, st.data())
def test_what_the_schema_allows_the_contract_takes(column, value, data):
    schema = column_schema(column)
    if column.levels and data.draw(st.booleans()):
        value = data.draw(st.sampled_from(schema.get("enum", list(column.levels))))
    if jsonschema.Draft202012Validator(schema).is_valid(value):
        contract = Contract((column,), ("x",))
        assert contract.decode_rows([{"x": value}]).breaches == ()


def test_without_a_champion_the_document_is_whole():
    whole = document("churn", None)
    assert whole["components"]["schemas"]["Features"] == {"type": "object"}
    json.dumps(whole)


@pytest.fixture
def everything(project, serve, customers, bundle_maker):
    """A service with something behind every route."""
    project.add(3, bundle_maker(weight=0.3), status="refused")
    project.customers.replace_all(
        [("NA", json.dumps(customers[0])), ("0", "{}")], datetime(2026, 11, 1, tzinfo=UTC)
    )
    return serve(project.config(max_batch_rows=20))


def test_the_service_does_what_its_document_says(everything):
    """Schemathesis: no 500, no undocumented status, media type or form of an answer."""
    schema = schemathesis.openapi.from_url(f"{everything.base_url}/openapi.json")
    examples = int(os.environ.get("RISKLOOP_FUZZ_EXAMPLES", "12"))
    bounded = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    tested = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        tested.add(operation.path)

        @bounded
        @given(case=operation.as_strategy(generation_mode=mode) if (mode := None) else operation.as_strategy())
        def conforms(case):
            case.call_and_validate(checks=CHECKS)

        conforms()
    assert len(tested) == 14
