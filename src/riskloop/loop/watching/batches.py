"""The batches of a folder: which of them are tables, in which order they came, and which are complete."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from riskloop.data.column import Column
from riskloop.data.frames import decode_series
from riskloop.data.source import Source, read
from riskloop.errors import DataError, NotFound, UsageError

_TABLES = (".csv", ".csv.gz", ".parquet", ".tsv", ".txt")
_DATE = re.compile(r"(?<!\d)(20\d{2})[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?!\d)")
_UNFINISHED = re.compile(r"^[.~_]|(?:^|[.\-_])(?:tmp|temp|part|partial|draft|incomplete)(?:[.\-_]|$)", re.IGNORECASE)
_LOOKED_AT = 10_000
"""Rows of a file, spread evenly, among which its latest moment is looked for."""

Moment = Callable[[Path], float | None]


def newest(folder: Path, moment: Moment | None = None) -> Path:
    """The newest batch of a folder: by the date in its name, else by the number; never by the time of the file.

    Parameters
    ----------
    moment : callable, optional
        Gives the latest event time inside a file, see `latest`; asked where names do not tell.

    Raises
    ------
    NotFound
        If there is no table.
    UsageError
        If several have neither date nor number, nor tell their time inside.
    """
    tables = tables_in(folder)
    if not tables:
        raise NotFound("There is no table in this folder.", where=str(folder), next_step="name a file with --batch")
    dated = [path for path in tables if _date_in(path.name)]
    if dated:
        return max(dated, key=_in_order)
    last = max(_numbers(path.name) for path in tables)
    leading = [path for path in tables if _numbers(path.name) == last]
    if len(leading) == 1:
        return leading[0]
    inside = {path: found for path in leading if moment and (found := moment(path)) is not None}
    at = max(inside.values(), default=None)
    latest_ones = [path for path, found in inside.items() if found == at]
    if len(inside) == len(leading) and len(latest_ones) == 1:
        return latest_ones[0]
    raise UsageError(
        f"None of the {len(tables)} tables has a date in its name, so that the newest cannot be told.",
        where=str(folder),
        next_step="name them such as batch-2026-11-01.csv, or name the file",
    )


def tables_in(folder: Path) -> list[Path]:
    """Its tables, the oldest first; names of files that are still being written are left out."""
    found = (path for path in folder.iterdir() if path.name.lower().endswith(_TABLES) and path.is_file())
    return sorted((path for path in found if not _UNFINISHED.search(path.name)), key=_in_order)


def sizes_in(folder: Path) -> dict[Path, int]:
    """Bytes of every table, the oldest first; one that vanishes meanwhile is left out."""
    sizes = {}
    for path in tables_in(folder):
        try:
            sizes[path] = path.stat().st_size
        except FileNotFoundError:
            continue
    return sizes


def complete(before: Mapping[Path, int], now: Mapping[Path, int]) -> list[Path]:
    """Those that hold as much as at the look before, and anything."""
    return [path for path, size in now.items() if size and before.get(path) == size]


def digest_of(path: Path) -> str:
    """SHA-256 of its content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def latest(source: Source, time: str | None) -> float | None:
    """The latest event time in a table, in days since 1970; None if it has none that can be read.

    Looked for among some ten thousand rows, spread evenly: a table is read once, in little memory.
    """
    if not time:
        return None
    try:
        frame, _ = read(replace(source, sample_rows=_LOOKED_AT))
    except DataError:
        return None
    if time not in frame.columns:
        return None
    days, _ = decode_series(Column(time, "date", nullable=True), frame[time])
    return None if np.isnan(days).all() else float(np.nanmax(days))


def _in_order(path: Path) -> tuple[date, tuple[int, ...], str]:
    return _date_in(path.name) or date.min, _numbers(path.name), path.name


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
