"""The newest batch of a folder."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from riskloop.errors import NotFound, UsageError

_TABLES = (".csv", ".csv.gz", ".parquet", ".tsv", ".txt")
_DATE = re.compile(r"(?<!\d)(20\d{2})[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?!\d)")


def newest(folder: Path) -> Path:
    """The newest batch of a folder: by the date in its name, else by the number; never by the time of the file.

    Raises
    ------
    NotFound
        If there is no table.
    UsageError
        If several have neither date nor number.
    """
    tables = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().endswith(_TABLES))
    if not tables:
        raise NotFound("There is no table in this folder.", where=str(folder), next_step="name a file with --batch")
    dated = [path for path in tables if _date_in(path.name)]
    if dated:
        return max(dated, key=lambda path: (_date_in(path.name), _numbers(path.name), path.name))
    numbered = [path for path in tables if _numbers(path.name)]
    if numbered:
        return max(numbered, key=lambda path: (_numbers(path.name), path.name))
    if len(tables) > 1:
        raise UsageError(
            f"None of the {len(tables)} tables has a date in its name, so that the newest cannot be told.",
            where=str(folder),
            next_step="name them such as batch-2026-11-01.csv, or name the file",
        )
    return tables[0]


def _date_in(name: str) -> date | None:
    """The last date that a name holds; a month stands for its first day."""
    found = None
    for year, month, day in _DATE.findall(name):
        try:
            found = date(int(year), int(month), int(day or 1))
        except ValueError:
            continue
    return found


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", name))
