"""The whole store as plain lines, and back: between machines, and between SQLite and PostgreSQL."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import msgspec
from sqlalchemy import Column, Connection, Engine, Integer, LargeBinary, Table, func, insert, select

from riskloop.errors import Conflict, DataError
from riskloop.keep.database import migrate, reading, writing
from riskloop.keep.instant import Instant, from_utc_text, utc_text
from riskloop.keep.tables import metadata

TABLES: tuple[str, ...] = tuple(table.name for table in metadata.sorted_tables)
"""By name, those that others refer to first."""

_TOGETHER = 1_000
_encode = msgspec.json.Encoder(enc_hook=str).encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def dump(engine: Engine, open_file: Callable[[str], IO[bytes]]) -> dict[str, int]:
    """Write every table as JSON lines, all of one moment.

    Parameters
    ----------
    open_file : callable
        Opens the file of a table, by its name.

    Returns
    -------
    dict of str to int
        Rows of each table.

    Raises
    ------
    Unavailable
        If the database is away.
    """
    rows = {}
    with reading(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        for name in TABLES:
            with open_file(name) as out:
                rows[name] = 0
                for line in _lines(connection, metadata.tables[name]):
                    out.write(line)
                    rows[name] += 1
    return rows


def fill(engine: Engine, open_file: Callable[[str], Iterable[bytes]], named: Iterable[str]) -> dict[str, int]:
    """Fill an empty store with what `dump` wrote: all of it, or nothing.

    Parameters
    ----------
    open_file : callable
        Gives the lines of a table, by its name.
    named : iterable of str
        The tables that were written.

    Raises
    ------
    Conflict
        If there is something in the store.
    DataError
        If a line cannot be read, or is of a table or a column that this version does not know.
    Unavailable
        If the database is away.
    """
    named = set(named)
    if unknown := sorted(named - set(TABLES)):
        raise DataError(
            f"This backup holds a table {unknown[0]!r}, which this version does not know.",
            where="backup",
            next_step="install the riskloop that made it",
        )
    migrate(engine)
    rows = {}
    with writing(engine) as connection:
        _refuse_unless_empty(connection)
        for name in TABLES:
            if name in named:
                rows[name] = _insert(connection, metadata.tables[name], open_file(name))
                _go_on_counting(connection, metadata.tables[name])
    return rows


def _lines(connection: Connection, table: Table) -> Iterator[bytes]:
    kept = [_writer(column) for column in table.columns]
    names = [column.name for column in table.columns]
    found = connection.execution_options(yield_per=_TOGETHER).execute(select(table).order_by(*table.primary_key))
    for row in found:
        values = {name: keep(value) for name, keep, value in zip(names, kept, row, strict=True)}
        yield _encode(values) + b"\n"


def _writer(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Instant):
        return lambda value: None if value is None else utc_text(value)
    if isinstance(column.type, LargeBinary):
        return lambda value: None if value is None else base64.b64encode(value).decode()
    return lambda value: value


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Instant):
        return lambda value: None if value is None else from_utc_text(value)
    if isinstance(column.type, LargeBinary):
        return lambda value: None if value is None else base64.b64decode(value)
    return lambda value: value


def _refuse_unless_empty(connection: Connection) -> None:
    for name in TABLES:
        if connection.execute(select(metadata.tables[name]).limit(1)).first() is not None:
            raise Conflict(
                f"There is something in the table {name!r} already.",
                where=connection.engine.url.render_as_string(hide_password=True),
                next_step="restore into an empty database",
            )


def _insert(connection: Connection, table: Table, lines: Iterable[bytes]) -> int:
    readers = {column.name: _reader(column) for column in table.columns}
    rows, waiting = 0, []
    for line in lines:
        try:
            read = _decode(line)
            waiting.append({name: readers[name](value) for name, value in read.items()})
        except (msgspec.MsgspecError, KeyError, ValueError, TypeError) as error:
            raise DataError(
                f"Line {rows + len(waiting) + 1} of the table {table.name!r} cannot be read: {error}.",
                where="backup",
                next_step="install the riskloop that made it, or take another backup",
            ) from error
        if len(waiting) == _TOGETHER:
            connection.execute(insert(table), waiting)
            rows, waiting = rows + len(waiting), []
    if waiting:
        connection.execute(insert(table), waiting)
    return rows + len(waiting)


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows from where the old ones end; SQLite does so anyway."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key:
        if column.autoincrement is True or (column.autoincrement == "auto" and isinstance(column.type, Integer)):
            sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
            last = connection.scalar(select(func.max(column)))
            if sequence and last:
                connection.execute(select(func.setval(sequence, last)))
