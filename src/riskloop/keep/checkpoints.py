"""Checkpoints: what SQLite's write-ahead log holds is moved into the file beside those who write, not by them.

A commit that has to move the log waits twice for the disk. Here a thread does it once the log is large: it moves what
it can while others write (``PASSIVE``), twice, and then the rest, which is little by then, while it holds the lock
(``RESTART``), so that the log is written from its beginning again. As long as others write it would never end by the
first alone; to cut the file as well (``TRUNCATE``) keeps the lock ten times as long. How long the log is only a
checkpoint tells, so it is reckoned from what was written. See "Checkpointing" in https://sqlite.org/wal.html.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from riskloop.keep.database import reading

EVERY_SECONDS = 0.25
LARGEST = 64_000
"""Pages of a log that is moved: 256 MB."""
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
    largest : int
        Pages of a log that is moved.
    """

    def __init__(
        self, engine: Engine, written: Callable[[], int], *, every: float = EVERY_SECONDS, largest: int = LARGEST
    ) -> None:
        self._engine = engine
        self._written = written
        self._every, self._largest = every, largest
        self._moved, self._pages = 0, PAGES
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
        _step_back()
        while not self._end.wait(self._every):
            written = self._written() - self._moved
            if written * self._pages < self._largest:
                continue
            try:
                pages = self._move()
            except Exception as error:  # the thread must live; whoever writes to a broken file says so
                _log.debug("the write-ahead log was not moved: %s", error)
            else:
                self._moved += written
                self._pages = max(1.0, pages / written)

    def _move(self) -> int:
        """Move the log; returns how many pages it had."""
        with reading(self._engine) as connection:
            connection.execution_options(sqlite_begin=None)  # no checkpoint within a transaction
            pages = 0
            for how in ("PASSIVE", "PASSIVE", "RESTART"):  # the second moves what came during the first
                _busy, there, _moved = connection.exec_driver_sql(f"PRAGMA wal_checkpoint({how})").one()
                pages = pages or there
            return pages


def _step_back() -> None:
    """Let this thread have what others leave of the processor; where the system knows priorities of threads (Linux)."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
