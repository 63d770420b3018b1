"""Schemas of reports: the JSON form of every document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from documentation.reference.http import _type
from documentation.reference.writing import code, head, table
from documentation.reference.writing import page as whole
from riskloop.cli.preparing import Schema
from riskloop.report.documents.schema import document_schema


def page() -> str:
    """The reference of the JSON forms."""
    return whole(
        head(
            "Schemas of reports",
            "Every document is also JSON, and names its schema in `schema`; `riskloop schema NAME` prints the whole of it (JSON "
            "Schema 2020-12), for validators. Which document says what: [reports](../reports.md), [watching](../watching.md), "
            "[experiments](../experiments.md).",
        ),
        *_parts(),
    )


def _parts() -> Iterator[str]:
    for one in Schema:
        if one is Schema.settings:
            continue
        schema = document_schema(one.value)
        yield f"## {one.value}"
        yield f"`riskloop schema {one.value}`: {code(schema['title'])}."
        yield table(("key", "type", "is"), _rows(schema))
        for name, part in sorted(schema.get("$defs", {}).items()):
            rows = list(_rows(part))
            if rows and one is Schema.data_report:
                yield f"### {name}"
                yield table(("key", "type", "is"), rows)
    yield "## What documents are made of"
    yield "In every document but the data report:"
    for name, part in sorted(document_schema(Schema.model_report.value)["$defs"].items()):
        yield f"### {name}"
        yield part.get("description", "")
        yield table(("key", "type", "is"), _rows(part))
        for other in part.get("oneOf", ()):
            yield table(("key", "type", "is"), _rows(other))


def _rows(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    needed = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        shown = code(name) if name in needed else f"{code(name)} (may be absent)"
        yield shown, _unlinked(part), part.get("description", "")


def _unlinked(part: Mapping[str, Any]) -> str:
    """A type in words, with names of parts instead of links."""
    return _type(part).replace("](#body-", "](#") if part else "any"
