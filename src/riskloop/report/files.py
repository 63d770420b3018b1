"""Files of reports, written together or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from riskloop.errors import RiskloopError


def write_whole(folder: Path, contents: Mapping[str, str]) -> None:
    """Write files by name; all of them or none.

    Raises
    ------
    RiskloopError
        If they cannot be written; older ones are left as they were.
    """
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
            f"The report cannot be written: {error}.", where=str(folder), next_step="free space, or check the rights"
        ) from error
