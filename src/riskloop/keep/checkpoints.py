"""Checkpoints: what SQLite's write-ahead log holds is moved into the file beside those who write, not by them.

A commit that has to move the log waits twice for the disk. Here a thread moves what it can while others write
(``PASSIVE``); as long as they write they always add a little, so that the log never starts again from its beginning,
and grows. Once it is large the thread therefore moves the rest, which is little by then, while it holds the lock
(``RESTART``). See "Checkpointing" in https://sqlite.org/wal.html.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine

from riskloop.keep.database import reading

EVERY_SECONDS = 0.25
WORTH_MOVING = 4_000
"""Predictions since the log was last moved."""
LARGEST = 64_000
"""Pages of a log that is made to start again: 256 MB."""

_log = logging.getLogger("riskloop.keep")


class Checkpoints:
    """One thread that moves the log of a SQLite file; a context manager. Several processes may each have one.

    Parameters
    ----------
    engine : Engine
    written : callable
        How many predictions were written by connections that leave the log alone.
    every : float
        Seconds between two looks.
    worth, largest : int
        See the constants of this module.
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
        self._seen = 0
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
            written = self._written()
            if written - self._seen < self._worth:
                continue
            try:
                self._move()
                self._seen = written
            except Exception as error:  # the thread must live; whoever writes to a broken file says so
                _log.debug("the write-ahead log was not moved: %s", error)

    def _move(self) -> None:
        with reading(self._engine) as connection:
            connection.execution_options(sqlite_begin=None)  # no checkpoint within a transaction

            def checkpoint(how: str) -> Any:
                return connection.exec_driver_sql(f"PRAGMA wal_checkpoint({how})").one()

            _busy, pages, _moved = checkpoint("PASSIVE")
            if pages > self._largest:
                checkpoint("PASSIVE")  # what came meanwhile, so that little is left to do under the lock
                checkpoint("RESTART")
