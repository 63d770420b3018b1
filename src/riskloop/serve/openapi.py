"""The OpenAPI 3.1 document, made from the contract of the present champion and the types of the answers."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

import msgspec

from riskloop import __version__
from riskloop.bundle.bundle import Bundle
from riskloop.data.column import BLANKS, LARGEST_NUMBER, Column
from riskloop.data.dates import text_of
from riskloop.serve import answers
from riskloop.serve.body import CSV, JSON
from riskloop.serve.envelope import ID_PATTERN, LONGEST_ID, id_column_of
from riskloop.serve.login import FORM
from riskloop.serve.metrics import CONTENT_TYPE
from riskloop.serve.problems import PROBLEM_TYPE
from riskloop.serve.saying import LARGEST_VERSION, LONGEST_TEXT
from riskloop.serve.upload import COLUMNS

Schema = dict[str, Any]

_ID: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "pattern": ID_PATTERN}
_NOT_BLANK = "[^" + "".join(f"\\u{ord(blank):04x}" for blank in BLANKS) + "]"
_ISO_DATE = "^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_EXAMPLES = 3

_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "Your name for the request, up to 128 printable ASCII characters; every answer returns it.",
    "schema": {"type": "string", "maxLength": 128},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same customer returns the same answer; it is scored once.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key, made by `riskloop keys add`; asked for as soon as there is one.",
}
_GUARDED = (401, 403, 429)
_CUSTOMER = {"name": "customer_id", "in": "path", "required": True, "schema": _ID}
_AT = {
    "name": "at",
    "in": "query",
    "description": "Linked rows known before this moment count; in UTC unless it says otherwise. Now if absent.",
    "schema": {"type": "string", "format": "date"},
}
_EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "Whether to give the reasons too.",
    "schema": {"type": "boolean"},
}
_LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "description": "Of the words of reasons: en or fr.",
    "schema": {"type": "string", "maxLength": 200},
}
_VERSION = {
    "name": "version",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_VERSION},
}
_ALERT = _VERSION | {"name": "alert_id"}


def document(name: str, bundle: Bundle | None) -> dict[str, Any]:
    """The document of a service; without a champion its features are any object.

    Parameters
    ----------
    name : str
        The project.
    bundle : Bundle or None
        The champion's.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": f"riskloop: {name}", "version": __version__, "description": _description(bundle)},
        "paths": {path: dict(operations) for path, operations in _paths(bundle).items()},
        "components": {"schemas": _requests(bundle) | _answers(), "securitySchemes": {"key": _BEARER}},
    }


def _description(bundle: Bundle | None) -> str:
    if bundle is None:
        return "No version has been promoted yet."
    return f"Features and limits are those of the champion's contract (bundle {bundle.digest[:16]})."


def _paths(bundle: Bundle | None) -> dict[str, dict[str, Schema]]:
    one = {JSON: {"schema": _ref("Envelope")}}
    many = {
        JSON: {"schema": {"type": "array", "items": _ref("Envelope"), "minItems": 1}},
        CSV: {"schema": {"type": "string"}, "example": _csv_example(bundle)},
    }
    outcomes = {JSON: {"schema": {"oneOf": [_ref("Outcome"), _outcome_list()]}}}
    form = {FORM: {"schema": _object({"key": {"type": "string"}}, required=("key",))}}
    said, back = {JSON: {"schema": _ref("Said")}}, {JSON: {"schema": _ref("RollbackRequest")}}
    reading, scoring, changing = (503,), (400, 413, 415, 422, 503), (400, 403, 404, 409, 413, 415, 422, 503)
    return {
        "/health": {"get": _operation("The process answers", JSON, _ref("Health"), guarded=False)},
        "/ready": {"get": _operation("Customers can be scored and kept", JSON, _ref("Ready"), reading, guarded=False)},
        "/predict": {
            "post": _operation(
                "Score a customer", JSON, _ref("Answer"), scoring, body=one, parameters=(_KEY, _LANGUAGE)
            )
        },
        "/predict/batch": {"post": _batch(many, scoring)},
        "/customers/{customer_id}/prediction": {
            "get": _operation(
                "Score a customer on file",
                JSON,
                _ref("Answer"),
                (404, 409, 422, 503),
                parameters=(_CUSTOMER, _AT, _EXPLAIN, _LANGUAGE),
            )
        },
        "/customers/{customer_id}/records": {
            "delete": _operation("Forget a customer", JSON, _ref("Erased"), (422, 503), parameters=(_CUSTOMER,))
        },
        "/outcomes": {"post": _operation("Tell outcomes", JSON, _ref("Receipt"), scoring, body=outcomes)},
        "/model": {"get": _operation("The champion", JSON, _ref("ModelAnswer"), reading)},
        "/models": {"get": _operation("All versions", JSON, _ref("VersionsAnswer"), reading)},
        "/models/{version}/promote": {
            "post": _operation(
                "Promote a version", JSON, _ref("ReleaseAnswer"), changing, body=said, parameters=(_VERSION,)
            )
        },
        "/rollback": {"post": _operation("Roll back", JSON, _ref("ReleaseAnswer"), changing, body=back)},
        "/alerts": {"get": _operation("What is beyond its threshold", JSON, _ref("AlertsAnswer"), reading)},
        "/alerts/{alert_id}/acknowledge": {
            "post": _operation(
                "Look after an alert", JSON, _ref("AlertAnswer"), changing, body=said, parameters=(_ALERT,)
            )
        },
        "/monitoring": {"get": _operation("What the ledger holds", JSON, _ref("MonitoringAnswer"), reading)},
        "/metrics": {"get": _operation("Prometheus metrics", CONTENT_TYPE, {"type": "string"})},
        "/": {"get": _operation("Page for people", "text/html", {"type": "string"})},
        "/login": {
            "get": _operation("Where people log in", "text/html", {"type": "string"}, guarded=False),
            "post": _login(form),
        },
        "/logout": {"post": _operation("End the session", "text/html", {"type": "string"}, guarded=False)},
        **_protocols(scoring, reading),
        "/docs": {"get": _operation("This document for people to read", "text/html", {"type": "string"})},
        "/openapi.json": {"get": _operation("This document", JSON, {"type": "object"})},
    }


def _operation(
    summary: str,
    media_type: str,
    schema: Schema,
    problems: tuple[int, ...] = (),
    *,
    body: Schema | None = None,
    parameters: tuple[Schema, ...] = (),
    guarded: bool = True,
) -> Schema:
    answer = {
        "description": "OK",
        "content": {media_type: {"schema": schema}},
        "headers": {"X-Request-ID": {"schema": {"type": "string"}}},
    }
    refusals = {*problems, *(_GUARDED if guarded else ()), *((408,) if body else ()), 405, 500}
    operation = {
        "summary": summary,
        "parameters": [*parameters, _REQUEST_ID],
        "responses": {"200": answer} | {str(status): _problem(status) for status in sorted(refusals)},
        "security": [{"key": []}, {}] if guarded else [{}],
    }
    return operation | ({"requestBody": {"required": True, "content": body}} if body else {})


def _batch(many: Schema, problems: tuple[int, ...]) -> Schema:
    """A list is answered in JSON; CSV in CSV too, where that is accepted, of any length."""
    operation = _operation(
        "Score a list or CSV", JSON, _ref("BatchAnswer"), problems, body=many, parameters=(_LANGUAGE,)
    )
    answer = operation["responses"]["200"]
    answer["content"][CSV] = {"schema": {"type": "string"}, "example": ",".join(COLUMNS) + "\n"}
    counted = {"description": "Rows, where the answer is CSV.", "schema": {"type": "integer"}}
    answer["headers"] |= {"X-Scored": counted, "X-Refused": counted}
    return operation


def _protocols(scoring: tuple[int, ...], reading: tuple[int, ...]) -> dict[str, dict[str, Schema]]:
    """The doors of other tools; their documents are described where they come from."""
    anything: Schema = {"type": "object"}
    rows = {"type": "array", "items": {"type": "object"}}
    split = _object(
        {"columns": {"type": "array", "items": {"type": "string"}}, "data": {"type": "array"}},
        required=("columns", "data"),
    )
    invocation = {
        "oneOf": [
            _object({"dataframe_split": split}, required=("dataframe_split",)),
            _object({"dataframe_records": rows}, required=("dataframe_records",)),
        ]
    }
    tensor = {"type": "object", "required": ["name", "data"], "properties": {"name": {"type": "string"}}}
    inference = {
        "type": "object",
        "required": ["inputs"],
        "properties": {"inputs": {"type": "array", "items": tensor, "minItems": 1}},
    }
    name: Schema = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}

    def get(summary: str, problems: tuple[int, ...] = (), *, named: bool = False, guarded: bool = True) -> Schema:
        parameters = (name,) if named else ()
        return {"get": _operation(summary, JSON, anything, problems, parameters=parameters, guarded=guarded)}

    asked = {JSON: {"schema": inference}}
    return {
        "/invocations": {
            "post": _operation("Score as MLflow's server", JSON, anything, scoring, body={JSON: {"schema": invocation}})
        },
        "/ping": {
            "get": _operation("Ready, to MLflow's tools", "text/plain", {"type": "string"}, reading, guarded=False)
        },
        "/v2": get("Open Inference Protocol: the server"),
        "/v2/health/live": get("Open Inference Protocol: alive", guarded=False),
        "/v2/health/ready": get("Open Inference Protocol: ready", reading, guarded=False),
        "/v2/models/{name}/ready": get("Open Inference Protocol: ready", reading, named=True, guarded=False),
        "/v2/models/{name}": get("Open Inference Protocol: its tensors", (404, *reading), named=True),
        "/v2/models/{name}/infer": {
            "post": _operation(
                "Open Inference Protocol: infer", JSON, anything, (404, *scoring), body=asked, parameters=(name,)
            )
        },
    }


def _login(form: Schema) -> Schema:
    """A wrong key shows the form again."""
    operation = _operation("Begin a session", "text/html", {"type": "string"}, (413, 415), body=form, guarded=False)
    operation["responses"]["401"] = operation["responses"]["200"] | {"description": "Unauthorized"}
    return operation


def _problem(status: int) -> Schema:
    problem: Schema = {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM_TYPE: {"schema": _ref("Problem")}},
    }
    if status in (429, 503):
        problem["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return problem


def _answers() -> dict[str, Schema]:
    types = (
        answers.Answer,
        answers.BatchAnswer,
        answers.RefusedRow,
        answers.Problem,
        answers.Health,
        answers.Ready,
        answers.Receipt,
        answers.Erased,
        answers.ModelAnswer,
        answers.VersionsAnswer,
        answers.ReleaseAnswer,
        answers.MonitoringAnswer,
        answers.AlertAnswer,
        answers.AlertsAnswer,
    )
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schemas["BatchAnswer"]["properties"]["answers"]["items"] = {"anyOf": [_ref("Answer"), _ref("RefusedRow")]}
    return schemas


def _requests(bundle: Bundle | None) -> dict[str, Schema]:
    words = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "pattern": r"\S"}
    identity = {"anyOf": [_ID, {"type": "integer"}]}
    return {
        "Features": _features(bundle) if bundle else {"type": "object"},
        "Envelope": _object(
            {
                "features": _ref("Features"),
                "id": {"anyOf": [_ID, {"type": ["integer", "null"]}]},
                "explain": {
                    "type": "boolean",
                    "description": "Also say why, in the language of Accept-Language.",
                },
            },
            required=("features",),
        ),
        "Outcome": _object(
            {
                "id": identity,
                "outcome": {"enum": [True, False, 1, 0], "description": "True: the risk came true."},
                "observed_at": {"type": "string", "format": "date-time"},
                "prediction_id": {"anyOf": [_ID, {"type": "null"}]},
            },
            required=("id", "outcome", "observed_at"),
        ),
        "Said": _object({"actor": words, "reason": words}, required=("actor", "reason")),
        "RollbackRequest": _object(
            {
                "actor": words,
                "reason": words,
                "version": {"type": ["integer", "null"], "minimum": 1, "maximum": LARGEST_VERSION},
            },
            required=("actor", "reason"),
        ),
    }


def _object(properties: dict[str, Schema], *, required: tuple[str, ...]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _outcome_list() -> Schema:
    return {"type": "array", "items": _ref("Outcome"), "minItems": 1}


def _features(bundle: Bundle) -> Schema:
    contract = bundle.contract
    unused = [name for name in (*contract.by_name, *contract.known) if name not in contract.read_names]
    properties = {name: {"description": "Accepted and not used."} for name in unused}
    properties |= {column.name: column_schema(column) for column in contract.read}
    schema = _object(properties, required=contract.read_names)
    return schema | {"examples": list(bundle.golden.requests[:_EXAMPLES])}


def column_schema(column: Column) -> Schema:
    """What a JSON value of a column may be."""
    if column.type == "category":
        return _category(column)
    if column.type == "date":
        return _date(column)
    lowest, highest = -LARGEST_NUMBER, LARGEST_NUMBER
    schema: Schema = {
        "type": ["number", "null"] if column.nullable else "number",
        "minimum": lowest if column.minimum is None else column.minimum,
        "maximum": highest if column.maximum is None else column.maximum,
    }
    return schema | _not_missing(column, column.missing_numbers)


def _category(column: Column) -> Schema:
    if column.unknown != "reject" or column.ignore_case:
        known = ", ".join(column.levels[:12])
        schema: Schema = {"type": ["string", "null"] if column.nullable else "string"}
        schema |= {"description": f"Any text; known: {known}", "minLength": 1, "pattern": _NOT_BLANK}
        return schema | _not_missing(column, column.missing_texts)
    values: list[Any] = [value for level in (*column.levels, *dict(column.aliases)) for value in _spellings(level)]
    return {"enum": [*values, None] if column.nullable else values}


def _date(column: Column) -> Schema:
    """A timestamp is taken too: two formats in one schema would serve validators less than one and a sentence."""
    missing = column.missing_texts | {text_of(days) for days in column.missing_days}
    return {
        "type": ["string", "null"] if column.nullable else "string",
        "format": "date",
        "pattern": _ISO_DATE,
        "description": "A date; a timestamp such as 2026-01-31T12:00:00Z is taken too.",
    } | _not_missing(column, missing)


def _not_missing(column: Column, values: Collection[Any]) -> Schema:
    """What means "missing" is no value where one is required."""
    return {"not": {"enum": sorted(values)}} if values and not column.nullable else {}


def _spellings(level: str) -> list[Any]:
    """The JSON values that mean a level: ``"1"`` is also 1, ``"true"`` is also true."""
    try:
        plain = msgspec.json.decode(level)
    except msgspec.MsgspecError:
        return [level]
    same = type(plain) in (bool, int) and msgspec.json.encode(plain).decode() == level
    return [level, plain] if same else [level]


def _csv_example(bundle: Bundle | None) -> str:
    if bundle is None or not bundle.golden.requests:
        return "id\n"
    first = bundle.golden.requests[0]
    names = list(bundle.contract.read_names)
    cells = ["" if first.get(name) is None else str(first[name]) for name in names]
    return ",".join([id_column_of(bundle), *names]) + "\n" + ",".join(["1", *cells]) + "\n"


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
