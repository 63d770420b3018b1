"""What the pages for people are to a service that knows nothing of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send


class Pages(Protocol):
    """Pages that share the port, the stores and the guard of the service.

    They are made once, when somebody first asks for one; their endpoints run on the event loop and must hand over what
    blocks it.
    """

    def routes(self) -> Sequence[Route]:
        """Where they are, each guarded by its role; ``/`` is one of them."""
        ...

    def login(self, request: Request, wrong: bool, status: int) -> Response:
        """The form that asks for a key; ``wrong`` after one that is not in force."""
        ...

    def missing(self, request: Request, status: int) -> Response:
        """What a browser gets where there is nothing, or nothing of that method."""
        ...


class LatePages:
    """Pages that are made, on a thread, when somebody first asks for one: whoever only scores waits for none of them.
    An ASGI application for all paths that the service itself does not know.

    Parameters
    ----------
    make : callable
        Makes the pages; imports what they need.
    paths : mapping
        The path of every endpoint of the service, to which theirs are added.
    """

    def __init__(self, make: Callable[[], Pages], paths: MutableMapping[Any, str]) -> None:
        self._make = make
        self._paths = paths
        self._making = threading.Lock()
        self._routes: Sequence[Route] = ()
        self._made: tuple[Pages, Router] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        made = self._made
        if made is None:
            made = await asyncio.to_thread(self._there)
        await made[1](scope, receive, send)

    async def missing(self, request: Request, status: int) -> Response:
        """See :meth:`Pages.missing`."""
        made = self._made
        if made is None:
            made = await asyncio.to_thread(self._there)
        return made[0].missing(request, status)

    def login(self, request: Request, wrong: bool, status: int) -> Response:
        """See :meth:`Pages.login`."""
        return self._there()[0].login(request, wrong, status)

    def routes(self) -> Sequence[Route]:
        """All of them, made if they were not."""
        self._there()
        return self._routes

    def _there(self) -> tuple[Pages, Router]:
        with self._making:
            if self._made is None:
                pages = self._make()
                self._routes = pages.routes()
                self._paths.update({route.endpoint: route.path for route in self._routes})
                self._made = pages, Router(self._routes, redirect_slashes=False)
        return self._made
