"""Reports: what the command line has written into ``.riskloop/reports``, read for pages.

The seam to monitoring: whatever writes ``drift-NAME.json`` there is shown, in the order of its field ``generated``; of
an experiment and of performance over time, the newest document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from riskloop.report.words import LANGUAGES
from riskloop.serve.config import ServeConfig
from riskloop.web.jobs import state_folder

_MOST = 60


@dataclass(frozen=True)
class Report:
    """A drift report: its name, when it was made, and everything it says as plain JSON values."""

    stem: str
    name: str
    at: datetime
    verdict: str
    said: dict[str, Any]

    @property
    def columns(self) -> list[dict[str, Any]]:
        return [one for one in self.said.get("columns", []) if isinstance(one, dict)]

    @property
    def moved(self) -> list[dict[str, Any]]:
        """Columns that have moved."""
        return [one for one in self.columns if one.get("verdict") in ("moved", "strongly_moved") or one.get("drifted")]


def reports_folder(config: ServeConfig) -> Path:
    """Where reports lie."""
    return state_folder(config) / "reports"


def drift_reports(config: ServeConfig) -> list[Report]:
    """The drift reports, the newest first; a file that cannot be read is left out."""
    found = []
    folder = reports_folder(config)
    for path in sorted(folder.glob("drift-*.json"), key=lambda one: -one.stat().st_mtime)[:_MOST]:
        report = _read(path, path.stat().st_mtime_ns)
        if report is not None:
            found.append(report)
    return sorted(found, key=lambda one: one.at, reverse=True)


@lru_cache(maxsize=2 * _MOST)
def _read(path: Path, _changed: int) -> Report | None:
    try:
        said = json.loads(path.read_bytes())
        raw = said.get("drift", said)
        return Report(path.stem, str(raw["name"]), datetime.fromisoformat(raw["generated"]), str(raw["verdict"]), raw)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Told:
    """A document of which the newest counts: when it was made, and what it says as plain JSON values."""

    at: datetime
    said: dict[str, Any]


def newest(config: ServeConfig, stem: str, part: str) -> Told | None:
    """The newest of a document's languages: what it holds under ``part``; None where there is none to be read."""
    folder = reports_folder(config)
    paths = [folder / f"{stem}{suffix}.json" for suffix in ("", *(f".{one}" for one in LANGUAGES))]
    found = [told for path in paths if path.is_file() and (told := _part(path, path.stat().st_mtime_ns, part))]
    return max(found, key=lambda one: one.at, default=None)


@lru_cache(maxsize=8)
def _part(path: Path, _changed: int, part: str) -> Told | None:
    try:
        document = json.loads(path.read_bytes())
        said = document[part]
        return Told(datetime.fromisoformat(document["generated"]), said) if isinstance(said, dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
