"""Options that every verb shares."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from riskloop.errors import UsageError


class Language(StrEnum):
    """Languages of what people read."""

    en = "en"
    fr = "fr"


class EngineName(StrEnum):
    """What goes over the partitions of a dataset."""

    local = "local"
    dask = "dask"


class By(StrEnum):
    """Windows of time."""

    hour = "hour"
    day = "day"
    week = "week"
    month = "month"


ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="Project folder.", show_default="this folder")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON on stdout; progress goes to stderr.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the promotion log.")]
LanguageOption = Annotated[Language, typer.Option(help="Language of the words.")]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=256, help="On Dask: processes of this machine; one for each core."),
]
HERE = Path()


def names(text: str | None) -> tuple[str, ...]:
    """Comma-separated names."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def command_for(project: Path, verb: str) -> str:
    """A command about this project, as it is to be typed here."""
    return f"riskloop {verb}" + ("" if project == HERE else f" --project {shlex.quote(str(project))}")


def check_workers(engine: EngineName | None, workers: int | None) -> None:
    """Refuse workers where nobody works.

    Raises
    ------
    UsageError
        Without Dask.
    """
    if workers and engine != EngineName.dask:
        raise UsageError("Only Dask has workers.", where="--workers", next_step="ask for dask, or leave it out")


def moment(text: str | None) -> datetime | None:
    """A day or a time, in UTC unless it says otherwise.

    Raises
    ------
    UsageError
        If it is none.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no day.", where="--since", next_step="write 2026-11-01 or 2026-11-01T12:00:00"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
