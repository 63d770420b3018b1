"""How the files of a table are written, found out without reading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from riskloop.data.dialect import Dialect, check_names, first_record
from riskloop.data.source.parquet import unreadable
from riskloop.data.source.written import Source, dialect_of, is_parquet, locate


@dataclass(frozen=True, slots=True)
class Layout:
    """How the files of a table are written, for an engine that reads them in its own way.

    Attributes
    ----------
    paths : tuple of Path
    columns : tuple of str
        Their names, in the order of the files.
    dialect : Dialect or None
        None for Parquet.
    alike : bool
        Whether all files have this dialect and this order of columns.
    """

    paths: tuple[Path, ...]
    columns: tuple[str, ...]
    dialect: Dialect | None
    alike: bool


def layout(source: Source) -> Layout:
    """Look at the files of a table without reading it.

    Raises
    ------
    DataError
        If a file is missing, or is no table.
    """
    paths = tuple(locate(source.path))
    written = [_layout_of(path, source) for path in paths]
    columns, dialect = written[0]
    check_names(columns, source.path)
    return Layout(paths, columns, dialect, all(one == written[0] for one in written))


def _layout_of(path: Path, source: Source) -> tuple[tuple[str, ...], Dialect | None]:
    import polars as pl

    if is_parquet(path):
        try:
            return tuple(pl.scan_parquet(path, glob=False).collect_schema().names()), None
        except (pl.exceptions.PolarsError, OSError) as error:
            raise unreadable(path, error) from error
    dialect = dialect_of(path, source)
    first = first_record(path, dialect)
    names = first if dialect.header else source.columns or [""] * len(first)
    return tuple(name or f"column_{position + 1}" for position, name in enumerate(names)), dialect
