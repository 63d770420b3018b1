"""The straight road into a SQLite table: a batch of rows as one statement, without what SQLAlchemy adds to each."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from time import monotonic
from typing import Any, Literal

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from riskloop.keep.database import unavailable

AT_ONCE = 64
"""So many rows are one statement, which is a transaction by itself: the driver lets go of the interpreter once for all
of it, and has to win it back once. A statement for each number of rows, so that the driver keeps what it made of them.
"""
_TOGETHER = (256, 64, 16, 4, 1)
"""Of more rows these many at a time, in one transaction."""
Passing = Literal["written", "held", "refused"]
"""What became of rows in passing: kept; the file is another's at this moment; not to be had, or a row was refused."""
_REST_SECONDS = 1.0
"""After a file failed, so long nobody tries it in passing."""


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

    Attributes
    ----------
    written : int
        Rows that :meth:`write_now` has written.
    """

    def __init__(self, engine: Engine, insert: str, width: int) -> None:
        self.written = 0
        self._engine = engine
        self._passing = threading.Lock()
        self._own: sqlite3.Connection | None = None
        self._rest_until = 0.0
        one_more = f", ({', '.join('?' * width)})"
        self._statements = {rows: insert + one_more * (rows - 1) for rows in (*range(1, AT_ONCE + 1), *_TOGETHER)}

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
            if len(rows) <= AT_ONCE:
                connection.execute(self._statements[len(rows)], tuple(chain.from_iterable(rows)))
            else:
                with _transaction(connection):
                    self._write_many(connection, rows)

    def write_now(self, rows: Sequence[Sequence[Any]]) -> Passing:
        """Write at most 64 rows in passing, on a thread that must not wait: in one transaction, if nobody else is
        writing at this moment.

        The write-ahead log is not moved into the file here, for that waits for the disk:
        see :class:`riskloop.keep.checkpoints.Checkpoints`.

        Returns
        -------
        {"written", "held", "refused"}
            Unless written, nothing was. :meth:`write` waits for the file, or says what is wrong.
        """
        if len(rows) > AT_ONCE or monotonic() < self._rest_until or not self._passing.acquire(blocking=False):
            return "refused"
        try:
            connection = self._own or self._connect()
            connection.execute(self._statements[len(rows)], tuple(chain.from_iterable(rows)))
            self.written += len(rows)
        except sqlite3.IntegrityError:
            return "refused"
        except (sqlite3.Error, SQLAlchemyError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                return "held"
            self._forget()
            return "refused"
        finally:
            self._passing.release()
        return "written"

    def close(self) -> None:
        """Let go of the file."""
        with self._passing:
            self._forget()

    def _connect(self) -> sqlite3.Connection:
        pooled = self._engine.raw_connection()
        own: sqlite3.Connection = pooled.driver_connection  # type: ignore[assignment]
        pooled.detach()  # the next who takes it from the pool would not expect what follows
        self._own = own
        own.execute("PRAGMA busy_timeout = 0")
        own.execute("PRAGMA wal_autocheckpoint = 0")
        return own

    def _forget(self) -> None:
        own, self._own = self._own, None
        self._rest_until = monotonic() + _REST_SECONDS
        if own is not None:
            own.close()

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
