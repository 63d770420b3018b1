"""The wire: a connection that answers a plain request for a prediction without a task and a coroutine.

Whatever is not plain goes to the application as ever: there is one place for each refusal. What is plain is up to
:class:`Plain`, which the door leaves in the lifespan's state under ``PLAIN``; without one everything is left to
the application.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from riskloop.serve.connection import Connection

PLAIN = "riskloop.plain"
LONGEST = 32 * 1024
"""Bytes of a body; above, reading has to be held up, which the application knows how to do."""
LONGEST_HEAD = 2 * 1024
MOST_HEADS = 2048
END = b"\r\n\r\n"
_FOR_ONE = frozenset({b"x-request-id", b"traceparent", b"upgrade"})
"""A head with one of these is sent once."""
_OF_HEAD = (
    "type",
    "asgi",
    "http_version",
    "method",
    "path",
    "raw_path",
    "query_string",
    "root_path",
    "scheme",
    "headers",
)


Say = Callable[[int, bytes, bytes], None]
"""Answers a plain request, once: with its status, its headers as lines, and its body."""


class Heads:
    """Heads of plain requests: line of request and headers, byte for byte, that the parser has read before, each with
    what the parser made of it. Whoever sends the next customer sends the same head again, which then needs no parser.

    It understands nothing of HTTP: what is not equal to the last byte goes to the parser.
    """

    def __init__(self) -> None:
        self._scopes: dict[bytes, tuple[Any, int]] = {}
        self._default: Sequence[tuple[bytes, bytes]] = ()
        self._lines = b""

    def learn(self, data: bytes, scope: Any, body: int) -> None:
        """Remember the head of a request which, with a body of so many bytes, is all of `data`."""
        head = data[: data.find(END) + len(END)]
        told = next((value for name, value in scope["headers"] if name == b"content-length"), None)
        fits = len(head) + body == len(data) and told == b"%d" % body and len(head) <= LONGEST_HEAD
        if fits and data.startswith(b"POST ") and _FOR_ONE.isdisjoint([name for name, _ in scope["headers"]]):
            if len(self._scopes) >= MOST_HEADS:
                self._scopes.clear()
            self._scopes[head] = ({name: scope[name] for name in _OF_HEAD}, body)

    def read(self, data: bytes) -> tuple[Any, bytes] | None:
        """Scope and body of a request that is all of `data`, if its head is known."""
        at = data.find(END) + len(END)
        known = self._scopes.get(data[:at])
        if known is None or len(data) - at != known[1]:
            return None
        return known[0].copy(), data[at:]

    def lines(self, default: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The server's own headers as lines; it makes them anew once a second."""
        if default is not self._default:
            self._default, self._lines = default, lines_of(default)
        return self._lines


class Plain(Protocol):
    """Takes plain requests."""

    heads: Heads

    def wants(self, scope: Any) -> bool:
        """Whether a request looks plain, by its method, path and headers."""

    def take(self, scope: Any, body: bytes, say: Say) -> bool:
        """Start with a request, which is answered now or later; False if it is not plain after all, and nothing has
        been done."""

    def too_slow(self, say: Say) -> None:
        """Answer a request that took too long to arrive."""


def lines_of(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Headers as lines."""
    return b"".join([b"%s: %s\r\n" % pair for pair in headers])


class Wire(Connection):
    """One connection."""

    _pending: RequestResponseCycle | None = None
    """A plain request whose body has not come yet."""
    _came: bytes | None = None
    """What the parser is reading, where it began to read between two requests."""
    _asked = False
    """Whether a request with a known head waits for its answer."""
    _later = b""
    """What came while it waited."""
    _ends = False
    """Whether the connection ends with that answer."""
    _answered_at = 0.0

    def data_received(self, data: bytes) -> None:
        """See asyncio; a request whose head is known needs no parser."""
        if self._asked:
            self._later += data
            self.flow.pause_reading()
        elif not self._take_known(data):
            self._came = data if self._at_rest() else None
            super().data_received(data)
            self._came = None

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

    def shutdown(self) -> None:
        """See uvicorn; who waits for an answer gets it first."""
        if self._asked:
            self._ends = True
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """See uvicorn; the time counts from the last answer."""
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if self._asked or left > 0:  # to set the timer anew for each answer would cost more than to look again
            self.timeout_keep_alive_task = self.loop.call_later(max(left, 1.0), self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _at_rest(self) -> bool:
        return (
            self._between and (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing()
        )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        plain: Plain | None = self.app_state.get(PLAIN)
        if plain is None or self._has_no_room() or cycle.waiting_for_100_continue or not plain.wants(cycle.scope):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._pending = cycle
        else:
            self._take(cycle, plain)

    def _take(self, cycle: RequestResponseCycle, plain: Plain) -> None:
        if self._came is not None and cycle.keep_alive:
            plain.heads.learn(self._came, cycle.scope, len(cycle.body))
        if not plain.take(cycle.scope, bytes(cycle.body), partial(self._say, cycle)):
            super()._start_asgi_task(cycle, self.app)

    def _say(self, cycle: RequestResponseCycle, status: int, headers: bytes, body: bytes) -> None:
        if cycle.disconnected or self.transport.is_closing():
            return
        self._write(status, headers, body, ends=not cycle.keep_alive)
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _take_known(self, data: bytes) -> bool:
        """Start with a request whose head is known; False if it is none, and nothing has been done."""
        plain: Plain | None = self.app_state.get(PLAIN)
        known = plain.heads.read(data) if plain is not None and self._at_rest() else None
        if plain is None or known is None or self._has_no_room():
            return False
        scope, body = known
        scope["client"], scope["server"] = self.client, self.server
        self._asked = self._used = True
        if not plain.take(scope, body, self._say_known):
            self._asked = False
            return False
        return True

    def _say_known(self, status: int, headers: bytes, body: bytes) -> None:
        self._asked = False
        if self.transport.is_closing():
            return
        self._write(status, headers, body, ends=self._ends)
        self.server_state.total_requests += 1
        if self._ends:
            self.transport.close()
            return
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        if self._later:
            later, self._later = self._later, b""
            self.flow.resume_reading()
            self.data_received(later)

    def _say_too_slow(self) -> None:
        plain: Plain | None = self.app_state.get(PLAIN)
        if plain:
            plain.too_slow(partial(self._write, ends=True))

    def _write(self, status: int, headers: bytes, body: bytes, *, ends: bool) -> None:
        own = self.app_state[PLAIN].heads.lines(self.server_state.default_headers)
        end = b"connection: close\r\n\r\n" if ends else b"\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], own, headers, end, body)))
