"""The journal: predictions on their way into the ledger. Nothing is answered before it is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Engine

from riskloop.errors import Unavailable
from riskloop.keep.database import try_to_write
from riskloop.keep.ledger import EncodedPrediction, Ledger, Prediction, encode
from riskloop.keep.spool import Spool
from riskloop.keep.writer import GroupCommitWriter, own_copy

PATIENCE_SECONDS = 5.0
"""A request waits so long for its commit; then its sender is told to try again."""


class Journal:
    """Keeps predictions without blocking the event loop.

    Attributes
    ----------
    failed : Unavailable or None
        Why the last write failed; None once one succeeds.
    """

    def __init__(self, engine: Engine, ledger: Ledger, writer: GroupCommitWriter, spool: Spool | None = None) -> None:
        self._spool = spool
        self._turn: list[tuple[EncodedPrediction, asyncio.Future[None]]] = []
        self.failed: Unavailable | None = None
        self._engine = engine
        self._ledger = ledger
        self._writer = writer

    async def keep(self, prediction: Prediction) -> None:
        """Commit one prediction, together with those that arrive meanwhile.

        Raises
        ------
        Unavailable
            If it was not committed.
        Conflict
            If its idempotency key is taken.
        """
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        patience = loop.call_later(PATIENCE_SECONDS, _give_up, committed)
        try:
            self._hand_in(encode(prediction), committed)
            await committed
        except Unavailable as error:
            self.failed = error
            raise
        finally:
            patience.cancel()
        self.failed = None

    def _hand_in(self, row: EncodedPrediction, committed: asyncio.Future[None]) -> None:
        """Offer a row together with those of the requests that are answered in this turn of the loop: a thread that is
        woken for each would take the interpreter from all of them."""
        if not self._turn:
            committed.get_loop().call_soon(self._end_turn)
        self._turn.append((row, committed))

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, []
        try:
            self._writer.offer(turn, self)
        except Unavailable as error:
            _settle([committed for _, committed in turn], error)

    def wants(self, ticket: asyncio.Future[None]) -> bool:
        """Whether a request still waits."""
        return not ticket.done()

    def tell(self, tickets: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
        """Wake the requests of one commit, all in one go: each call across threads costs as much as the commit."""
        with suppress(RuntimeError):  # the loop has ended, and with it everybody who waited
            tickets[0].get_loop().call_soon_threadsafe(_settle, tickets, error)

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


def _settle(tickets: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
    for committed in tickets:
        if committed.done():
            continue
        if error is None:
            committed.set_result(None)
        else:
            committed.set_exception(own_copy(error))


def _give_up(committed: asyncio.Future[None]) -> None:
    if not committed.done():
        late = "The ledger did not take the prediction in time."
        committed.set_exception(Unavailable(late, where="ledger", next_step="send it again"))
