"""Reports: what the command line has written into ``.riskloop/reports``, read for pages.

The seam to monitoring: whatever writes ``drift-NAME.json`` there is shown, in the order of its field ``generated``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

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
