"""The straight road into a SQLite table: a batch of rows as one statement, without what SQLAlchemy adds to each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from typing import Any

from sqlalchemy import Engine

from riskloop.keep.database import unavailable

_ALONE = 64
"""So many rows are one statement, which is a transaction by itself: the driver lets go of the interpreter once for all
of it, and has to win it back once. A statement for each number of rows, so that the driver keeps what it made of them.
"""
_TOGETHER = (256, 64, 16, 4, 1)
"""Of more rows these many at a time, in one transaction."""


class StraightRoad:
    """Rows for one table. Safe to share between threads.

    Parameters
    ----------
    engine : Engine
        Of a SQLite file.
    insert : str
        The statement that writes one row, with a ``?`` for each of its values.
    width : int
        Values per row.
    """

    def __init__(self, engine: Engine, insert: str, width: int) -> None:
        self._engine = engine
        one_more = f", ({', '.join('?' * width)})"
        self._statements = {rows: insert + one_more * (rows - 1) for rows in (*range(1, _ALONE + 1), *_TOGETHER)}

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows in one transaction: all of them or none.

        Raises
        ------
        Unavailable
            If the database is away, locked for 10 s, corrupt, read-only or without the table.
        sqlite3.IntegrityError
            If the table refuses a row.
        """
        with _away(self._engine), closing(self._engine.raw_connection()) as pooled:
            connection: sqlite3.Connection = pooled.driver_connection  # type: ignore[assignment]
            if len(rows) <= _ALONE:
                connection.execute(self._statements[len(rows)], tuple(chain.from_iterable(rows)))
            else:
                with _transaction(connection):
                    self._write_many(connection, rows)

    def _write_many(self, connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
        start = 0
        for size in _TOGETHER:
            while len(rows) - start >= size:
                connection.execute(self._statements[size], tuple(chain.from_iterable(rows[start : start + size])))
                start += size


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _away(engine: Engine) -> Iterator[None]:
    """The driver's errors about the database itself as Unavailable; errors about rows pass."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, (sqlite3.OperationalError, sqlite3.InternalError)) or type(error) is sqlite3.DatabaseError:
            raise unavailable(engine, error) from error
        raise
    except sqlite3.InterfaceError as error:
        raise unavailable(engine, error) from error
