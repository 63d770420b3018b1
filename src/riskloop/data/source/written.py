"""Where a table lies and how it is written."""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from pathlib import Path

from riskloop.data.column import did_you_mean
from riskloop.data.dialect import (
    ENCODINGS,
    SEPARATORS,
    Dialect,
    find_dialect,
    open_binary,
    readable,
)
from riskloop.errors import DataError


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table lies and how it is written; None means "find out".

    Attributes
    ----------
    path : str
        A file, or a glob of files with the same columns. CSV (any separator, plain or gzip) or Parquet.
    separator, encoding : str or None
    header : bool or None
        Whether the first line names the columns.
    columns : tuple of str
        Names to use when there is no header.
    sample_rows : int or None
        Read about so many rows, spread evenly, without loading the rest.
    """

    path: str
    separator: str | None = None
    encoding: str | None = None
    header: bool | None = None
    columns: tuple[str, ...] = ()
    sample_rows: int | None = None

    def like(self, path: str) -> Source:
        """Another file of the same columns, all of it; its way of writing is found out anew where it can be."""
        return replace(
            self,
            path=path,
            sample_rows=None,
            separator=None if self.separator and self.separator in SEPARATORS else self.separator,
            encoding=None if self.encoding in ENCODINGS else self.encoding,
        )


def locate(pattern: str) -> list[Path]:
    """The files a path or glob names.

    Raises
    ------
    DataError
        If there is none, or it is a folder.
    """
    if "://" in pattern:
        raise DataError(
            "Tables are read from files.", where=pattern, next_step="export it to CSV or Parquet and name that file"
        )
    path = Path(pattern)
    if path.is_file():
        return [path]
    if path.is_dir():
        raise DataError("This is a folder.", where=pattern, next_step=f"name the files, e.g. '{pattern}/*.csv'")
    found = sorted(filter(Path.is_file, map(Path, glob.glob(pattern, recursive=True))))
    if not found:
        near = _nearby(path)
        raise DataError("No such file.", where=pattern, next_step=f"check the path{near}")
    return found


def _nearby(path: Path) -> str:
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    return did_you_mean(path.name, names)


def is_parquet(path: Path) -> bool:
    """Whether it is Parquet, by its first bytes or its suffix."""
    with readable(path), open_binary(path) as stream:
        return stream.read(4) == b"PAR1" or path.suffix == ".parquet"


def written(path: Path, source: Source) -> Source:
    """The source with separator, encoding and header as they are found in a file."""
    return replace(source, **dialect_of(path, source)._asdict())


def dialect_of(path: Path, source: Source) -> Dialect:
    """How a text file is written; what the source says stands."""
    return find_dialect(
        path, separator=source.separator, encoding=source.encoding, header=source.header, names=source.columns
    )
