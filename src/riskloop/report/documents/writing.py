"""Write a document down: page, Markdown and JSON from one tree, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from riskloop.report.documents.html import html
from riskloop.report.documents.markdown import markdown
from riskloop.report.documents.tree import Completeness, Document
from riskloop.report.files import write_whole


@dataclass(frozen=True)
class Written:
    """The files of a document, by kind, and how complete it is."""

    files: Mapping[str, Path]
    version: int
    completeness: Completeness

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        paths = {kind: str(path) for kind, path in self.files.items()}
        return {"version": self.version, "files": paths, "completeness": self.completeness.to_dict()}


def write_document(document: Document, folder: Path, stem: str, more: Mapping[str, str] | None = None) -> Written:
    """Write ``stem.html``, ``stem.md`` and ``stem.json``, and files of other names that belong to them.

    Raises
    ------
    RiskloopError
        If they cannot be written; older ones are left as they were.
    """
    written = json.dumps(document.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    contents = {
        f"{stem}.html": html(document),
        f"{stem}.md": markdown(document),
        f"{stem}.json": written,
        **(more or {}),
    }
    write_whole(folder, contents)
    files = {kind: folder / f"{stem}.{kind}" for kind in ("html", "md", "json")}
    files |= {name.partition(".")[0]: folder / name for name in more or {}}
    return Written(files, document.version, document.completeness)
