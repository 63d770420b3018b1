"""How a text table is written: its encoding, its separator, and whether its first line names the columns."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from riskloop.data.column import is_number
from riskloop.errors import DataError

MAX_COLUMNS = 2_000
SEPARATORS = ",;\t|"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")
"""Those that are found out; any other must be named."""

_HEAD_BYTES = 256 * 1024
_MISSING_WORDS = frozenset({"", "?", "na", "n/a", "nan", "null", "none", "-"})
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


class Dialect(NamedTuple):
    """How a text table is written."""

    separator: str
    encoding: str
    header: bool


def find_dialect(
    path: Path, *, separator: str | None, encoding: str | None, header: bool | None, names: Sequence[str]
) -> Dialect:
    """Find out what is not named.

    Raises
    ------
    DataError
        If the file is no text table, or its first line cannot name columns.
    """
    head = _head(path)
    _refuse_other_kinds(head, path)
    encoding = encoding or _encoding(head, path)
    whole = len(head) < _HEAD_BYTES
    lines = _first_lines(_decode(head, encoding, path, whole=whole), path, whole=whole)
    separator = _one_character(separator, path) if separator else _separator(lines, path)
    rows = _fields(lines, separator, path)
    if max(map(len, rows)) == 1:
        raise _single_column(f"Split at {separator!r} the file has", path)
    if header is None:
        header = not names and _has_header(rows)
    check_names(rows[0] if header else names or rows[0], f"{path}, line 1", named=header)
    return Dialect(separator, encoding, header)


def open_binary(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked if it is gzip, whatever its name."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast("BinaryIO", gzip.open(path, "rb") if packed else path.open("rb"))


def first_record(path: Path, dialect: Dialect) -> list[str]:
    """The fields of the first line: the names of the columns where there is a header."""
    _, record = next(_records(path, dialect.separator, dialect.encoding))
    return [field.strip().removeprefix("\ufeff") for field in record]


def whole_text(path: Path, encoding: str) -> str:
    """The text of a file without its byte order mark."""
    with readable(path), open_binary(path) as stream:
        return _decode(stream.read(), encoding, path).removeprefix("\ufeff")


def uneven_line(path: Path, separator: str, encoding: str) -> str:
    """The first line that has another number of fields than the first one, in words; "" if there is none."""
    expected = 0
    try:
        for line, row in _records(path, separator, encoding):
            expected = expected or len(row)
            if len(row) != expected:
                return f"line {line:,} has {len(row)} fields, the first has {expected}"
    except csv.Error as error:
        return f"a quote is opened and not closed ({error})"
    return ""


def rewritten(path: Path, separator: str, encoding: str) -> bytes:
    """The same table as plain UTF-8, with quotes doubled within fields, which stricter readers refuse bare.

    Raises
    ------
    DataError
        Naming the line, if the lines are uneven.
    """
    if uneven := uneven_line(path, separator, encoding):
        raise uneven_table(uneven, path, separator)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(
        row for _, row in _records(path, separator, encoding)
    )
    return text.getvalue().encode()


def uneven_table(what: str, path: Path, separator: str) -> DataError:
    """The error for a table whose lines differ in length."""
    return DataError(
        f"The file is not an even table: {what}.",
        where=str(path),
        next_step=f"give every line as many fields as the first; check quotes and the separator {separator!r}",
    )


def _records(path: Path, separator: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of every record, without blank lines."""
    with readable(path), open_binary(path) as stream:
        rows = csv.reader(
            io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline=""), delimiter=separator
        )
        for row in rows:
            if len(row) > 1 or any(cell.strip() for cell in row):
                yield rows.line_num, row


def check_names(names: Sequence[str], where: str, *, named: bool = True) -> None:
    """Refuse too many columns, and names that occur twice."""
    if len(names) > MAX_COLUMNS:
        raise DataError(
            f"The table has {len(names):,} columns; riskloop reads up to {MAX_COLUMNS:,}.",
            where=where,
            next_step="keep the columns that describe a customer and write them to a new file",
        )
    counts = Counter(name.strip() for name in names if named and name.strip())
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(
            f"The column name {twice[0]!r} occurs {counts[twice[0]]} times.",
            where=where,
            next_step="give every column its own name",
        )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what the operating system and the unpacker say into a DataError."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"The file cannot be read: {error}.", where=str(path), next_step="check that it is there and complete"
        ) from error


def _head(path: Path) -> bytes:
    with readable(path), open_binary(path) as stream:
        return stream.read(_HEAD_BYTES)


def _refuse_other_kinds(head: bytes, path: Path) -> None:
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(
            "This is an Excel workbook or a zip archive.", where=str(path), next_step="save the sheet as CSV"
        )
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise DataError(
            "This is a pickle, which is a program and no table; it is not opened.",
            where=str(path),
            next_step="write the table as CSV or Parquet where it comes from",
        )


def _encoding(head: bytes, path: Path) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if head.count(0) > len(head) // 4:
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    return "utf-8" if _is_utf8(path) else "cp1252"


def _is_utf8(path: Path) -> bool:
    """The whole file is looked at: the first accent may come late."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _chunks(path: Path) -> Iterator[bytes]:
    with readable(path), open_binary(path) as stream:
        while chunk := stream.read(1 << 20):
            yield chunk


def _decode(data: bytes, encoding: str, path: Path, *, whole: bool = True) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except (LookupError, UnicodeError) as error:
        raise DataError(
            f"The file is not {encoding} text: {error}.",
            where=str(path),
            next_step="name its encoding: --encoding cp1252, or data.encoding in riskloop.yaml",
        ) from error


def _first_lines(text: str, path: Path, *, whole: bool) -> list[str]:
    if "\r" in text and "\n" not in text:
        raise DataError(
            "The lines end in a lone carriage return.",
            where=str(path),
            next_step="write it with \\n at line ends",
        )
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError("The file is empty.", where=str(path), next_step="give a file with a header and customers")
    lines = list(io.StringIO(text, newline=""))
    if len(lines) > 1 and not whole:
        lines.pop()
    return [line for line in lines[:200] if line.strip()]


def _fields(lines: Iterable[str], separator: str, path: Path) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=separator))
    except csv.Error as error:
        raise DataError(
            f"The first lines cannot be told apart: {error}.",
            where=str(path),
            next_step="look for a quote that is opened and not closed",
        ) from error


def _one_character(separator: str, path: Path) -> str:
    separator = "\t" if separator == "\\t" else separator
    if len(separator.encode()) != 1 or separator in '"\r\n':
        raise DataError(
            f"{separator!r} cannot separate fields.", where=str(path), next_step="name one character, e.g. ';'"
        )
    return separator


def _separator(lines: list[str], path: Path) -> str:
    """The mark that splits most of the first lines into the same number of fields; the more fields, the better."""
    scores = {}
    for mark in SEPARATORS:
        fields, count = Counter(len(row) for row in _fields(lines[:50], mark, path)).most_common(1)[0]
        if fields > 1:
            scores[mark] = (count, fields)
    if not scores:
        raise _single_column("The file seems to have", path)
    return max(scores, key=lambda mark: scores[mark])


def _single_column(words: str, path: Path) -> DataError:
    return DataError(f"{words} a single column.", where=str(path), next_step="name the separator, e.g. --separator '^'")


def _has_header(rows: list[list[str]]) -> bool:
    """A word above numbers is a name; numbers, and values that come back below, are not."""
    first, rest = rows[0], rows[1:]
    below = [
        [row[position].strip() for row in rest if len(row) > position and row[position].strip()]
        for position in range(len(first))
    ]
    cells = [cell.strip() for cell in first]
    over_numbers = any(
        not is_number(cell) and cell.lower() not in _MISSING_WORDS and values and all(map(is_number, values))
        for cell, values in zip(cells, below, strict=True)
    )
    if over_numbers:
        return True
    if any(is_number(cell) for cell in cells):
        return False
    repeated = sum(cell in values for cell, values in zip(cells, below, strict=True) if cell)
    return repeated <= len(first) // 4
