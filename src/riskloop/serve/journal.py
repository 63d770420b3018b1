"""The journal: predictions on their way into the ledger. Nothing is answered before it is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from riskloop.errors import Unavailable
from riskloop.keep.database import try_to_write
from riskloop.keep.ledger import EncodedPrediction, Ledger, Prediction, encode
from riskloop.keep.spool import Spool
from riskloop.keep.straight import AT_ONCE
from riskloop.keep.writer import GroupCommitWriter, own_copy

AGAIN_SECONDS = 0.0005
"""After so long a file that another holds is tried again in passing: another worker is about done by then."""
HELD_SECONDS = 0.05
"""A file that is held for so long is left to the writer, who waits for it."""
PATIENCE_SECONDS = 5.0
"""A request waits so long for its commit; then its sender is told to try again."""


class Kept(NamedTuple):
    """A prediction in the ledger, and what its customer is answered."""

    prediction: Prediction
    answer: bytes


class Told(Protocol):
    """Who waits for a prediction to be kept: a future, or whoever needs none. Told once, on the event loop."""

    def done(self) -> bool:
        """Whether they wait no longer."""

    def set_result(self, kept: Kept, /) -> None:
        """It is kept."""

    def set_exception(self, error: Exception, /) -> None:
        """It is not."""


class Ticket(NamedTuple):
    """Who waits for a prediction to be kept, and what they are told then."""

    told: Told
    kept: Kept


class Journal:
    """Keeps predictions without blocking the event loop.

    Parameters
    ----------
    in_passing : bool
        Commit on the event loop where the database is a file that nobody else holds: for commits that do not wait for
        the disk.

    Attributes
    ----------
    failed : Unavailable or None
        Why the last write failed; None once one succeeds.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        writer: GroupCommitWriter,
        spool: Spool | None = None,
        *,
        in_passing: bool = False,
    ) -> None:
        self._in_passing = in_passing
        self._held: list[tuple[EncodedPrediction, Ticket]] = []
        self._again: asyncio.TimerHandle | None = None
        self._since: float | None = None
        self._spool = spool
        self.failed: Unavailable | None = None
        self._engine = engine
        self._ledger = ledger
        self._writer = writer

    def hand_in(self, rows: Sequence[tuple[EncodedPrediction, Ticket]]) -> None:
        """Commit predictions, together with those that arrive meanwhile; who waits is told: done, Unavailable if it
        was not committed, or Conflict if its idempotency key is taken.

        All rows of a turn of the loop come at once. Where the file is free they are committed here and now, in less
        time than it takes to wake a thread. Where another holds it they are tried again in a moment, with those of the
        next turn; if it is held for longer, and on PostgreSQL, the writer waits for it.
        """
        self._held += rows
        self._commit()

    def _commit(self) -> None:
        """Commit what is handed in: in passing, now or in a moment; else by the writer."""
        if self._again:
            self._again.cancel()
            self._again = None
        held, self._held = self._held, []
        for start in range(0, len(held), AT_ONCE):
            rows = [one for one in held[start : start + AT_ONCE] if not one[1].told.done()]
            if not rows:
                continue
            passed = self._ledger.append_now([row for row, _ in rows]) if self._in_passing else "refused"
            if passed == "held" and self._may_wait():
                self._held = held[start:] + self._held
                self._again = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._commit)
                return
            self._since = None
            if passed == "written":
                self.failed = None
                for _, (told, kept) in rows:
                    told.set_result(kept)
            else:
                self._give_to_writer(rows)

    def _may_wait(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        return now - self._since < HELD_SECONDS

    def _give_to_writer(self, rows: Sequence[tuple[EncodedPrediction, Ticket]]) -> None:
        parcel = _Parcel(self, [ticket for _, ticket in rows])
        try:
            self._writer.offer(rows, parcel)
        except Unavailable as error:
            parcel.settle(parcel.waiting, error)

    async def keep_all(self, predictions: Sequence[Prediction]) -> None:
        """Commit many predictions: all of them or none."""
        try:
            await asyncio.to_thread(self._append, predictions)
        except Unavailable as error:
            self.failed = error
            raise
        self.failed = None

    def _append(self, predictions: Sequence[Prediction]) -> None:
        rows = [encode(prediction) for prediction in predictions]
        try:
            self._ledger.append_encoded(rows)
        except Unavailable:
            if self._spool is None:
                raise
            self._spool.keep(rows)

    async def answered(self, key: str) -> Prediction | None:
        """The prediction that was answered to a request with that idempotency key."""
        return await asyncio.to_thread(self._ledger.by_idempotency_key, key)

    async def check(self) -> None:
        """Try again after a failed write: without traffic nothing else would notice that the ledger is back.

        Raises
        ------
        Unavailable
            If the ledger still takes no writes.
        """
        if self.failed is not None:
            await asyncio.to_thread(self._try)
            self.failed = None

    def _try(self) -> None:
        try_to_write(self._engine)
        self._ledger.recent(1)


class _Parcel:
    """Those of one turn who wait: the desk at which the writer tells them, all in one go, for each call across threads
    costs as much as the commit."""

    def __init__(self, journal: Journal, waiting: Sequence[Ticket]) -> None:
        self.waiting = waiting
        self._journal = journal
        self._left = len(waiting)
        self._loop = asyncio.get_running_loop()
        self._patience = self._loop.call_later(PATIENCE_SECONDS, self._give_up)

    def wants(self, ticket: Ticket) -> bool:
        """Whether a request still waits."""
        return not ticket.told.done()

    def tell(self, tickets: Sequence[Ticket], error: Exception | None) -> None:
        """Wake the requests of one commit."""
        with suppress(RuntimeError):  # the loop has ended, and with it everybody who waited
            self._loop.call_soon_threadsafe(self.settle, tickets, error)

    def settle(self, tickets: Sequence[Ticket], error: Exception | None) -> None:
        """On the loop: say what became of predictions."""
        self._left -= len(tickets)
        if not self._left:
            self._patience.cancel()
        if error is None:
            self._journal.failed = None
        elif isinstance(error, Unavailable):
            self._journal.failed = error
        for told, kept in tickets:
            if told.done():
                continue
            if error is None:
                told.set_result(kept)
            else:
                told.set_exception(own_copy(error))

    def _give_up(self) -> None:
        late = "The ledger did not take the prediction in time."
        error = Unavailable(late, where="ledger", next_step="send it again")
        if waiting := [ticket for ticket in self.waiting if not ticket.told.done()]:
            self.settle(waiting, error)
