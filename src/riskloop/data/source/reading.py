"""Read a table as it is: every cell of a text file stays text, so that nothing is guessed before the contract."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from riskloop.data.dialect import check_names
from riskloop.data.source.delimited import even, lazily, named, read_csv, without_blank_lines
from riskloop.data.source.parquet import in_words, read_parquet, scan_parquet
from riskloop.data.source.sampling import first_line
from riskloop.data.source.written import Source, is_parquet, locate, written
from riskloop.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_MEMORY_PER_BYTE = 4.0
"""Peak memory of reading and decoding a table, per byte of text (measured on the public tables)."""
_PACKED = 8
"""How much a gzip or Parquet file grows, at most, on the public tables."""


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
    if is_parquet(paths[0]):
        frames, found = [read_parquet(path, source) for path in paths], source
    else:
        found = written(paths[0], source)
        frames = [read_csv(path, found if path == paths[0] else written(path, source)) for path in paths]
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
        if is_parquet(path):
            yield from (in_words(part) for part in _parts(path, scan_parquet(path), rows))
        else:
            found = written(path, source)
            if found.encoding not in ("utf-8", "utf-8-sig"):
                yield from read_csv(path, found).iter_slices(rows)
                continue
            for part in _parts(path, lazily(path, found), rows):
                yield named(even(without_blank_lines(part), path, found), path, found)


def _parts(path: Path, scan: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    import polars as pl

    try:
        yield from scan.collect_batches(chunk_size=rows, maintain_order=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"The file cannot be read further: {first_line(error)}.", where=str(path), next_step="write it anew"
        ) from error


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
            f"The files hold different types of values: {first_line(error)}.",
            where=str(paths[0].parent),
            next_step="write them in the same way",
        ) from error
