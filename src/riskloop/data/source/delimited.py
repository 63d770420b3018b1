"""Text files: every cell stays text, blank lines are passed over, uneven ones refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from riskloop.data.dialect import check_names, readable, rewritten, uneven_line, uneven_table, whole_text
from riskloop.data.source.sampling import sampled
from riskloop.data.source.written import Source
from riskloop.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def read_csv(path: Path, source: Source) -> pl.DataFrame:
    """The table, or a sample of it; a file that polars cannot read is written anew in memory and read then.

    Raises
    ------
    DataError
        If it is missing, or its lines are uneven.
    """
    import polars as pl

    separator, encoding = source.separator or ",", source.encoding or "utf-8"
    direct = encoding in ("utf-8", "utf-8-sig")
    try:
        frame = _scan(path if direct else whole_text(path, encoding).encode(), source)
    except (pl.exceptions.PolarsError, OSError):
        with readable(path):
            frame = _scan(rewritten(path, separator, encoding), source)
    return named(even(without_blank_lines(frame), path, source), path, source)


def even(frame: pl.DataFrame, path: Path, source: Source) -> pl.DataFrame:
    """The same frame, once it is certain that no line is too short."""
    separator, encoding = source.separator or ",", source.encoding or "utf-8"
    if frame.width and frame[frame.columns[-1]].null_count() and (uneven := uneven_line(path, separator, encoding)):
        raise uneven_table(uneven, path, separator)
    return frame


def without_blank_lines(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in which some cell holds anything."""
    import polars as pl

    blank = [pl.col(name).str.strip_chars().fill_null("") == "" for name in frame.columns]
    if not blank or not frame.select(blank[-1].any()).item():
        return frame
    return frame.filter(~pl.all_horizontal(blank))


def _scan(table: bytes | Path, source: Source) -> pl.DataFrame:
    return sampled(lazily(table, source), source)


def lazily(table: bytes | Path, source: Source) -> pl.LazyFrame:
    """A scan of the table, every cell as text."""
    import polars as pl

    return pl.scan_csv(
        io.BytesIO(table) if isinstance(table, bytes) else table,
        has_header=bool(source.header),
        separator=source.separator or ",",
        infer_schema=False,
        glob=False,
    )


def named(frame: pl.DataFrame, path: Path, source: Source) -> pl.DataFrame:
    """The frame with the names of its header, or with those that were given.

    Raises
    ------
    DataError
        If names are too many or too few, or stand twice.
    """
    numbered = [f"column_{position + 1}" for position in range(frame.width)]
    given = [name.strip() for name in frame.columns] if source.header else list(source.columns or numbered)
    if len(given) != frame.width:
        raise DataError(
            f"{len(given)} column names were given for {frame.width} columns.",
            where=str(path),
            next_step="name every column, in order; check the separator",
        )
    names = [name or number for name, number in zip(given, numbered, strict=True)]
    check_names(names, str(path))
    frame.columns = names
    return frame
