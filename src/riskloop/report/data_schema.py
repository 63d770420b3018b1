"""JSON Schema of the data report's JSON form."""

from __future__ import annotations

from typing import Any

KIND = "data-report"
SCHEMA_VERSION = 1
SCHEMA = f"riskloop/{KIND}/{SCHEMA_VERSION}"

_TEXT = {"type": "string"}
_NAME = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": ["number", "null"]}
_SHARE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
_RATE = {"$ref": "#/$defs/rate"}
_GROUPS = {"type": "array", "items": {"$ref": "#/$defs/group"}}


def data_schema() -> dict[str, Any]:
    """JSON Schema (2020-12); a value that is not defined is null."""
    parts = {
        "schema": {"const": SCHEMA},
        "schema_version": {"const": SCHEMA_VERSION},
        "kind": {"const": KIND},
        "title": _TEXT,
        "generated": {"type": "string", "format": "date-time"},
        "source": _whole({"data": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}}),
        "settings": {"type": "object", "additionalProperties": _TEXT},
        "overview": _whole(_OVERVIEW),
        "findings": _many(_FINDING),
        "features": _many(_FEATURE),
        "associations": _whole(_ASSOCIATIONS),
        "over_time": _whole({"by": {"enum": ["period", "time_order", "row_order"]}, "blocks": _GROUPS}),
        "missing_together": _many(_PATTERN),
        "other_columns": _many({"name": _TEXT, "role": {"enum": [*_ROLES]}}),
    }
    return {"title": SCHEMA, **_whole(parts), "$defs": {"rate": _whole(_INTERVAL), "group": _whole(_GROUP, _ENDS)}}


def _whole(needed: dict[str, Any], more: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object of these properties and no others; those of ``more`` may be missing."""
    properties = {**needed, **(more or {})}
    return {"type": "object", "required": list(needed), "properties": properties, "additionalProperties": False}


def _many(needed: dict[str, Any], more: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "array", "items": _whole(needed, more)}


_ROLES = ("target", "id", "time", "sensitive", "unavailable", "other")
_INTERVAL = {"value": _SHARE, "low": _SHARE, "high": _SHARE}
_KINDS = ["range", "value", "level", "rest", "unknown", "missing", "block"]
_GROUP = {"kind": {"enum": _KINDS}, "rows": _COUNT, "positives": _COUNT, "rate": _RATE}
_ENDS = {"low": {"type": "number"}, "high": {"type": "number"}, "level": _TEXT, "levels": _COUNT}
_OVERVIEW = {
    **dict.fromkeys(("rows", "kept", "quarantined", "columns", "features"), _COUNT),
    "target": _TEXT,
    "positive": _TEXT,
    "positives": _COUNT,
    "rate": _RATE,
    "split": {"enum": ["random", "time", "row_order"]},
    "repeated": _COUNT,
    "roc_auc_rows": _COUNT,
    "fingerprint": _TEXT,
}
_FINDING = {
    "code": _TEXT,
    "severity": {"enum": ["error", "warning", "info"]},
    "message": _TEXT,
    "next_step": _TEXT,
    "column": _NAME,
    "rows": _COUNT,
    "evidence": {"type": "object"},
}
_FEATURE = {
    "name": _TEXT,
    "type": {"enum": ["number", "category", "date"]},
    "missing": _COUNT,
    "missing_share": _SHARE,
    "distinct": _COUNT,
    "roc_auc": _SHARE,
    "statistics": {"type": "object", "additionalProperties": _NUMBER},
    "groups": _GROUPS,
}
_PAIR = {"first": _TEXT, "second": _TEXT, "measure": {"enum": ["spearman", "cramers_v"]}, "value": _NUMBER}
_ASSOCIATIONS = {
    "rows": _COUNT,
    "features": {"type": "array", "items": _TEXT},
    "pairs": _many(_PAIR),
    "strength": {"type": ["array", "null"], "items": {"type": "array", "items": _NUMBER}},
}
_PATTERN = {"columns": {"type": "array", "items": _TEXT}, "rows": _COUNT, "share": _SHARE, "rate": _RATE}
