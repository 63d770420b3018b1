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
from riskloop.serve.direct import DirectRequest, JsonBytes
from riskloop.serve.guard import Endpoint
from riskloop.serve.logs import ACCESS
from riskloop.serve.metrics import Metrics
from riskloop.serve.problems import on_riskloop_error, unexpected

_log = logging.getLogger("riskloop.serve")
_access = logging.getLogger(ACCESS)
_REQUEST_ID = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_NAMES = frozenset(name for name, _ in _HEADERS)


class Door:
    """ASGI middleware around the whole application.

    Parameters
    ----------
    routes : mapping
        The path of every endpoint: what requests are counted under, so that an id in a path makes no new metric.
    direct : mapping
        Endpoints by method and path that are asked without the application in between.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        routes: Mapping[Any, str],
        new_id: Callable[[], str],
        direct: Mapping[tuple[str, str], Endpoint],
    ) -> None:
        self._app = app
        self._direct = direct
        self._metrics = metrics
        self._routes = routes
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        status = 0
        scope["riskloop.request_id"] = identity = self._identify(scope)

        async def send_signed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _signed(message["headers"], identity)
            await send(message)

        try:
            endpoint = self._direct.get((scope["method"], scope["path"]))
            if endpoint is None:
                await self._app(scope, receive, send_signed)
            else:
                response = await _ask(endpoint, scope, receive)
                if type(response) is JsonBytes:  # what most answers are: said with as few calls as can be
                    status = response.status_code
                    headers = [*response.raw_headers, *_HEADERS, (b"x-request-id", identity.encode("ascii"))]
                    await send({"type": "http.response.start", "status": status, "headers": headers})
                    await send({"type": "http.response.body", "body": response.body})
                else:
                    await response(scope, receive, send_signed)
        except Exception:
            _log.exception("request %s failed", identity)
            if status:
                raise
            await unexpected(Request(scope))(scope, receive, send_signed)
        finally:
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


def _signed(headers: list[tuple[bytes, bytes]], identity: str) -> list[tuple[bytes, bytes]]:
    own = {name for name, _ in headers}
    added = _HEADERS if _NAMES.isdisjoint(own) else [header for header in _HEADERS if header[0] not in own]
    return [*headers, *added, (b"x-request-id", identity.encode("ascii"))]
