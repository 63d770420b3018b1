"""A turn: customers who are asked about in one turn of the event loop are decided together and kept together.

Under load many requests are ready at once. What costs the same for one as for many (a forest, the time, waking the
writer) is then paid once; a customer alone in a turn waits for nobody, and gets the same bits as in a crowd.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from riskloop.keep.ledger import encode
from riskloop.keep.straight import AT_ONCE
from riskloop.problem import Customer
from riskloop.serve.call import Call
from riskloop.serve.journal import Journal, Kept, Ticket, Told
from riskloop.serve.problems import invalid
from riskloop.serve.received import Received
from riskloop.serve.rollout import Arms, Decided, decide_json
from riskloop.serve.scoring import Scored, answer_of

MOST = AT_ONCE
"""Customers decided together: as many as are written as one statement."""

_encode = msgspec.json.Encoder().encode


class _Asked(NamedTuple):
    call: Call
    customer: Customer | Received
    told: Told


class Turn:
    """Who waits for a decision.

    Parameters
    ----------
    clock : callable
        The time now; aware. Asked once a turn.
    new_id : callable
        A new prediction id.
    """

    def __init__(self, journal: Journal, *, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._journal = journal
        self._clock = clock
        self._new_id = new_id
        self._asked: list[_Asked] = []

    def ask(self, call: Call, customer: Customer | Received, told: Told) -> None:
        """Decide about a customer whose values are JSON, with all others of this turn, and keep the prediction.

        Parameters
        ----------
        told : Told
            Hears of it after this turn: RequestRefused if the customer breaks the contract, else what :meth:`keep`
            says.
        """
        if not self._asked:
            asyncio.get_running_loop().call_soon(self._end)
        self._asked.append(_Asked(call, customer, told))

    def keep(self, call: Call, customer: Customer, decided: Decided) -> asyncio.Future[Kept]:
        """Keep what was decided about a customer elsewhere.

        Returns
        -------
        Future
            Raises Unavailable if it was not committed, Conflict if its idempotency key is taken.
        """
        told: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._hand_in([_Asked(call, customer, told)], [decided])
        return told

    def _end(self) -> None:
        asked, self._asked = self._asked[:MOST], self._asked[MOST:]
        if self._asked:
            asyncio.get_running_loop().call_soon(self._end)
        by_arms: dict[int, list[_Asked]] = {}
        for one in asked:  # arms are replaced at a promotion: hardly ever within a turn
            by_arms.setdefault(id(one.call.arms), []).append(one)
        for some in by_arms.values():
            self._decide(some[0].call.arms, some)

    def _decide(self, arms: Arms, asked: Sequence[_Asked]) -> None:
        try:
            decided = decide_json(arms, [one.customer for one in asked])
            self._hand_in(asked, decided)
        except Exception as error:  # whatever it is, it must not cost the neighbours their answers
            if len(asked) == 1:
                _refuse(asked[0].told, error)
            else:
                for one in asked:
                    self._decide(arms, [one])

    def _hand_in(self, asked: Sequence[_Asked], decided: Sequence[Decided]) -> None:
        at, kept = self._clock(), []
        for (call, _, told), (live, scored, reasons) in zip(asked, decided, strict=True):
            if isinstance(scored, Scored):
                prediction = call.prediction(live, scored, reasons, identity=self._new_id(), at=at)
                answer = _encode(answer_of(prediction, call.language))
                kept.append((encode(prediction), Ticket(told, Kept(prediction, answer))))
            else:
                _refuse(told, invalid(scored) if isinstance(scored, list) else scored)
        if kept:
            self._journal.hand_in(kept)


def _refuse(told: Told, error: Exception) -> None:
    if not told.done():
        told.set_exception(error)
