"""HTTP: every route, from the OpenAPI document and the application itself."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from starlette.routing import Route

from documentation.reference.writing import code, head, table
from documentation.reference.writing import page as whole
from riskloop.keep.access import ROLES
from riskloop.serve.api import create_app
from riskloop.serve.config import ServeConfig
from riskloop.serve.openapi import document
from riskloop.serve.pages import LatePages
from riskloop.web.site import Site

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_STATUSES = (  # in words of ours: those of Python differ from version to version
    ("200", "it was done"),
    ("400", "the body or a header cannot be read"),
    ("401", "no key, or none that is in force"),
    ("403", "the role does not suffice; a form of another site; from another machine where only this one may"),
    ("404", "no such customer, version, alert or path"),
    ("405", "another method"),
    ("408", "it took too long to arrive"),
    ("409", "somebody else was first, or a gate said no"),
    ("413", "too many rows, or too large"),
    ("415", "another media type"),
    ("422", "fields are wrong: all of them are named"),
    ("429", "more requests than the key may send; `Retry-After` says when"),
    ("500", "a fault of the service, under its request id in the log"),
    ("503", "no champion, a store is away, or there are too many connections; `Retry-After` says when"),
)
_ROLES = {
    "viewer": "read",
    "scorer": "also score customers, and tell outcomes",
    "approver": "also promote, roll back, and look after alerts",
    "admin": "also forget a customer",
}


def page() -> str:
    """The reference of the HTTP service."""
    described, roles = document("NAME", None), routes()
    pages = sorted((path, method, role) for (path, method), role in roles.items() if path not in described["paths"])
    parts = [
        head(
            "HTTP",
            "A running service describes itself: `GET /openapi.json` (OpenAPI 3.1) is written from the contract of the version "
            "that leads, with the type, limits and levels of every feature; `GET /docs` shows it to people. Below is what does "
            "not depend on the contract. Errors are problem documents ([RFC 9457](errors.md#over-http)).",
        ),
        "## Who may call",
        "Without keys the service answers on loopback only, and everybody there. As soon as there is one "
        "(`riskloop keys add`), every call but those for *everybody* needs `Authorization: Bearer TOKEN`.",
        table(("role", "may"), [(role, _ROLES[role]) for role in ROLES]),
        "## Statuses",
        table(("status", "where"), _STATUSES),
        "## Routes",
        table(
            ("route", "for", "is"),
            [
                (
                    f"[{code(f'{method.upper()} {path}')}](#{_anchor(method, path)})",
                    roles[path, method.upper()],
                    it["summary"],
                )
                for path, method, it in operations(described)
            ],
        ),
    ]
    for path, method, operation in operations(described):
        parts += _operation(path, method, operation, roles[path, method.upper()])
    parts += [
        "## Bodies",
        "The JSON of requests and answers; fields in **bold** are always there.",
        *_schemas(described["components"]["schemas"]),
        "## Pages",
        "For people with a browser, with the same roles; see [the web app](../web.md).",
        table(("route", "for"), [(code(f"{method} {path}"), role) for path, method, role in pages]),
    ]
    return whole(*parts)


def routes() -> dict[tuple[str, str], str]:
    """Who may call each route of a service with pages, by path and method; ``everybody`` without a key."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        config = ServeConfig("reference", f"sqlite:///{here}/riskloop.db", here / "bundles", here, folder=here)
        app = create_app(config, site=Site)
        found = {}
        pages = app.router.default
        assert isinstance(pages, LatePages)
        for route in (*app.routes, *pages.routes()):
            assert isinstance(route, Route)
            path = route.path.replace(":path}", "}").replace(":int}", "}")
            role = getattr(route.endpoint, "role", "everybody")
            for method in sorted((route.methods or set()) & set(_METHODS)):
                found[path, method] = role
        return found


def operations(described: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of all that the OpenAPI document holds."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _operation(path: str, method: str, operation: Mapping[str, Any], role: str) -> Iterator[str]:
    yield f"### {method.upper()} {path} {{#{_anchor(method, path)}}}"
    yield f"{operation['summary']}. For: {role}."
    given = [
        (code(one["name"]), {"in": "", **one}["in"], one.get("description", _limits(one["schema"])))
        for one in operation.get("parameters", ())
        if one["name"] != "X-Request-ID"
    ]
    yield table(("parameter", "in", "is"), given)
    if "requestBody" in operation:
        bodies = operation["requestBody"]["content"].items()
        yield "Takes " + ", or ".join(f"{code(kind)}: {_type(body['schema'])}" for kind, body in bodies) + "."
    answers = operation["responses"]
    told = answers["200"]["content"].items()
    yield "Answers 200 with " + ", or ".join(f"{code(kind)}: {_type(one['schema'])}" for kind, one in told) + "."
    yield "Refuses with " + ", ".join(status for status in answers if status != "200") + "."


def _schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f"### {name} {{#body-{name.lower()}}}"
        yield schema.get("description", "")
        needed = schema.get("required", ())
        yield table(
            ("field", "type", "is"),
            [
                (f"**{code(field)}**" if field in needed else code(field), _type(part), part.get("description", ""))
                for field, part in schema.get("properties", {}).items()
            ],
        )


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#body-{name.lower()})"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[key]))
    if "enum" in schema or "const" in schema:
        return ", ".join(code(json.dumps(one)) for one in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        inside = schema.get("items") or schema.get("prefixItems", [{}])[0]
        return f"list of {_type(inside)}" if inside else "list"
    return f"{kind} {_limits(schema)}".rstrip()


def _limits(schema: Mapping[str, Any]) -> str:
    words = {"minimum": "from", "maximum": "to", "maxLength": "characters at most:"}
    told = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    return " ".join([*([str(schema["format"])] if "format" in schema else []), *told])


def _anchor(method: str, path: str) -> str:
    return "-".join([method, *path.replace("{", "").replace("}", "").replace(".", "-").strip("/").split("/")]).rstrip(
        "-"
    )
