"""Options that every verb shares."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Language(StrEnum):
    """Languages of what people read."""

    en = "en"
    fr = "fr"


ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="Project folder.", show_default="this folder")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON on stdout; progress goes to stderr.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the promotion log.")]
LanguageOption = Annotated[Language, typer.Option(help="Language of the words.")]
HERE = Path()


def names(text: str | None) -> tuple[str, ...]:
    """Comma-separated names."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
