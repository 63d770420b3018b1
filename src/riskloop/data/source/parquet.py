"""Parquet files: typed columns, and text for what is no plain value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from riskloop.data.source.sampling import first_line, sampled
from riskloop.data.source.written import Source
from riskloop.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def read_parquet(path: Path, source: Source) -> pl.DataFrame:
    """Lists, structures and the like become text: no column is worth refusing the table for."""
    import polars as pl

    try:
        return in_words(sampled(scan_parquet(path), source))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(path, error) from error


def read_rows(path: Path, offset: int, rows: int) -> pl.DataFrame:
    """Some rows of a Parquet file, as `read` gives them; fewer where it ends before.

    Raises
    ------
    DataError
        If it is missing, or no Parquet file.
    """
    import polars as pl

    try:
        return in_words(scan_parquet(path).slice(offset, rows).collect())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(path, error) from error


def scan_parquet(path: Path) -> pl.LazyFrame:
    """A scan of one file; a name that looks like a glob is a name."""
    import polars as pl

    return pl.scan_parquet(path, glob=False)


def in_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists, structures, bytes and durations as text."""
    import polars as pl

    odd = [name for name, kind in frame.schema.items() if kind.is_nested() or kind in (pl.Binary, pl.Duration)]
    return frame.with_columns(pl.Series(name, _as_words(frame[name]), dtype=pl.String) for name in odd)


def unreadable(path: Path, error: Exception) -> DataError:
    """The error about a file that is no Parquet."""
    return DataError(
        f"The Parquet file cannot be read: {first_line(error)}.", where=str(path), next_step="write it anew"
    )


def _as_words(cells: pl.Series) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells.to_list()]
