"""Files of a project, and variables: every key with its type, its default and what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from documentation.reference.writing import code, head, marked, table
from documentation.reference.writing import page as whole
from riskloop.data.column import Column
from riskloop.data.contract import Contract
from riskloop.decide.reason_texts import Texts
from riskloop.settings import json_schema

VARIABLES: Mapping[str, str] = {
    "RISKLOOP__SECTION__KEY": "Any key of riskloop.yaml, e.g. `RISKLOOP__SERVING__PORT=8080`; the value is YAML.",
    "RISKLOOP_ACTOR": "Who acts, in logs of promotions and alerts; the name at the system's login if it is not set.",
    "RISKLOOP_ARTIFACTS_URL": "Where bundles and reports are kept too: a folder, or `s3://bucket/prefix`.",
    "RISKLOOP_DASK_ADDRESS": "A Dask scheduler that is there already, `tls://host:8786`; workers of this machine without it.",
    "RISKLOOP_DASK_UNENCRYPTED": "`1` permits `tcp://` to a scheduler beyond loopback, in a network that you trust.",
    "RISKLOOP_DATABASE_URL": "The database of ledger, versions and logs; `.riskloop/riskloop.db` (SQLite) without it.",
    "RISKLOOP_DEBUG": "`1` shows the traceback of a fault.",
    "MLFLOW_TRACKING_URI": "The MLflow server of runs and registered models; `.riskloop/mlflow.db` without it.",
    "AWS_ENDPOINT_URL": "An S3 endpoint that is not Amazon's; `AWS_ENDPOINT_URL_S3`, `AWS_REGION` and keys as boto3 reads them.",
}
"""What is read from the environment; a test holds this against the code."""


def page() -> str:
    """The reference of riskloop.yaml, contract.yaml, reasons.yaml and of the environment."""
    return whole(
        head(
            "Files and variables",
            "A project is a folder with `riskloop.yaml`, `contract.yaml` and `reasons.yaml`, all written by `riskloop init` "
            "for you to edit. An unknown key is an error that names the nearest one.",
        ),
        "## riskloop.yaml",
        "`riskloop schema` prints it as JSON Schema, for editors.",
        *_sections(json_schema()),
        "## contract.yaml",
        "The rules of the table's columns, enforced at training, in batches and over HTTP.",
        table(("key", "type", "is"), _described(Contract, {"version": "int"})),
        "### A column",
        table(("key", "type", "is"), _described(Column, without=("name",))),
        "## reasons.yaml",
        table(("key", "type", "is"), _described(Texts, renamed={"table": "texts"})),
        "## Environment variables",
        table(("variable", "is"), [(code(name), text) for name, text in VARIABLES.items()]),
    )


def _sections(schema: Mapping[str, Any]) -> Iterator[str]:
    definitions = schema["$defs"]
    top = [(name, part) for name, part in schema["properties"].items() if not _definition(part)]
    yield table(("key", "type", "default", "is"), [_row(name, part, schema) for name, part in top])
    for name, part in schema["properties"].items():
        inside = _definition(part)
        if inside is None:
            continue
        section = definitions[inside]
        yield f"### {name}"
        yield section.get("description", "") + (" By name." if _by_name(part) else "")
        rows = [_row(key, field, section) for key, field in section["properties"].items()]
        yield table(("key", "type", "default", "is"), rows)
        for key, field in section["properties"].items():
            below = _definition(field)
            if below:
                yield f"#### {name}.{key}"
                deeper = definitions[below]
                yield deeper.get("description", "") + " By name."
                yield table(
                    ("key", "type", "default", "is"),
                    [_row(one, it, deeper) for one, it in deeper["properties"].items()],
                )


def _definition(part: Mapping[str, Any]) -> str | None:
    """Name of the section that a key holds, by itself or by name."""
    found = re.search(r"#/\$defs/(\w+Section)", json.dumps(part))
    return found[1] if found else None


def _by_name(part: Mapping[str, Any]) -> bool:
    return "additionalProperties" in part


def _row(name: str, part: Mapping[str, Any], section: Mapping[str, Any]) -> tuple[str, str, str, str]:
    needed = name in section.get("required", ())
    default = "needed" if needed else code(part["default"]) if part.get("default") not in (None, [], {}) else ""
    return code(name), _type(part), default, part.get("description", "")


def _type(part: Mapping[str, Any]) -> str:
    """The type of a value in words, with its limits."""
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_type(one) for one in part["anyOf"] if one.get("type") != "null"))
    if "enum" in part or "const" in part:
        return ", ".join(code(one) for one in part.get("enum", [part.get("const")]))
    if "$ref" in part:
        return "section"
    kind = {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(part["type"], part["type"])
    if kind == "array":
        inside = part.get("items") or {}
        return "list" if not inside else f"list of {_type(inside)}"
    if kind == "object":
        inside = part.get("additionalProperties")
        return f"by name: {_type(inside)}" if isinstance(inside, Mapping) else "by name"
    marks = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = ", ".join(f"{mark} {part[key]:g}" for key, mark in marks.items() if key in part)
    return f"{kind} {limits}".rstrip()


_ATTRIBUTE = re.compile(r"^(?P<names>[\w, ]+?) : (?P<type>.+)$|^(?P<alone>[\w, ]+)$")


def _described(
    kind: type,
    more: Mapping[str, str] | None = None,
    *,
    without: tuple[str, ...] = (),
    renamed: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, str, str]]:
    """Attributes of a class as its docstring tells them."""
    for names, type_, text in attributes(kind):
        if names not in without:
            shown = ", ".join(code((renamed or {}).get(one, one)) for one in names.split(", "))
            yield shown, _in_yaml(type_), marked(text)
    for name, type_ in (more or {}).items():
        yield code(name), _in_yaml(type_), "Of the form of the file; 1."


def _in_yaml(type_: str) -> str:
    """A type of Python as YAML has it."""
    if type_.startswith("{"):
        return ", ".join(code(one.strip().strip('"') or '""') for one in type_.strip("{}").split(","))
    words = {
        "tuple of Column": "by name: a column",
        "tuple of (str, str)": "by name: text",
        "tuple of str": "list of text",
    }
    words |= {
        "float or None": "number",
        "float": "number",
        "bool": "true or false",
        "int": "whole number",
        "str": "text",
    }
    return words.get(
        type_, type_.replace("mapping of name to language to kind to str", "by name, language and kind: text")
    )


def attributes(kind: type) -> Iterator[tuple[str, str, str]]:
    """Name, type and sentence of what a docstring lists under ``Attributes`` or ``Parameters``."""
    lines = (kind.__doc__ or "").splitlines()
    marks = [place for place, line in enumerate(lines) if set(line.strip()) == {"-"}]
    if not marks:
        return
    indent = len(lines[marks[0]]) - len(lines[marks[0]].lstrip())
    name, type_, said = "", "", []
    for line in lines[marks[0] + 1 :]:
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth == indent:
            found = _ATTRIBUTE.match(line.strip())
            if name:
                yield name, type_, " ".join(said)
            if found is None:
                return
            name, type_, said = found["names"] or found["alone"], found["type"] or "", []
        elif line.strip():
            said.append(line.strip())
    if name:
        yield name, type_, " ".join(said)
