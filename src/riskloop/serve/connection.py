"""A connection: its place among those of this process, and the time in which a request has to arrive.

A server that leaves out either can be held up by anyone: with connections that say nothing, or say it letter by letter.
Here those that were there first are answered whoever comes after them, and a place is lost to whoever does not use it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

NO_ROOM = "riskloop.no_room"
"""In a request's scope: it came over a connection beyond those that are allowed, and is refused at the door."""
PATIENCE_SECONDS = 20.0
"""A request has to arrive within so long, and a second more for each ``SLOWEST`` bytes of it."""
SLOWEST = 500
NO_ROOM_SECONDS = 5.0
"""A connection for which there is no room may say nothing for so long."""


class Connection(HttpToolsProtocol):
    """uvicorn's own, with a place and a time."""

    _beyond = False
    _between = True
    """Whether the parser stands between two requests."""
    _began_at = 0.0
    """When the connection was made; later, when the request that is arriving began to."""
    _bytes = 0
    """What came since then."""
    _used = False
    """Whether a request ever began."""
    _watch: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._places, self.limit_concurrency = self.limit_concurrency, None  # refused at the door, as all others are

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._beyond = self._places is not None and len(self.connections) > self._places
        self._began_at = self.loop.time()
        self._watch = self.loop.call_later(self._patience, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._watch:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._bytes += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """See uvicorn."""
        self._between, self._used = False, True
        self._began_at, self._bytes = self.loop.time(), 0
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """See uvicorn."""
        self._between = True
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._has_no_room():
            cycle.scope[NO_ROOM] = True  # type: ignore[literal-required]
            cycle.keep_alive = False
        super()._start_asgi_task(cycle, app)

    def _has_no_room(self) -> bool:
        return self._beyond or (self._places is not None and len(self.tasks) >= self._places)

    @property
    def _patience(self) -> float:
        return NO_ROOM_SECONDS if self._beyond else PATIENCE_SECONDS

    def _look(self) -> None:
        """Close the connection if it has taken too long, and look again when it might have."""
        if self.transport.is_closing():
            return
        left, now = self._patience, self.loop.time()
        if self._waits_for_us():
            self._began_at = now
        elif not self._between or not self._used:
            left += self._began_at + self._bytes / SLOWEST - now
        if left <= 0:
            self._close_slow()
        else:
            self._watch = self.loop.call_later(min(left, self._patience), self._look)

    def _waits_for_us(self) -> bool:
        """Whether it is this process that takes its time."""
        answering = self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete
        return self.flow.read_paused or answering

    def _close_slow(self) -> None:
        answered = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if not self._between and not answered:
            self._say_too_slow()
        self.transport.close()

    def _say_too_slow(self) -> None:
        """Tell the other side why it is closed."""
