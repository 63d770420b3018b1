"""``/login`` and ``/logout``: a person types a key once, a cookie stands for it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from riskloop.serve.body import read_body
from riskloop.serve.guard import Guard, local
from riskloop.serve.session import Sessions, set_cookie

FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 4_096
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,500}")
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 24rem; margin: 18vh auto 0; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
label { display: block; margin-bottom: .3rem; }
input, button { font: inherit; padding: .5rem .7rem; width: 100%; box-sizing: border-box; }
button { margin-top: .8rem; }
[role=alert] { border-left: 4px solid #d55e00; padding-left: .7rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


Draw = Callable[[Request, bool, int], Response]


class Login:
    """The pages of the session.

    Parameters
    ----------
    draw : callable, optional
        Draws the form in place of the plain one here: from the request, whether a key was wrong, and the status.
    """

    def __init__(
        self,
        project: str,
        guard: Guard,
        sessions: Sessions,
        *,
        clock: Callable[[], datetime],
        draw: Draw | None = None,
    ) -> None:
        self._draw = draw or self._plain
        self._project = project
        self._guard = guard
        self._sessions = sessions
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """``GET /login``: the form, or the first page where there is nothing to ask for."""
        if self._guard.caller(request) is not None:
            return RedirectResponse("/", 303)
        return self._draw(request, False, 200)

    async def begin(self, request: Request) -> Response:
        """``POST /login``: a session for the holder of the key."""
        _, data = await read_body(request, (FORM,), _LARGEST_FORM)
        form = parse_qs(data.decode("utf-8", "replace"))
        key = self._guard.key(form.get("key", [""])[0].strip())
        if key is None:
            return self._draw(request, True, 401)
        cookie = self._sessions.begin(key.key_id, self._clock().timestamp())
        return RedirectResponse(
            own_path(form.get("next", ["/"])[0]), 303, {"set-cookie": set_cookie(cookie, secure=_secure(request))}
        )

    async def end(self, request: Request) -> Response:
        """``POST /logout``: no session."""
        cookie = set_cookie("", secure=_secure(request), seconds=0)
        return RedirectResponse("/login", 303, {"set-cookie": cookie})

    def _plain(self, _request: Request, wrong: bool, status: int) -> Response:
        alert = '<p role="alert">This key is not in force.</p>' if wrong else ""
        html = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._project)} · riskloop</title><style>{_STYLE}</style></head><body><main>"
            f"<h1>{escape(self._project)}</h1>{alert}"
            '<form method="post" action="/login"><label for="key">API key</label>'
            '<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>'
            "<button>Log in</button></form></main></body></html>"
        )
        return Response(html, status, {"content-security-policy": _POLICY}, "text/html")


def own_path(path: str) -> str:
    """A path of this service, as it was asked for; the first page for anything else, such as another site."""
    return path if _OWN_PATH.fullmatch(path) else "/"


def _secure(request: Request) -> bool:
    """Beyond this machine a browser comes through TLS, here or at a proxy."""
    return request.url.scheme == "https" or not local(request)
