"""Style, script and icon: read once, compressed once, kept by browsers until they change."""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

_TYPES = {"app.css": "text/css", "app.js": "text/javascript", "icon.svg": "image/svg+xml"}


class Assets:
    """The files in ``static``; their address holds a hash of them all."""

    def __init__(self) -> None:
        folder = files("riskloop.web") / "static"
        self._plain = {name: (folder / name).read_bytes() for name in _TYPES}
        self._packed = {name: gzip.compress(data, 9, mtime=0) for name, data in self._plain.items()}
        self.mark = hashlib.sha256(b"".join(self._plain.values())).hexdigest()[:12]

    async def show(self, request: Request) -> Response:
        """``GET /static/{mark}/{name}``."""
        name = request.path_params["name"]
        if name not in _TYPES:
            return Response("", 404)
        headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self._packed[name], 200, headers | {"content-encoding": "gzip"}, _TYPES[name])
        return Response(self._plain[name], 200, headers, _TYPES[name])
