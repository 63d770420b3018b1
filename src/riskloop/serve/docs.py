"""``GET /docs``: the API for people to read, made from the OpenAPI document. No script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from riskloop.serve.champion import Champion
from riskloop.serve.openapi import document

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --line: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
body { max-width: 56rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
p.lead { color: GrayText; margin-top: .25rem; }
details { border: var(--line); border-radius: .4rem; margin: .5rem 0; padding: .1rem .8rem; }
summary { cursor: pointer; padding: .45rem 0; }
summary b { display: inline-block; min-width: 3.6rem; font: 600 .85rem ui-monospace, monospace; }
code, pre { font: .85rem/1.5 ui-monospace, monospace; }
pre { padding: .7rem .9rem; overflow-x: auto; border: var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: var(--line); }
.key { float: right; color: GrayText; font-size: .85rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'"
_MOST_LISTED = 12


class Docs:
    """The page of one service."""

    def __init__(self, project: str, champion: Champion) -> None:
        self._project = project
        self._champion = champion

    async def show(self, _request: Request) -> Response:
        """The page, for the champion of the moment."""
        live = self._champion.live
        html = render(document(self._project, live.bundle if live else None))
        return Response(html, headers={"content-security-policy": _POLICY}, media_type="text/html")


def render(api: dict[str, Any]) -> str:
    """An OpenAPI document of this package as HTML."""
    schemas = api["components"]["schemas"]
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    )
    listed = "".join(_schema(name, schema) for name, schema in schemas.items())
    title = escape(api["info"]["title"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}: API</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f'<p class="lead">{escape(api["info"]["description"])} '
        'The whole document: <a href="/openapi.json">openapi.json</a>.</p>'
        "<p>Where there are API keys, send <code>Authorization: Bearer rk_...</code>; errors are problem documents "
        "(RFC 9457) that name every wrong field and the next step.</p>"
        f"<h2>Requests</h2>{operations}<h2>Documents</h2>{listed}</main></body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    key = '<span class="key">key</span>' if {"key": []} in operation.get("security", []) else ""
    statuses = "".join(
        f"<tr><td><code>{escape(status)}</code></td><td>{escape(answer['description'])}</td>"
        f"<td>{_content(answer.get('content', {}))}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    body = operation.get("requestBody", {}).get("content", {})
    return (
        f"<details><summary>{key}<b>{escape(method.upper())}</b> <code>{escape(path)}</code> "
        f"{escape(operation['summary'])}</summary>{_parameters(operation.get('parameters', []))}"
        f"{f'<h3>Body</h3><p>{_content(body)}</p>{_example(body)}' if body else ''}"
        f"<h3>Answers</h3><table>{statuses}</table></details>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in parameters
    )
    return f"<h3>Parameters</h3><table>{rows}</table>"


def _content(content: dict[str, Any]) -> str:
    return ", ".join(f"{_named(one['schema'])} as <code>{escape(kind)}</code>" for kind, one in content.items())


def _example(content: dict[str, Any]) -> str:
    example = next((one["example"] for one in content.values() if "example" in one), None)
    return f"<pre>{escape(str(example))}</pre>" if example else ""


def _named(schema: dict[str, Any]) -> str:
    """A schema in a word, with a way to it."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for key, word in (("anyOf", " or "), ("oneOf", " or ")):
        if key in schema:
            return word.join(_named(one) for one in schema[key])
    if "prefixItems" in schema:
        return "a list of " + ", ".join(_named(one) for one in schema["prefixItems"])
    if schema.get("type") == "array" and "items" in schema:
        return f"a list of {_named(schema['items'])}"
    if "enum" in schema:
        values = [json.dumps(value, ensure_ascii=False) for value in schema["enum"]]
        more = [f"{len(values) - _MOST_LISTED} more"] if len(values) > _MOST_LISTED else []
        return "one of " + escape(", ".join([*values[:_MOST_LISTED], *more]))
    kinds = schema.get("type", "anything")
    limits = [
        f"{word} {schema[key]:g}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("minLength", "at least"), ("maxLength", "at most"))
        if isinstance(schema.get(key), (int, float))
    ]
    return escape(" ".join([" or ".join(kinds) if isinstance(kinds, list) else str(kinds), *limits]))


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(key)}</code>{'' if key in required else ' (may be left out)'}</td>"
        f"<td>{_named(one)}</td><td>{escape(one.get('description', ''))}</td></tr>"
        for key, one in schema.get("properties", {}).items()
    )
    examples = "".join(
        f"<pre>{escape(json.dumps(one, indent=2, ensure_ascii=False))}</pre>" for one in schema.get("examples", [])[:1]
    )
    described = f"<p>{escape(schema['description'])}</p>" if schema.get("description") else ""
    table = f"<table>{rows}</table>" if rows else f"<p>{_named(schema)}</p>"
    return f'<h3 id="{escape(name)}">{escape(name)}</h3>{described}{table}{examples}'
