"""The wire: uvicorn's own protocol, which answers a plain request for a prediction without a task and a coroutine.

Whatever is not plain goes to the application as ever: there is one place for each refusal. What is plain is up to
:class:`Plain`, which the door leaves in the lifespan's state under ``PLAIN``; without one everything is left to
the application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

PLAIN = "riskloop.plain"
LONGEST = 32 * 1024
"""Bytes of a body; above, reading has to be held up, which the application knows how to do."""


class Answered(Protocol):
    """What becomes of a plain request: its status, its headers as lines, and its body; it never fails."""

    def __call__(self) -> tuple[int, bytes, bytes]: ...


class Plain(Protocol):
    """Takes plain requests."""

    def wants(self, scope: Any) -> bool:
        """Whether a request looks plain, by its method, path and headers."""

    def take(self, scope: Any, body: bytes) -> tuple[asyncio.Future[Any] | None, Answered] | None:
        """Start with a request: what to wait for, if anything, and what asks for its answer then; None if it is not
        plain after all, and nothing has been done."""


def lines_of(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Headers as lines."""
    return b"".join([b"%s: %s\r\n" % pair for pair in headers])


class Wire(HttpToolsProtocol):
    """One connection."""

    _pending: RequestResponseCycle | None = None
    """A plain request whose body has not come yet."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        plain: Plain | None = self.app_state.get(PLAIN)
        if plain is None or app is not self.app or cycle.waiting_for_100_continue or not plain.wants(cycle.scope):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._pending = cycle
        else:
            self._take(cycle, plain)

    def on_body(self, body: bytes) -> None:
        """See uvicorn; a body that grows too long takes the usual road."""
        super().on_body(body)
        if self._pending is not None and len(self._pending.body) > LONGEST:
            cycle, self._pending = self._pending, None
            super()._start_asgi_task(cycle, self.app)

    def on_message_complete(self) -> None:
        """See uvicorn; a plain request is answered here."""
        super().on_message_complete()
        if self._pending is not None:
            cycle, self._pending = self._pending, None
            self._take(cycle, self.app_state[PLAIN])

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._pending = None
        super().connection_lost(exc)

    def _take(self, cycle: RequestResponseCycle, plain: Plain) -> None:
        taken = plain.take(cycle.scope, bytes(cycle.body))
        if taken is None:
            super()._start_asgi_task(cycle, self.app)
            return
        told, answered = taken
        if told is None:
            self._say(cycle, answered)
        else:
            told.add_done_callback(partial(self._say, cycle, answered))

    def _say(self, cycle: RequestResponseCycle, answered: Answered, _told: object = None) -> None:
        status, headers, body = answered()
        if cycle.disconnected or self.transport.is_closing():
            return
        own = lines_of(self.server_state.default_headers)
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], own, headers, end, body)))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
