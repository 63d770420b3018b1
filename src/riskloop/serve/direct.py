"""The direct road: a request for a prediction passes no router and no stack of the framework, which cost more than
the prediction."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

JSON_TYPE = (b"content-type", b"application/json")


class DirectRequest(Request):
    """A request whose headers are looked up rather than searched."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._headers = IndexedHeaders(scope)  # what the property of that name returns


class IndexedHeaders(Headers):
    """Headers by name; of several of one name the first counts, as elsewhere."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self._by_name = dict(reversed(self._list))

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        found = self._by_name.get(key.lower().encode("latin-1"))
        return default if found is None else found.decode("latin-1")


class JsonBytes(Response):
    """JSON that is encoded already."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), JSON_TYPE]
