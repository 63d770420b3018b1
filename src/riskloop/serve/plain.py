"""The plain road: what most requests are, one customer and no more, from the wire to the turn and back.

It does what the door, the guard and ``POST /predict`` do, with the same parts, where nothing has to be waited for but
the decision. Everything else is left to them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from riskloop.errors import RiskloopError
from riskloop.serve.body import JSON
from riskloop.serve.direct import JSON_TYPE, DirectRequest, JsonBytes
from riskloop.serve.door import GUARDING, Register, signed
from riskloop.serve.guard import CALLER, Endpoint, Guard
from riskloop.serve.journal import Kept
from riskloop.serve.predictions import Predictions
from riskloop.serve.problems import refused, unexpected
from riskloop.serve.wire import lines_of

_log = logging.getLogger("riskloop.serve")
_MORE = frozenset({b"content-encoding", b"idempotency-key", b"transfer-encoding", b"x-forwarded-for"})
"""Headers that ask for more than the plain road does."""


_ANSWERED = b"content-length: %%d\r\n%sx-request-id: %%s\r\n" % lines_of([JSON_TYPE, *GUARDING])
_JSON = (b"content-type", JSON.encode())


class PlainRoad:
    """See :class:`riskloop.serve.wire.Plain`.

    Parameters
    ----------
    endpoint : callable
        What answers ``POST /predict`` otherwise: requests are counted under its name.
    """

    def __init__(self, register: Register, guard: Guard, predictions: Predictions, endpoint: Endpoint) -> None:
        self._register = register
        self._guard = guard
        self._predictions = predictions
        self._endpoint = endpoint

    def wants(self, scope: Any) -> bool:
        """Whether it is one customer as JSON, and no more is asked for."""
        if scope["path"] != "/predict" or scope["method"] != "POST":
            return False
        headers = scope["headers"]
        return _JSON in headers and _MORE.isdisjoint([name for name, _ in headers])

    def take(self, scope: Any, body: bytes) -> tuple[asyncio.Future[Kept] | None, _Answered] | None:
        """Admit, read, and ask for a decision."""
        started = perf_counter()
        self._register.enter(scope)
        scope["endpoint"] = self._endpoint
        request = DirectRequest(scope, _nothing)
        answered = _Answered(self._register, request, started)
        try:
            scope[CALLER] = self._guard.admit(request, "scorer")
            asked = self._predictions.plain(request, body, started)
        except Exception as error:  # told to the one who asked, like what goes wrong later
            answered.error = error
            return None, answered
        if asked is None:
            return None
        answered.told, answered.finish = asked
        return answered.told, answered


class _Answered:
    """See :class:`riskloop.serve.wire.Answered`."""

    __slots__ = ("_register", "_request", "_started", "error", "finish", "told")

    def __init__(self, register: Register, request: Request, started: float) -> None:
        self._register = register
        self._request = request
        self._started = started
        self.error: BaseException | None = None
        self.told: asyncio.Future[Kept] | None = None
        self.finish: Callable[[Kept], Response] | None = None

    def __call__(self) -> tuple[int, bytes, bytes]:
        response, scope = self._response(), self._request.scope
        status, body, identity = response.status_code, bytes(response.body), scope["riskloop.request_id"]
        self._register.leave(scope, status, self._started)
        if type(response) is JsonBytes:
            return status, _ANSWERED % (len(body), identity.encode("ascii")), body
        return status, lines_of(signed(response.raw_headers, identity)), body

    def _response(self) -> Response:
        error = self.error or (self.told.exception() if self.told else None)
        if error is None and self.told and self.finish:
            try:
                return self.finish(self.told.result())
            except Exception as late:
                error = late
        if isinstance(error, RiskloopError):
            return refused(self._request, error)
        _log.error("request %s failed", self._request.scope["riskloop.request_id"], exc_info=error)
        return unexpected(self._request)


async def _nothing() -> Any:
    raise RuntimeError("a plain request has been received as a whole")
