"""The plain road: what most requests are, one customer and no more, from the wire to the turn and back.

It does what the door, the guard and ``POST /predict`` do, with the same parts, where nothing has to be waited for but
the decision. Everything else is left to them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

from starlette.requests import Request

from riskloop.errors import RiskloopError
from riskloop.serve.body import JSON
from riskloop.serve.direct import JSON_TYPE, DirectRequest
from riskloop.serve.door import GUARDING, Register, signed
from riskloop.serve.guard import CALLER, Endpoint, Guard
from riskloop.serve.journal import Kept
from riskloop.serve.predictions import Predictions
from riskloop.serve.problems import RequestRefused, refused, unexpected
from riskloop.serve.wire import Heads, Say, lines_of

_log = logging.getLogger("riskloop.serve")
_MORE = frozenset({b"content-encoding", b"idempotency-key", b"transfer-encoding", b"x-forwarded-for"})
"""Headers that ask for more than the plain road does."""


_ANSWERED = b"content-length: %%d\r\n%sx-request-id: %%s\r\n" % lines_of([JSON_TYPE, *GUARDING])
_JSON = (b"content-type", JSON.encode())
_FASTER = "send it in one go; a connection that waits for nothing may stay open between two requests"


class PlainRoad:
    """See :class:`riskloop.serve.wire.Plain`.

    Parameters
    ----------
    endpoint : callable
        What answers ``POST /predict`` otherwise: requests are counted under its name.
    """

    def __init__(self, register: Register, guard: Guard, predictions: Predictions, endpoint: Endpoint) -> None:
        self.heads = Heads()
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

    def take(self, scope: Any, body: bytes, say: Say) -> bool:
        """Admit, read, and ask for a decision."""
        started = perf_counter()
        self._register.enter(scope)
        scope["endpoint"] = self._endpoint
        request = DirectRequest(scope, _nothing)
        waiting = _Waiting(self._register, request, started, say)
        try:
            scope[CALLER] = self._guard.admit(request, "scorer")
            finish = self._predictions.plain(request, body, started, waiting)
        except Exception as error:  # told to the one who asked, like what goes wrong later
            waiting.set_exception(error)
            return True
        if finish is None:
            return False
        waiting.finish = finish
        return True

    def too_slow(self, say: Say) -> None:
        """Refuse what has not arrived, whatever it was going to be."""
        scope = {"type": "http", "method": "", "headers": []}
        waiting = _Waiting(self._register, Request(scope), perf_counter(), say)
        self._register.enter(scope)
        waiting.set_exception(
            RequestRefused(408, "too-slow", "The request took too long to arrive.", next_step=_FASTER)
        )


class _Waiting:
    """Who sent a plain request, and is told what becomes of it: see :class:`riskloop.serve.journal.Told`. Nothing that
    goes wrong here may reach those who are told next."""

    __slots__ = ("_register", "_request", "_say", "_started", "finish")

    def __init__(self, register: Register, request: Request, started: float, say: Say) -> None:
        self._register = register
        self._request = request
        self._started = started
        self._say: Say | None = say
        self.finish: Callable[[Kept], None] | None = None

    def done(self) -> bool:
        """Whether they have their answer."""
        return self._say is None

    def set_result(self, kept: Kept) -> None:
        """Answer, once the prediction is kept."""
        try:
            if self.finish:
                self.finish(kept)
            identity: str = self._request.scope["riskloop.request_id"]
            self._answer(200, _ANSWERED % (len(kept.answer), identity.encode("ascii")), kept.answer)
        except Exception as error:
            self.set_exception(error)

    def set_exception(self, error: BaseException) -> None:
        """Say what went wrong."""
        identity: str = self._request.scope["riskloop.request_id"]
        if isinstance(error, RiskloopError):
            response = refused(self._request, error)
        else:
            _log.error("request %s failed", identity, exc_info=error)
            response = unexpected(self._request)
        headers = lines_of(signed(response.raw_headers, identity))
        try:
            self._answer(response.status_code, headers, bytes(response.body))
        except Exception:
            _log.exception("request %s could not be answered", identity)

    def _answer(self, status: int, headers: bytes, body: bytes) -> None:
        say, self._say = self._say, None
        if say:
            self._register.leave(self._request.scope, status, self._started)
            say(status, headers, body)


async def _nothing() -> Any:
    raise RuntimeError("a plain request has been received as a whole")
