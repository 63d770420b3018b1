"""``DELETE /customers/{id}/records``: forget a person."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from riskloop.keep.ledger import Ledger
from riskloop.keep.spool import Spool
from riskloop.serve.answers import Erased
from riskloop.serve.envelope import check_id
from riskloop.serve.guard import caller_of, only_from_this_machine
from riskloop.serve.predictions import json_response
from riskloop.serve.problems import invalid


class Erasure:
    """The endpoint of erasure."""

    def __init__(self, ledger: Ledger, spool: Spool | None = None) -> None:
        self._ledger = ledger
        self._spool = spool

    async def erase(self, request: Request) -> Response:
        """Delete all rows of a customer; the log of privileged calls does not keep the id."""
        if caller_of(request).name is None:
            only_from_this_machine(request)
        identity = request.path_params["customer_id"]
        if wrong := check_id(identity):
            raise invalid(wrong)
        return json_response(Erased(await asyncio.to_thread(self._erase, identity)))

    def _erase(self, identity: str) -> int:
        spooled = self._spool.forget(identity) if self._spool else 0
        return spooled + self._ledger.erase(identity)
