"""Linked tables of any size, by DuckDB: read, matched with the customers and sorted out of core, streamed in order.

The only module that knows DuckDB. What is made of the rows is not decided here (`riskloop.data.linked.aggregate`);
here every cell becomes a number or a text by the contract's own rules, and every row finds its customer.
"""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import duckdb
import polars as pl

from riskloop.data.column import BLANKS, LARGEST_NUMBER, did_you_mean
from riskloop.data.dialect import Dialect
from riskloop.data.linked.aggregate import DAY
from riskloop.data.linked.plan import LinkedTable
from riskloop.data.source import Layout, Source, available_memory, layout, read
from riskloop.errors import DataError

Kind = Literal["key", "time", "number", "text"]

_BATCH = 250_000
"""Rows that leave DuckDB at a time."""
_SHARE_OF_MEMORY = 0.4
_LEAST_MEMORY = 256e6
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
_INSTANT = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?"
_FAULTS = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InvalidInputException)
"""Of the file, the disk or the memory; anything else would be a fault of ours."""
_FLOATS = ("DOUBLE", "FLOAT")


class Facts(NamedTuple):
    """What a column of a linked table holds, to propose aggregates of it.

    Attributes
    ----------
    name : str
    present, distinct : int
        Cells that are not missing; different ones among them (approximately, for a large table).
    numbers, instants : int
        Cells that are a number; a date or time.
    levels : tuple of (str, int)
        The most frequent cells as text, and how often each occurs.
    """

    name: str
    present: int
    distinct: int
    numbers: int
    instants: int
    levels: tuple[tuple[str, int], ...]


class Odd(NamedTuple):
    """Cells of a column that are neither missing nor what the column must hold."""

    column: str
    kind: Kind
    cells: int
    present: int
    example: str | None


class Census(NamedTuple):
    """How a linked table and the customers go together.

    Attributes
    ----------
    rows, matched, timeless : int
        Rows; those whose key is a customer's id; those that do not say when they became known.
    odd : tuple of Odd
    """

    rows: int
    matched: int
    timeless: int
    odd: tuple[Odd, ...]


class LinkedCells:
    """A linked table as DuckDB holds it: column 0 is the key, then the time if there is one, then the others.

    Made by `opened`; use it within that block.

    Attributes
    ----------
    names : dict of str to str
        How the columns beside key and time are called in what comes out: ``c2``. No name of a file meets any SQL.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, columns: Sequence[tuple[str, Kind]]) -> None:
        self._connection = connection
        self._columns = list(columns)
        self._timed = len(columns) > 1 and columns[1][1] == "time"
        self.names = {name: f"c{at}" for at, (name, kind) in enumerate(columns) if kind in ("number", "text")}

    def census(self, customers: pl.DataFrame) -> Census:
        """Count what `rows_before` will see; ``customers`` has the column ``id``."""
        self._connection.register("known", customers.select("id").unique())
        counted = ["count(*)", "count(*) FILTER (c0 IN (SELECT id FROM known))"]
        counted += ["count(*) FILTER (c1 IS NULL)" if self._timed else "0"]
        strict = [position for position, (_, kind) in enumerate(self._columns) if kind in ("number", "time")]
        for position in strict:
            counted += [f"count(odd{position})", f"count(c{position})", f"min(odd{position})"]
        rows, matched, timeless, *rest = self._all(f"SELECT {', '.join(counted)} FROM cells")[0]
        threes = zip(strict, rest[::3], rest[1::3], rest[2::3], strict=True)
        odd = (Odd(*self._columns[at], cells, cells + good, example) for at, cells, good, example in threes if cells)
        return Census(rows, matched, timeless, tuple(odd))

    def rows_before(self, customers: pl.DataFrame, *, point_in_time: bool, days: int | None) -> Iterator[pl.DataFrame]:
        """The rows that count, ordered by customer and time, never cut within a customer.

        Parameters
        ----------
        customers : polars.DataFrame
            ``row`` (position), ``id`` (text), ``time`` (microseconds).
        point_in_time : bool
            Whether only rows known strictly before the customer's time count.
        days : int or None
            How far back, if there is a limit.

        Yields
        ------
        polars.DataFrame
            Columns ``row``, ``age``, ``moment`` and `names`.
        """
        self._connection.register("customers", customers)
        age = "customers.time - cells.c1" if point_in_time else "NULL"
        met = [] if not self._timed else ["cells.c1 IS NOT NULL"]
        met += ["cells.c1 < customers.time"] if point_in_time else []
        met += [f"cells.c1 >= customers.time - {days * DAY}"] if point_in_time and days is not None else []
        return self._stream(
            f'SELECT customers."row" AS "row", {age} AS age, {self._selected} FROM cells JOIN customers '
            f'ON {" AND ".join(["cells.c0 = customers.id", *met])} ORDER BY "row", moment{self._sorted}',
            by="row",
        )

    def rows_of(self, ids: pl.Series) -> Iterator[pl.DataFrame]:
        """All rows of these customers, ordered by ``id`` and ``moment``, never cut within a customer."""
        self._connection.register("wanted", ids.unique().alias("id").to_frame())
        known = "WHERE c1 IS NOT NULL" if self._timed else ""
        return self._stream(
            f"SELECT c0 AS id, {self._selected} FROM (SELECT * FROM cells SEMI JOIN wanted ON c0 = wanted.id) "
            f"AS cells {known} ORDER BY id, moment{self._sorted}",
            by="id",
        )

    def facts(self, most_levels: int) -> list[Facts]:
        """What every column but key and time holds; they must have been opened as text."""
        found = []
        for name, column in self.names.items():
            ((present, distinct, numbers, instants),) = self._all(
                f"SELECT count({column}), approx_count_distinct({column}), "
                f"count(*) FILTER (regexp_full_match({column}, {_literal(_NUMBER)})), "
                f"count(*) FILTER (regexp_full_match({column}, {_literal(_INSTANT)})) FROM cells"
            )
            levels = self._all(
                f"SELECT {column}, count(*) FROM cells WHERE {column} IS NOT NULL GROUP BY 1 "
                f"ORDER BY 2 DESC, 1 LIMIT {most_levels}"
            )
            found.append(Facts(name, present, distinct, numbers, instants, tuple(levels)))
        return found

    @property
    def _selected(self) -> str:
        at = "cells.c1 AS moment" if self._timed else "0::BIGINT AS moment"
        return ", ".join([at, *(f"cells.{column}" for column in self.names.values())])

    @property
    def _sorted(self) -> str:
        """A total order of the rows: sums come out the same, to the last bit, whatever the order of the file."""
        return "".join(f", cells.{column}" for column in self.names.values())

    def _all(self, query: str) -> list[Any]:
        return self._connection.execute(query).fetchall()

    def _stream(self, query: str, *, by: str) -> Iterator[pl.DataFrame]:
        batches = self._connection.sql(query).to_arrow_reader(_BATCH)
        return _whole_groups((cast("pl.DataFrame", pl.from_arrow(batch)) for batch in batches), by)


@contextmanager
def opened(table: LinkedTable, source: Source) -> Iterator[LinkedCells]:
    """The cells that a plan reads.

    Raises
    ------
    DataError
        If the file is missing or is no table, or lacks a column.
    """
    kinds: list[tuple[str, Kind]] = [(table.key, "key")]
    kinds += [(table.time, "time")] if table.time else []
    kinds += [(name, "number" if name in table.numbers else "text") for name in table.columns]
    with _loaded(source, layout(source), kinds) as cells:
        yield cells


@contextmanager
def opened_whole(source: Source, key: str, time: str | None) -> Iterator[LinkedCells]:
    """All cells, as text, to look at them; see `opened`."""
    found = layout(source)
    kinds: list[tuple[str, Kind]] = [(key, "key")]
    kinds += [(time, "time")] if time else []
    kinds += [(name, "text") for name in found.columns if name not in (key, time)]
    with _loaded(source, found, kinds) as cells:
        yield cells


@contextmanager
def _loaded(source: Source, found: Layout, columns: Sequence[tuple[str, Kind]]) -> Iterator[LinkedCells]:
    _check_columns(source, found, [name for name, _ in columns])
    with tempfile.TemporaryDirectory(prefix="riskloop-") as spill, _connected(Path(spill)) as connection:
        try:
            _load(connection, source, found, columns)
            yield LinkedCells(connection, columns)
        except _FAULTS as error:
            raise DataError(
                f"The linked table cannot be read: {str(error).splitlines()[0]}.",
                where=source.path,
                next_step="look for room on the disk, and whether the file is whole",
            ) from error


@contextmanager
def _connected(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database that grows into a folder when memory runs short, and loads nothing from elsewhere."""
    memory = max(_LEAST_MEMORY, available_memory() * _SHARE_OF_MEMORY)
    config: dict[str, Any] = {
        "memory_limit": f"{int(memory / 1e6)}MB",
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        yield connection


def _check_columns(source: Source, found: Layout, wanted: Iterable[str]) -> None:
    for name in wanted:
        if name not in found.columns:
            raise DataError(
                f"The linked table has no column {name!r}{did_you_mean(name, found.columns)}.",
                where=source.path,
                next_step="name one of its columns",
            )


def _load(
    connection: duckdb.DuckDBPyConnection, source: Source, found: Layout, columns: Sequence[tuple[str, Kind]]
) -> None:
    """Make the table ``cells``. What DuckDB's reader of text refuses, the reader of all other tables looks at."""
    positions = [found.columns.index(name) for name, _ in columns]
    reader = _reader(found)
    if reader is not None:
        try:
            _make_cells(connection, reader, positions, [kind for _, kind in columns])
        except duckdb.InvalidInputException:
            if found.dialect is None:
                raise
        else:
            return
    frame, _ = read(source)
    frame.columns = [f"f{position}" for position in range(frame.width)]
    connection.register("frame", frame)
    _make_cells(connection, "frame", positions, [kind for _, kind in columns])


def _reader(found: Layout) -> str | None:
    """The FROM clause for these files; None if they must be read as a whole."""
    paths = "[" + ", ".join(_literal(glob.escape(str(path))) for path in found.paths) + "]"
    if not found.alike:
        return None
    if found.dialect is None:
        return f"read_parquet({paths})"
    return _text_reader(paths, found.dialect, len(found.columns))


def _text_reader(paths: str, dialect: Dialect, width: int) -> str | None:
    if dialect.encoding not in ("utf-8", "utf-8-sig"):
        return None
    columns = ", ".join(f"'f{position}': 'VARCHAR'" for position in range(width))
    return (
        f"read_csv({paths}, columns = {{{columns}}}, header = {str(dialect.header).lower()}, auto_detect = false, "
        f"delim = {_literal(dialect.separator)}, quote = '\"', escape = '\"', strict_mode = true)"
    )


def _make_cells(
    connection: duckdb.DuckDBPyConnection, reader: str, positions: Sequence[int], kinds: Sequence[Kind]
) -> None:
    described = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    raw, text, made = [], [], []
    for number, (position, kind) in enumerate(zip(positions, kinds, strict=True)):
        name, stored = described[position][:2]
        raw.append(f"{_quoted(name)} AS r{number}")
        text.append(f"r{number}, {_text_of(f'r{number}', stored)} AS t{number}")
        made.append(f"{_value_of(f'r{number}', f't{number}', stored, kind)} AS c{number}")
    odd = [f", CASE WHEN c{n} IS NULL THEN t{n} END AS odd{n}" for n, kind in enumerate(kinds) if kind in _STRICT]
    outer = ", ".join(f"c{number}" for number in range(len(kinds))) + "".join(odd)
    inner = f"SELECT {', '.join(raw)} FROM {reader}"
    texts = f"SELECT {', '.join(text)} FROM ({inner})"
    values = f"SELECT *, {', '.join(made)} FROM ({texts})"
    connection.execute(f"CREATE TABLE cells AS SELECT {outer} FROM ({values})").fetchall()


_STRICT: tuple[Kind, ...] = ("number", "time")


def _text_of(raw: str, stored: str) -> str:
    """A cell as the contract's text: stripped, whole numbers without a decimal point, blank is missing."""
    if stored in _FLOATS:
        whole = f"{raw} = trunc({raw}) AND abs({raw}) <= {LARGEST_NUMBER:.0f}"
        return (
            f"CASE WHEN isnan({raw}) THEN NULL WHEN {whole} THEN CAST(CAST({raw} AS BIGINT) AS VARCHAR) "
            f"ELSE CAST({raw} AS VARCHAR) END"
        )
    text, blanks = f"CAST({raw} AS VARCHAR)", _literal(BLANKS)
    blank_end = f"contains({blanks}, left({text}, 1)) OR contains({blanks}, right({text}, 1))"  # 20 times as fast
    return f"NULLIF(CASE WHEN {blank_end} THEN trim({text}, {blanks}) ELSE {text} END, '')"


def _value_of(raw: str, text: str, stored: str, kind: Kind) -> str:
    if kind == "number":
        cell = f"CASE WHEN regexp_full_match({text}, {_literal(_NUMBER)}) THEN TRY_CAST({text} AS DOUBLE) END"
        cell = f"CAST({raw} AS DOUBLE)" if stored in _FLOATS else cell
        return f"CASE WHEN abs({cell}) <= {LARGEST_NUMBER:.0f} THEN {cell} END"
    if kind == "time":
        if stored == "DATE" or stored.startswith("TIMESTAMP"):
            known = f"CASE WHEN isfinite({raw}) THEN {raw} END"
            return f"epoch_us({known if 'ZONE' in stored else f'CAST({known} AS TIMESTAMP)'})"
        # A time with an offset is converted; one without is taken as it is, like the event times of customers.
        written = f"regexp_full_match({text}, {_literal(_INSTANT)})"
        return f"CASE WHEN {written} THEN epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)) END"
    return text


def _whole_groups(batches: Iterable[pl.DataFrame], by: str) -> Iterator[pl.DataFrame]:
    """The same rows, cut only where the value of a sorted column changes."""
    rest: pl.DataFrame | None = None
    for batch in batches:
        rows = batch if rest is None else pl.concat([rest, batch])
        if not rows.height:
            continue
        cut = int((rows[by] != rows[by][-1]).sum())
        if cut:
            yield rows[:cut]
        rest = rows[cut:]
    if rest is not None and rest.height:
        yield rest


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
