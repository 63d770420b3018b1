"""Options that every verb shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="Project folder.", show_default="this folder")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON on stdout; progress goes to stderr.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the promotion log.")]
HERE = Path()


def names(text: str | None) -> tuple[str, ...]:
    """Comma-separated names."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
