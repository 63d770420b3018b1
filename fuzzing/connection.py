"""Two ends of one connection without a network: what a service hears of the bytes that it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from riskloop.serve.wire import PLAIN, Heads, Say, Wire

Heard = tuple[Any, ...]


class _NoHeads(Heads):
    """Recognises nothing."""

    def learn(self, data: bytes, scope: Any, body: int) -> None:
        """Forget it."""


class _Road:
    """Notes plain requests, and answers them a moment later."""

    def __init__(self, heads: Heads, heard: list[Heard], loop: asyncio.AbstractEventLoop) -> None:
        self.heads, self._heard, self._loop = heads, heard, loop

    def wants(self, scope: Any) -> bool:
        return bool(scope["method"] == "POST" and scope["path"] == "/predict")

    def take(self, scope: Any, body: bytes, say: Say) -> bool:
        if not body.startswith(b"{"):
            return False
        self._heard.append(_told(scope, body))
        self._loop.call_soon(say, 200, b"content-length: 2\r\n", b"{}")
        return True

    def too_slow(self, say: Say) -> None:
        """Nobody is, here."""


def _told(scope: Any, body: bytes) -> Heard:
    names = "http_version", "method", "path", "raw_path", "query_string", "root_path", "scheme", "client", "server"
    return (*(scope[name] for name in names), tuple(scope["headers"]), body)


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self._closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)}.get(name, default)

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    def pause_reading(self) -> None:
        """There is no more to read than was given."""

    def resume_reading(self) -> None:
        """See above."""


def conversations(data: bytes) -> list[bytes]:
    """The pieces in which bytes arrive: the first byte says how long one is, the rest is sent, twice."""
    size, sent = (data[0] if data else 0), data[1:]
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)] if size > 1 else [sent]
    return pieces + pieces


def spoken(parts: Sequence[bytes], *, knows_heads: bool) -> tuple[list[Heard], list[bytes]]:
    """The requests that were heard, and the first lines of what was answered."""
    loop = asyncio.new_event_loop()
    heard: list[Heard] = []

    async def application(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        heard.append(_told(scope, body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    config = Config(application, http=Wire, ws="none", lifespan="off", log_config=None, access_log=False)
    state = {PLAIN: _Road(Heads() if knows_heads else _NoHeads(), heard, loop)}
    transport = _Transport()
    try:
        wire = Wire(config, ServerState(), state, loop)
        wire.connection_made(transport)
        for part in parts:
            if transport.is_closing():
                break
            wire.data_received(part)
            loop.run_until_complete(_settled())
        wire.connection_lost(None)
        loop.run_until_complete(_settled())
    finally:
        loop.close()
    return heard, [piece.split(b"\r\n", 1)[0] for piece in transport.sent if piece.startswith(b"HTTP/")]


async def _settled() -> None:
    for _ in range(8):
        await asyncio.sleep(0)
