"""The door: every request gets an id, every answer its headers, every failure a problem document."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskloop.errors import RiskloopError
from riskloop.serve.connection import NO_ROOM
from riskloop.serve.direct import DirectRequest
from riskloop.serve.guard import Endpoint
from riskloop.serve.logs import ACCESS
from riskloop.serve.metrics import Metrics
from riskloop.serve.problems import RequestRefused, on_riskloop_error, refused, unexpected
from riskloop.serve.wire import PLAIN, Plain

_log = logging.getLogger("riskloop.serve")
_access = logging.getLogger(ACCESS)
_REQUEST_ID = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")
GUARDING = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Headers of every answer."""

_NAMES = frozenset(name for name, _ in GUARDING)


class Register:
    """What is known of every request: its id, and at the end its route, status and time, in metrics and log.

    Parameters
    ----------
    routes : mapping
        The path of every endpoint: what requests are counted under, so that an id in a path makes no new metric.
    new_id : callable
        An id for requests that bring none.
    """

    def __init__(self, metrics: Metrics, routes: Mapping[Any, str], new_id: Callable[[], str]) -> None:
        self._metrics = metrics
        self._routes = routes
        self._new_id = new_id

    def enter(self, scope: Scope) -> str:
        """Give a request its id."""
        scope["riskloop.request_id"] = identity = self._identify(scope)
        return identity

    def leave(self, scope: Scope, status: int, started: float) -> None:
        """A request has been answered."""
        route = self._routes.get(scope.get("endpoint"), "none")
        seconds = perf_counter() - started
        self._metrics.request(route, _method(scope), status, seconds)
        if _access.isEnabledFor(logging.INFO):
            _access.info("%s %s %s", _method(scope), route, status, extra=_facts(scope, route, status, seconds))

    def _identify(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = str(value, "latin-1")
                return given if _REQUEST_ID.fullmatch(given) else self._new_id()
        return self._new_id()


class Door:
    """ASGI middleware around the whole application.

    Parameters
    ----------
    direct : mapping
        Endpoints by method and path that are asked without the application in between.
    plain : Plain, optional
        Told to a server that knows what to do with it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        register: Register,
        direct: Mapping[tuple[str, str], Endpoint],
        plain: Plain | None = None,
    ) -> None:
        self._app = app
        self._direct = direct
        self._plain = plain
        self._register = register

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            if self._plain and "state" in scope:
                scope["state"][PLAIN] = self._plain
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        status = 0
        identity = self._register.enter(scope)

        async def send_signed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = signed(message["headers"], identity)
            await send(message)

        try:
            endpoint = self._direct.get((scope["method"], scope["path"]))
            if NO_ROOM in scope:
                await refused(Request(scope), _no_room())(scope, receive, send_signed)
            elif endpoint is None:
                await self._app(scope, receive, send_signed)
            else:
                await (await _ask(endpoint, scope, receive))(scope, receive, send_signed)
        except Exception:
            _log.exception("request %s failed", identity)
            if status:
                raise
            await unexpected(Request(scope))(scope, receive, send_signed)
        finally:
            self._register.leave(scope, status, started)


def _no_room() -> RequestRefused:
    message = "The service has as many connections as it may hold."
    step = "close connections that wait for nothing and try again; serving.max_connections says how many there may be"
    return RequestRefused(503, "no-room", message, next_step=step)


async def _ask(endpoint: Endpoint, scope: Scope, receive: Receive) -> Response:
    request = DirectRequest(scope, receive)
    scope["endpoint"] = endpoint
    try:
        return await endpoint(request)
    except RiskloopError as error:
        return await on_riskloop_error(request, error)


def _facts(scope: Scope, route: str, status: int, seconds: float) -> dict[str, Any]:
    """Of a request for the log: its route, not its path, which may name a customer."""
    caller = scope.get("riskloop.caller")
    return {
        "request_id": scope["riskloop.request_id"],
        "method": _method(scope),
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 3),
        "caller": caller.name if caller else None,
    }


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in {"GET", "POST", "HEAD", "DELETE"} else "other"


def signed(headers: list[tuple[bytes, bytes]], identity: str) -> list[tuple[bytes, bytes]]:
    """Headers of an answer, with those that every answer has."""
    own = {name for name, _ in headers}
    added = GUARDING if _NAMES.isdisjoint(own) else [header for header in GUARDING if header[0] not in own]
    return [*headers, *added, (b"x-request-id", identity.encode("ascii"))]
