"""JSON Schemas of the JSON form of documents."""

from __future__ import annotations

from typing import Any

from riskloop.report.data_schema import KIND, data_schema
from riskloop.report.documents import compliance, drift, experiment, model, performance

_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_SOURCE = {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/digest"}}
_TEXT = {"type": "string"}
_CELL = {
    "description": "Something known, or open for a role.",
    "oneOf": [
        {"type": "object", "required": ["text", "value"], "properties": {"text": _TEXT, "value": {}}},
        {"type": "object", "required": ["text", "open"], "properties": {"text": _TEXT, "open": _TEXT}},
    ],
}
_FACT = {
    "allOf": [{"$ref": "#/$defs/cell"}],
    "type": "object",
    "required": ["key", "label"],
    "properties": {"key": _TEXT, "label": _TEXT},
}


def _block(needed: dict[str, Any]) -> dict[str, Any]:
    properties = {**needed, "source": {"$ref": "#/$defs/source"}}
    return {"type": "object", "required": list(properties), "properties": properties}


_BLOCKS = [
    _block({"facts": {"type": "array", "items": {"$ref": "#/$defs/fact"}}}),
    _block({"sentences": {"type": "array", "items": _TEXT}}),
    _block(
        {
            "table": _TEXT,
            "title": _TEXT,
            "columns": {"type": "array", "items": _TEXT},
            "rows": {"type": "array", "items": {"type": "array", "items": {"$ref": "#/$defs/cell"}}},
            "note": _TEXT,
        }
    ),
    _block({"figure": _TEXT, "title": _TEXT, "says": _TEXT}),
]
_SECTION = {
    "type": "object",
    "required": ["key", "number", "title", "note", "blocks", "sections"],
    "properties": {
        "key": _TEXT,
        "number": _TEXT,
        "title": _TEXT,
        "note": _TEXT,
        "blocks": {"type": "array", "items": {"anyOf": _BLOCKS}},
        "sections": {"type": "array", "items": {"$ref": "#/$defs/section"}},
    },
}
_COMPLETENESS = {
    "type": "object",
    "required": ["answered", "points", "share", "open"],
    "properties": {
        "answered": {"type": "integer", "minimum": 0},
        "points": {"type": "integer", "minimum": 0},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "open": {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
    },
}
_NAMES = {
    "model-report": model.SCHEMA,
    "compliance-pack": compliance.SCHEMA,
    "drift-report": drift.SCHEMA,
    "experiment-report": experiment.SCHEMA,
    "performance-report": performance.SCHEMA,
}
_MORE: dict[str, dict[str, Any]] = {
    "drift-report": {
        "data_stability": {"enum": ["stable", "watch", "drifted"]},
        "dataset_drift": {"type": "boolean"},
        "drifted_features": {"type": "array", "items": _TEXT},
        "column_drift": {"type": "object", "additionalProperties": {"type": "boolean"}},
        "drift": {"type": "object"},
    },
    "experiment-report": {"experiment": {"type": "object"}},
    "performance-report": {"worse": {"type": "boolean"}, "performance": {"type": "object"}},
}


def document_schema(name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of a document by its name, such as ``drift-report``."""
    if name == KIND:
        return data_schema()
    properties = {
        "schema": {"const": _NAMES[name]},
        "title": _TEXT,
        "subtitle": _TEXT,
        "language": {"enum": ["en", "fr"]},
        "generated": {"type": "string", "format": "date-time"},
        "version": {"type": "integer", "minimum": 1},
        "digest": {"$ref": "#/$defs/digest"},
        "notice": _TEXT,
        "completeness": _COMPLETENESS,
        "front": {"type": "object"},
        "sections": {"type": "array", "items": {"$ref": "#/$defs/section"}},
        **_MORE.get(name, {}),
    }
    return {
        "title": _NAMES[name],
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
        "$defs": {"digest": _DIGEST, "source": _SOURCE, "cell": _CELL, "fact": _FACT, "section": _SECTION},
    }
