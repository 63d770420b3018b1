"""Read a table as it is: every cell of a text file stays text, so that nothing is guessed before the contract."""

from __future__ import annotations

import csv
import glob
import gzip
import io
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from riskloop.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MAX_COLUMNS = 2_000
_SEPARATORS = ",;\t|"
_HEAD_BYTES = 256 * 1024
_MEMORY_PER_BYTE = 4.0
"""Peak memory of reading and decoding a table, per byte of text (measured on the public tables)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table lies and how it is written; None means "find out".

    Attributes
    ----------
    path : str
        A file, or a glob of files with the same columns. CSV (any separator, ``.gz``) or Parquet.
    separator, encoding : str or None
    header : bool or None
        Whether the first line names the columns.
    columns : tuple of str
        Names to use when there is no header.
    sample_rows : int or None
        Read about so many rows, chosen by a seeded hash of the row number, without loading the rest.
    """

    path: str
    separator: str | None = None
    encoding: str | None = None
    header: bool | None = None
    columns: tuple[str, ...] = ()
    sample_rows: int | None = None


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
    import polars as pl

    paths = locate(source.path)
    if paths[0].suffix == ".parquet":
        _refuse_if_too_large(paths, source)
        frame = _read_parquet(paths, source.path)
    else:
        source = _sniff(paths[0], source)
        _refuse_if_too_large(paths, source)
        frame = pl.concat([_read_csv(path, source) for path in paths])
    if frame.width > MAX_COLUMNS:
        raise DataError(
            f"The table has {frame.width:,} columns; riskloop reads up to {MAX_COLUMNS:,}.",
            where=source.path,
            next_step="keep the columns that describe a customer and write them to a new file",
        )
    if frame.height == 0:
        raise DataError("The table has no rows.", where=source.path, next_step="give a file with customers in it")
    return frame, source


def locate(pattern: str) -> list[Path]:
    """The files a path or glob names.

    Raises
    ------
    DataError
        If there is none, or it is a folder.
    """
    path = Path(pattern)
    if path.is_file():
        return [path]
    if path.is_dir():
        raise DataError("This is a folder.", where=pattern, next_step=f"name the files, e.g. '{pattern}/*.csv'")
    found = sorted(Path(name) for name in glob.glob(pattern)) if glob.has_magic(pattern) else []
    if not found:
        near = _nearby(path)
        raise DataError("No such file.", where=pattern, next_step=f"check the path{near}")
    return found


def _nearby(path: Path) -> str:
    from riskloop.data.contract import did_you_mean

    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    return did_you_mean(path.name, names)


def _head(path: Path) -> bytes:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            return bytes(stream.read(_HEAD_BYTES))
    except OSError as error:
        raise DataError(
            f"The file cannot be read: {error}.", where=str(path), next_step="check it is complete"
        ) from error


def _sniff(path: Path, source: Source) -> Source:
    head = _head(path)
    if not head.strip():
        raise DataError("The file is empty.", where=str(path), next_step="give a file with a header and customers")
    if head.startswith(b"PAR1"):
        raise DataError(
            "This is a Parquet file under another name.", where=str(path), next_step="name it with .parquet"
        )
    encoding = source.encoding or _encoding(head)
    lines = _text(head, encoding, path).splitlines()
    if len(head) == _HEAD_BYTES and len(lines) > 1:
        lines.pop()
    separator = source.separator or _separator(lines, path)
    rows = list(csv.reader(lines[:200], delimiter=separator))
    header = source.header if source.header is not None else not source.columns and _has_header(rows)
    _check_names(rows[0] if header else list(source.columns), path)
    return replace(source, encoding=encoding, separator=separator, header=header)


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    try:
        head[:-4].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 8:
            return "cp1252"
    return "utf-8"


def _text(data: bytes, encoding: str, path: Path) -> str:
    try:
        return data.decode(encoding, errors="ignore" if len(data) == _HEAD_BYTES else "strict")
    except (LookupError, UnicodeError) as error:
        raise DataError(
            f"The file is not {encoding} text: {error}.",
            where=str(path),
            next_step="name its encoding, e.g. data.encoding: cp1252 in riskloop.yaml",
        ) from error


def _separator(lines: list[str], path: Path) -> str:
    sample = [line for line in lines[:50] if line.strip()]
    fields = {mark: Counter(len(row) for row in csv.reader(sample, delimiter=mark)) for mark in _SEPARATORS}
    scores = {
        mark: (count.most_common(1)[0][1], count.most_common(1)[0][0])
        for mark, count in fields.items()
        if count.most_common(1)[0][0] > 1
    }
    if not scores:
        raise DataError(
            "The file seems to have a single column.",
            where=str(path),
            next_step="name the separator, e.g. --separator '^'",
        )
    return max(scores, key=lambda mark: scores[mark])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _has_header(rows: list[list[str]]) -> bool:
    """A first line that holds numbers, or values that come back in their own column, is no header."""
    first, rest = rows[0], rows[1:]
    if any(_is_number(cell) for cell in first if cell.strip()):
        return False
    repeated = sum(
        any(len(row) > position and row[position].strip() == cell.strip() for row in rest)
        for position, cell in enumerate(first)
        if cell.strip()
    )
    return repeated <= len(first) // 4


def _check_names(names: list[str], path: Path) -> None:
    counts = Counter(name.strip() for name in names if name.strip())
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(
            f"The column name {twice[0]!r} occurs {counts[twice[0]]} times.",
            where=f"{path}, line 1",
            next_step="give every column its own name",
        )


def _refuse_if_too_large(paths: list[Path], source: Source) -> None:
    if source.sample_rows:
        return
    size = sum(path.stat().st_size * (8 if path.suffix in (".gz", ".parquet") else 1) for path in paths)
    available = _available_memory()
    if size * _MEMORY_PER_BYTE > available:
        raise DataError(
            f"Reading this table would take about {size * _MEMORY_PER_BYTE / 1e9:.0f} GB of memory; "
            f"{available / 1e9:.0f} GB are free.",
            where=source.path,
            next_step="set data.sample_rows: 1000000 in riskloop.yaml (or --sample-rows) to learn from a sample",
        )


def _available_memory() -> float:
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            fields = dict(line.split(":", 1) for line in stream)
        return float(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _read_parquet(paths: list[Path], where: str) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.concat([pl.read_parquet(path) for path in paths])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"The Parquet file cannot be read: {error}.", where=where, next_step="write it anew") from error


def _read_csv(path: Path, source: Source) -> pl.DataFrame:
    import polars as pl

    data: bytes | Path = path
    if source.encoding not in ("utf-8", "utf-8-sig"):
        data = _whole_text(path, source.encoding or "utf-8").encode("utf-8")
    try:
        frame = _scan(data, source)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"The file is not an even table: {_uneven_line(path, source) or str(error).splitlines()[0]}.",
            where=str(path),
            next_step=f"give every line as many fields as the first; check quotes and the separator "
            f"{source.separator!r}",
        ) from error
    numbered = [f"column_{position + 1}" for position in range(frame.width)]
    given = [name.strip() for name in frame.columns] if source.header else list(source.columns or numbered)
    if len(given) != frame.width:
        raise DataError(
            f"{len(given)} column names were given for {frame.width} columns.",
            where=str(path),
            next_step="name every column, in order",
        )
    frame.columns = [name or number for name, number in zip(given, numbered, strict=True)]
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))


def _uneven_line(path: Path, source: Source) -> str:
    lines = csv.reader(io.StringIO(_whole_text(path, source.encoding or "utf-8")), delimiter=source.separator or ",")
    expected = 0
    for row in lines:
        expected = expected or len(row)
        if len(row) != expected:
            return f"line {lines.line_num} has {len(row)} fields, the first has {expected}"
    return ""


def _scan(data: bytes | Path, source: Source) -> pl.DataFrame:
    import polars as pl

    scan = pl.scan_csv(
        io.BytesIO(data) if isinstance(data, bytes) else data,
        has_header=bool(source.header),
        separator=source.separator or ",",
        infer_schema=False,
    )
    if not source.sample_rows:
        return scan.collect()
    total = scan.select(pl.len()).collect(engine="streaming").item()
    every = max(1, round(total / source.sample_rows))
    chosen = scan.with_row_index("__row").filter(pl.col("__row").hash(seed=0) % every == 0)
    return chosen.drop("__row").collect(engine="streaming")


def _whole_text(path: Path, encoding: str) -> str:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as stream:
        data = bytes(stream.read())
    try:
        return data.decode(encoding)
    except (LookupError, UnicodeError) as error:
        raise DataError(
            f"The file is not {encoding} text: {error}.",
            where=str(path),
            next_step="name its encoding, e.g. data.encoding: cp1252 in riskloop.yaml",
        ) from error
