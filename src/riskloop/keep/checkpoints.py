"""Checkpoints: what SQLite's write-ahead log holds is moved into the file beside those who write, not by them.

A commit that has to move the log waits twice for the disk. Here a thread moves what has come while others write
(``PASSIVE``). Once there is a moment in which nobody does, all of it is moved, and SQLite writes the log from its
beginning again by itself. Where there is none the log grows; when it is very large the rest is moved under the lock
(``RESTART``), and for as long as the disk takes nobody writes. So that this is not long, little is left for it: SQLite
syncs the file only once nothing is left to move, which while others write is under the lock, with all that ever came;
here it is synced before, and what came meanwhile is moved, until that is next to nothing. To cut the log too
(``TRUNCATE``) takes several times as long. How long the log is only a checkpoint tells, so it is reckoned from what was
written. See "Checkpointing" in https://sqlite.org/wal.html.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from riskloop.keep.database import reading

EVERY_SECONDS = 0.25
WORTH_MOVING = 64_000
"""Pages that have come: 256 MB."""
LARGEST = 128_000
"""Pages of a log that begins again under the lock: 512 MB, which is read in a second after a crash."""
LITTLE = 256
"""Pages that may be left to do under the lock: 1 MB."""
ROUNDS = 5
PAGES = 5.0
"""Of one prediction, until it is known better."""

_log = logging.getLogger("riskloop.keep")


class Checkpoints:
    """One thread that moves the log of a SQLite file; a context manager. Several processes may each have one.

    Parameters
    ----------
    engine : Engine
        Of any other database nothing is done.
    written : callable
        How many predictions were written by connections that leave the log alone.
    every : float
        Seconds between two looks.
    worth, largest : int
        Pages: see the constants of this module.
    """

    def __init__(
        self,
        engine: Engine,
        written: Callable[[], int],
        *,
        every: float = EVERY_SECONDS,
        worth: int = WORTH_MOVING,
        largest: int = LARGEST,
    ) -> None:
        self._engine = engine
        self._written = written
        self._every, self._worth, self._largest = every, worth, largest
        self._moved, self._length, self._pages = 0, 0, PAGES
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._engine.dialect.name == "sqlite":
            self._end.clear()
            self._thread = threading.Thread(target=self._run, name="riskloop-checkpoints", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._end.wait(self._every):
            written = self._written() - self._moved
            if written * self._pages < self._worth:
                continue
            try:
                length = self._move()
            except Exception as error:  # the thread must live; whoever writes to a broken file says so
                _log.debug("the write-ahead log was not moved: %s", error)
            else:
                self._moved += written
                if length > self._length:  # else it has begun again meanwhile
                    self._pages = max(1.0, (length - self._length) / written)
                self._length = length if length <= self._largest else 0

    def _move(self) -> int:
        """Move the log; returns how many pages it had."""
        with reading(self._engine) as connection:
            connection.execution_options(sqlite_begin=None)  # no checkpoint within a transaction

            def checkpoint(how: str) -> int:
                _busy, length, _moved = connection.exec_driver_sql(f"PRAGMA wal_checkpoint({how})").one()
                return int(length)

            length = checkpoint("PASSIVE")
            if length > self._largest:
                before = 0
                for _ in range(ROUNDS):
                    if length - before <= LITTLE:
                        break
                    self._sync()
                    before, length = length, checkpoint("PASSIVE")
                checkpoint("RESTART")
            return length

    def _sync(self) -> None:
        """Have the disk hold what the file holds, by a descriptor that SQLite has open: to open another one and to
        close it would let go of all locks that this process has on the file (POSIX)."""
        with suppress(OSError, StopIteration):
            file = os.stat(str(self._engine.url.database))
            os.fsync(next(one for one in _descriptors() if os.path.samestat(os.fstat(one), file)))


def _descriptors() -> Iterator[int]:
    """What this process has open; nothing where the system does not tell (Windows)."""
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):  # that of the listing is closed again
            os.fstat(int(name))
            yield int(name)
