"""Read a table as it is: every cell of a text file stays text, so that nothing is guessed before the contract."""

from __future__ import annotations

import glob
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from riskloop.data.column import did_you_mean
from riskloop.data.dialect import (
    ENCODINGS,
    SEPARATORS,
    Dialect,
    check_names,
    find_dialect,
    first_record,
    open_binary,
    readable,
    rewritten,
    uneven_line,
    uneven_table,
    whole_text,
)
from riskloop.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_MEMORY_PER_BYTE = 4.0
"""Peak memory of reading and decoding a table, per byte of text (measured on the public tables)."""
_ROW = "\0row"
_PACKED = 8
"""How much a gzip or Parquet file grows, at most, on the public tables."""


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


def read(source: Source) -> tuple[pl.DataFrame, Source]:
    """Read the table; returns it with the source as it was found to be written.

    Returns
    -------
    frame : polars.DataFrame
        Text columns for text files, typed columns for Parquet.
    source : Source
        With separator, encoding and header filled in.

    Raises
    ------
    DataError
        For a file that is missing, empty, too large for memory, of uneven lines, or has duplicate or too many columns.
    """
    paths = locate(source.path)
    _refuse_if_too_large(paths, source)
    if _is_parquet(paths[0]):
        frames, found = [_read_parquet(path, source) for path in paths], source
    else:
        found = _written(paths[0], source)
        frames = [_read_csv(path, found if path == paths[0] else _written(path, source)) for path in paths]
    frame = _together(frames, paths)
    check_names(frame.columns, source.path)
    if frame.height == 0:
        raise DataError("The table has no rows.", where=source.path, next_step="give a file with customers in it")
    return frame, found


def read_in_parts(source: Source, rows: int) -> Iterator[pl.DataFrame]:
    """The table as `read` gives it, some rows at a time: memory holds a part and not the whole.

    Only files of another encoding than UTF-8, and such as are rewritten to be read at all, are read as a whole.

    Raises
    ------
    DataError
        See `read`; for what is wrong further down, when it is reached.
    """
    for path in locate(source.path):
        if _is_parquet(path):
            yield from (_in_words(part) for part in _parts(path, _scan_parquet(path), rows))
        else:
            found = _written(path, source)
            if found.encoding not in ("utf-8", "utf-8-sig"):
                yield from _read_csv(path, found).iter_slices(rows)
                continue
            for part in _parts(path, _lazily(path, found), rows):
                yield _named(_even(_without_blank_lines(part), path, found), path, found)


def _parts(path: Path, scan: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    import polars as pl

    try:
        yield from scan.collect_batches(chunk_size=rows, maintain_order=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"The file cannot be read further: {_first_line(error)}.", where=str(path), next_step="write it anew"
        ) from error


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

    if _is_parquet(path):
        try:
            return tuple(pl.scan_parquet(path, glob=False).collect_schema().names()), None
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(path, error) from error
    dialect = _dialect(path, source)
    first = first_record(path, dialect)
    names = first if dialect.header else source.columns or [""] * len(first)
    return tuple(name or f"column_{position + 1}" for position, name in enumerate(names)), dialect


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


def _is_parquet(path: Path) -> bool:
    with readable(path), open_binary(path) as stream:
        return stream.read(4) == b"PAR1" or path.suffix == ".parquet"


def _written(path: Path, source: Source) -> Source:
    return replace(source, **_dialect(path, source)._asdict())


def _dialect(path: Path, source: Source) -> Dialect:
    return find_dialect(
        path, separator=source.separator, encoding=source.encoding, header=source.header, names=source.columns
    )


def _refuse_if_too_large(paths: list[Path], source: Source) -> None:
    in_pieces = source.sample_rows and source.encoding in (None, "utf-8", "utf-8-sig")
    if in_pieces:
        return
    size = sum(path.stat().st_size * (_PACKED if path.suffix in (".gz", ".parquet") else 1) for path in paths)
    available = available_memory()
    if size * _MEMORY_PER_BYTE > available:
        raise DataError(
            f"Reading this table would take about {size * _MEMORY_PER_BYTE / 1e9:.1f} GB of memory; "
            f"{available / 1e9:.1f} GB are free.",
            where=source.path,
            next_step="set data.sample_rows: 1000000 in riskloop.yaml (or --sample-rows) to learn from a sample",
        )


def available_memory() -> float:
    """Bytes of memory that are free for use."""
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            fields = dict(line.split(":", 1) for line in stream)
        return float(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _together(frames: Sequence[pl.DataFrame], paths: Sequence[Path]) -> pl.DataFrame:
    """The files of a glob, one below the other; the order of their columns may differ."""
    import polars as pl

    first = frames[0]
    for frame, path in zip(frames[1:], paths[1:], strict=True):
        differing = sorted(set(first.columns) ^ set(frame.columns))
        if differing:
            raise DataError(
                f"The files differ in {len(differing)} columns, for example {differing[0]!r}.",
                where=f"{path} beside {paths[0].name}",
                next_step="name only files of the same columns",
            )
    try:
        return pl.concat([frame.select(first.columns) for frame in frames], how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"The files hold different types of values: {_first_line(error)}.",
            where=str(paths[0].parent),
            next_step="write them in the same way",
        ) from error


def _read_parquet(path: Path, source: Source) -> pl.DataFrame:
    """Lists, structures and the like become text: no column is worth refusing the table for."""
    import polars as pl

    try:
        return _in_words(_sampled(_scan_parquet(path), source))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from error


def read_rows(path: Path, offset: int, rows: int) -> pl.DataFrame:
    """Some rows of a Parquet file, as `read` gives them; fewer where it ends before.

    Raises
    ------
    DataError
        If it is missing, or no Parquet file.
    """
    import polars as pl

    try:
        return _in_words(_scan_parquet(path).slice(offset, rows).collect())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from error


def _scan_parquet(path: Path) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_parquet(path, glob=False)


def _in_words(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    odd = [name for name, kind in frame.schema.items() if kind.is_nested() or kind in (pl.Binary, pl.Duration)]
    return frame.with_columns(pl.Series(name, _as_words(frame[name]), dtype=pl.String) for name in odd)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"The Parquet file cannot be read: {_first_line(error)}.", where=str(path), next_step="write it anew"
    )


def _as_words(cells: pl.Series) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells.to_list()]


def _read_csv(path: Path, source: Source) -> pl.DataFrame:
    import polars as pl

    separator, encoding = source.separator or ",", source.encoding or "utf-8"
    direct = encoding in ("utf-8", "utf-8-sig")
    try:
        frame = _scan(path if direct else whole_text(path, encoding).encode(), source)
    except (pl.exceptions.PolarsError, OSError):
        with readable(path):
            frame = _scan(rewritten(path, separator, encoding), source)
    return _named(_even(_without_blank_lines(frame), path, source), path, source)


def _even(frame: pl.DataFrame, path: Path, source: Source) -> pl.DataFrame:
    """The same frame, once it is certain that no line is too short."""
    separator, encoding = source.separator or ",", source.encoding or "utf-8"
    if frame.width and frame[frame.columns[-1]].null_count() and (uneven := uneven_line(path, separator, encoding)):
        raise uneven_table(uneven, path, separator)
    return frame


def _without_blank_lines(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    blank = [pl.col(name).str.strip_chars().fill_null("") == "" for name in frame.columns]
    if not blank or not frame.select(blank[-1].any()).item():
        return frame
    return frame.filter(~pl.all_horizontal(blank))


def _scan(table: bytes | Path, source: Source) -> pl.DataFrame:
    return _sampled(_lazily(table, source), source)


def _lazily(table: bytes | Path, source: Source) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_csv(
        io.BytesIO(table) if isinstance(table, bytes) else table,
        has_header=bool(source.header),
        separator=source.separator or ",",
        infer_schema=False,
        glob=False,
    )


def _named(frame: pl.DataFrame, path: Path, source: Source) -> pl.DataFrame:
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


def _sampled(scan: pl.LazyFrame, source: Source) -> pl.DataFrame:
    """All rows, or those whose scrambled number (Knuth's multiplicative hash) falls into the wanted share."""
    import polars as pl

    if not source.sample_rows:
        return scan.collect()
    total = scan.select(pl.len()).collect(engine="streaming").item()
    scrambled = (pl.col(_ROW).cast(pl.UInt64) * 2_654_435_761) % 2**32
    chosen = scan.with_row_index(_ROW).filter(scrambled < source.sample_rows / max(total, 1) * 2**32)
    return chosen.drop(_ROW).collect(engine="streaming")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")
