"""The direct road: a request for a prediction passes no router and no stack of the framework, which cost more than
the prediction."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

JSON_TYPE = (b"content-type", b"application/json")


class DirectRequest(Request):
    """A request whose headers are looked up rather than searched."""

    headers: IndexedHeaders = None  # type: ignore[assignment]  # in the place of a property that searches

    def __init__(self, scope: Scope, receive: Receive) -> None:  # nothing of what the framework prepares is asked for
        self.scope = scope
        self._receive = receive
        self.headers = IndexedHeaders(scope["headers"])


class IndexedHeaders:
    """Headers by name in lower case; of several of one name the first counts, as elsewhere."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = dict(reversed(raw))

    def get(self, name: str, other: str | None = None) -> str | None:
        """The value of a header; `other` without it."""
        value = self._raw.get(name.encode())
        return other if value is None else value.decode("latin-1")

    def __contains__(self, name: str) -> bool:
        return name.encode() in self._raw


class JsonBytes(Response):
    """JSON that is encoded already."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), JSON_TYPE]
