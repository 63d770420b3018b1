"""What the pages for people are to a service that knows nothing of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Pages(Protocol):
    """Pages that share the port, the stores and the guard of the service.

    They are made once, before the stores open; their endpoints run on the event loop and must hand over what blocks it.
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
