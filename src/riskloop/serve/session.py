"""Sessions for people: a key is typed once, and a signed cookie stands for it until it ends or the key is revoked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

COOKIE = "riskloop_session"
SECONDS = 8 * 3600
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """Whose session it is, when it ends (seconds since 1970), and the token that forms must bring (CSRF)."""

    key_id: str
    ends: int
    csrf: str


class Sessions:
    """Makes and reads cookies, with a secret that all workers share.

    Parameters
    ----------
    secret : bytes
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def begin(self, key_id: str, now: float) -> str:
        """The value of a cookie."""
        body = f"{key_id}.{int(now) + SECONDS}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._sign('session', body)}"

    def read(self, cookie_header: str, now: float) -> Session | None:
        """The session of a request; None without one, or if it is forged or over."""
        try:
            held = SimpleCookie(cookie_header).get(COOKIE)
        except CookieError:
            return None
        body, _, signature = (held.value if held else "").rpartition(".")
        if not body.isascii() or not hmac.compare_digest(self._sign("session", body), signature):
            return None
        key_id, ends, _ = body.split(".")
        if int(ends) <= now:
            return None
        return Session(key_id, int(ends), self._sign("csrf", body))

    @property
    def csrf_of_nobody(self) -> str:
        """The token of forms where the service asks for no keys: another site cannot read it."""
        return self._sign("csrf", "nobody")

    def _sign(self, purpose: str, body: str) -> str:
        digest = hmac.new(self._secret, f"{purpose}:{body}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def set_cookie(value: str, *, secure: bool, seconds: int = SECONDS) -> str:
    """The header that gives a browser its cookie: never to scripts, never to other sites."""
    end = f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}"
    return f"{end}; Secure" if secure else end


def shared_secret(path: Path) -> bytes:
    """The secret of all workers, made when first asked for; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(_SECRET_BYTES))
        try:
            os.link(draft, path)  # whoever is first; the others read what that one wrote
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_bytes()
