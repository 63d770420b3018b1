"""Write a document down: page, Markdown and JSON from one tree, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from riskloop.errors import RiskloopError
from riskloop.report.documents.html import html
from riskloop.report.documents.markdown import markdown
from riskloop.report.documents.tree import Completeness, Document


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
    contents = {
        f"{stem}.html": html(document),
        f"{stem}.md": markdown(document),
        f"{stem}.json": json.dumps(document.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        **(more or {}),
    }
    drafts = {name: folder / f".{name}.draft" for name in contents}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, draft in drafts.items():
            draft.write_text(contents[name], encoding="utf-8")
        for name, draft in drafts.items():
            draft.replace(folder / name)
    except OSError as error:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        raise RiskloopError(
            f"The document cannot be written: {error}.", where=str(folder), next_step="free space, or check the rights"
        ) from error
    kinds = {name: name.partition(".")[2] if name.startswith(f"{stem}.") else Path(name).stem for name in contents}
    files = {kind.rpartition(".")[2]: folder / name for name, kind in kinds.items()}
    return Written(files, document.version, document.completeness)
