"""Group commit: many threads log predictions, one thread commits them, nobody is answered before the commit.

While one transaction commits, the predictions that arrive wait together and become the next transaction (DeWitt et
al., "Implementation techniques for main memory database systems", 1984). There is no window to wait for: alone, a
prediction is committed at once; under load, transactions grow by themselves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from riskloop.errors import Conflict, RiskloopError, Unavailable
from riskloop.keep.ledger import EncodedPrediction, Ledger, Prediction, encode
from riskloop.keep.spool import Spool

RETRY_SECONDS = 1.0
"""So often a database that is away is tried again, where there is a spool."""

_log = logging.getLogger("riskloop.keep")


class Desk(Protocol):
    """Where those are told who wait for predictions to be written: on the writer's thread, many at a time.

    A ticket is whatever the desk knows one who waits by.
    """

    def wants(self, ticket: Any) -> bool:
        """Whether a ticket is still waited for; if not, its prediction is not written."""

    def tell(self, tickets: Sequence[Any], error: Exception | None) -> None:
        """Say that predictions are committed, or why they are not."""


class _Waiting(NamedTuple):
    row: EncodedPrediction
    ticket: Any
    desk: Desk


class GroupCommitWriter:
    """One thread that writes for all others; a context manager.

    Parameters
    ----------
    ledger : Ledger
    capacity : int
        How many predictions may wait. When that many do, the next is refused at once.
    batch : int
        The most rows in one transaction.
    spool : Spool, optional
        Takes predictions while the database is away; they are replayed once it is back.
    """

    def __init__(
        self, ledger: Ledger, *, capacity: int = 10_000, batch: int = 1_000, spool: Spool | None = None
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._retry_at = 0.0
        self._capacity = capacity
        self._batch = batch
        self._waiting: list[_Waiting] = []
        self._wake = threading.Condition(threading.Lock())
        self._open = False
        self._thread: threading.Thread | None = None
        self._lost = 0

    def start(self) -> Self:
        """Open for predictions."""
        if self._thread is None:
            self._open = True
            self._thread = threading.Thread(target=self._run, name="riskloop-ledger", daemon=True)
            self._thread.start()
        return self

    def submit(self, prediction: Prediction) -> Future[None]:
        """Log a prediction; the future is done when it is committed. Answer the customer only then.

        Returns
        -------
        Future
            Raises Unavailable if the commit failed, Conflict if the id or the idempotency key is taken. A future that
            is cancelled before its commit began is not written.

        Raises
        ------
        Unavailable
            At once, if the writer is not open or too many predictions wait.
        """
        future: Future[None] = Future()
        self.offer([(encode(prediction), future)], _FUTURES)
        return future

    def offer(self, rows: Sequence[tuple[EncodedPrediction, Any]], desk: Desk) -> None:
        """Log predictions, each with its ticket, and let a desk know what became of them.

        Raises
        ------
        Unavailable
            See :meth:`submit`; then none of them is written.
        """
        entries = [_Waiting(row, ticket, desk) for row, ticket in rows]
        with self._wake:
            self._admit()
            self._waiting += entries
            self._wake.notify()

    def close(self) -> None:
        """Refuse new predictions, write those that wait, and stop."""
        with self._wake:
            self._open = False
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def depth(self) -> int:
        """How many predictions wait."""
        return len(self._waiting)

    @property
    def lost(self) -> int:
        """How many predictions were admitted but could not be written; their callers were told.

        A Conflict is not a loss: the prediction is in the ledger already.
        """
        return self._lost

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _admit(self) -> None:
        if not self._open:
            raise Unavailable("The ledger is closed.", where="ledger", next_step="start the writer before predicting")
        if len(self._waiting) >= self._capacity:
            raise Unavailable(
                f"The ledger is behind: {self._capacity} predictions wait to be written.",
                where="ledger",
                next_step="send again in a moment; if this lasts, the database is too slow",
            )

    def _run(self) -> None:
        while batch := self._take():
            self._write([entry for entry in batch if entry.desk.wants(entry.ticket)])

    def _take(self) -> list[_Waiting]:
        """The next batch; empty when closed and drained."""
        while True:
            self._replay()
            with self._wake:
                patience = RETRY_SECONDS if self._spool is not None else None
                if not self._wake.wait_for(lambda: self._waiting or not self._open, patience):
                    continue
                return self._next()

    def _next(self) -> list[_Waiting]:
        batch = self._waiting[: self._batch]
        self._waiting = self._waiting[self._batch :]
        return batch

    def _replay(self) -> None:
        """Write what is spooled, if the database is back."""
        if self._spool is None or time.monotonic() < self._retry_at or not self._spool.waiting:
            return
        self._retry_at = time.monotonic() + RETRY_SECONDS
        try:
            self._spool.replay(self._ledger.append_encoded)
        except Unavailable:
            pass
        except Exception:  # the thread must live; what is spooled waits on
            _log.exception("the spool could not be replayed")

    def _spooled(self, batch: Sequence[_Waiting], error: Unavailable) -> bool:
        """Whether the spool took a batch that the database did not."""
        if self._spool is None:
            return False
        try:
            self._spool.keep([entry.row for entry in batch])
        except Unavailable:
            _log.exception("neither the ledger nor the spool takes predictions (%s)", error)
            return False
        return True

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            self._ledger.append_encoded([entry.row for entry in batch])
        except Unavailable as error:
            if self._spooled(batch, error):
                _tell(batch)
            else:
                self._fail(batch, error)
        except Exception as error:  # whatever it is, the thread must live and the callers must hear of it
            if len(batch) == 1:
                self._fail(batch, error)
            else:
                self._write_one_by_one(batch)
        else:
            _tell(batch)

    def _write_one_by_one(self, batch: Sequence[_Waiting]) -> None:
        """One row that the database refuses must not fail its neighbours."""
        for entry in batch:
            self._write([entry])

    def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        self._lost += 0 if isinstance(error, Conflict) else len(batch)
        _tell(batch, error)


class _Futures:
    """The desk of those who wait for a future."""

    def wants(self, ticket: Future[None]) -> bool:
        return ticket.set_running_or_notify_cancel()

    def tell(self, tickets: Sequence[Future[None]], error: Exception | None) -> None:
        for future in tickets:
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(own_copy(error))


_FUTURES = _Futures()


def _tell(batch: Sequence[_Waiting], error: Exception | None = None) -> None:
    waiting: dict[Desk, list[Any]] = {}
    for entry in batch:
        waiting.setdefault(entry.desk, []).append(entry.ticket)
    for desk, tickets in waiting.items():
        desk.tell(tickets, error)


def own_copy(error: Exception) -> Exception:
    """Each caller raises its own exception: one object raised in many threads would mix their tracebacks."""
    if not isinstance(error, RiskloopError):
        return error
    own = type(error)(error.message, where=error.where, next_step=error.next_step, details=error.details)
    own.__cause__ = error
    return own
