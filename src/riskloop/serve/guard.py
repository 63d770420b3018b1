"""The guard: who calls, whether they may, and how often."""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from riskloop.errors import RiskloopError, Unavailable
from riskloop.keep.access import PREFIX, Access, ApiKey, Call, Role, hash_of, may
from riskloop.serve.config import ServeConfig, is_loopback
from riskloop.serve.problems import RequestRefused, request_id, status_of
from riskloop.serve.session import Session, Sessions

Endpoint = Callable[[Request], Awaitable[Response]]
CALLER = "riskloop.caller"
CSRF_HEADER = "x-csrf-token"
FORM_TOKEN = "riskloop.form_token"  # noqa: S105 - where it is, not what it is
"""Where whoever has read a form leaves its token: a browser without scripts sends no header of its own."""
_SAFE = frozenset({"GET", "HEAD"})
_log = logging.getLogger("riskloop.serve")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes
    ----------
    name : str or None
        The holder of the key; None where the service asks for none.
    role : Role
    key_id : str or None
    session : Session or None
        Where a browser calls.
    """

    name: str | None
    role: Role
    key_id: str | None = None
    session: Session | None = None


NOBODY = Caller(None, "admin")
"""Who calls a service that asks for no key: it can be reached from its own machine only."""


class Bucket:
    """Tokens that fill up at a rate (token bucket): one is taken per request."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, now

    def take(self, now: float) -> float:
        """0 if a token was there, else the seconds until there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class Guard:
    """Admits requests. Keys are read anew by a thread: a revoked one is refused within a second.

    Parameters
    ----------
    monotonic : callable
        Seconds that only grow, for the limits.
    """

    def __init__(
        self,
        config: ServeConfig,
        access: Access,
        sessions: Sessions,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._access = access
        self._sessions = sessions
        self._clock = clock
        self._monotonic = monotonic
        self._keys: Mapping[str, ApiKey] = {}
        self._by_id: Mapping[str, ApiKey] = {}
        self._buckets: dict[str | None, Bucket] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="riskloop-keys", daemon=True)

    @property
    def asks_for_keys(self) -> bool:
        """Whether a call needs a key: as soon as there is one, and always beyond this machine."""
        return self._config.guarded or bool(self._keys)

    def __enter__(self) -> Guard:
        self.refresh()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def refresh(self) -> None:
        """Read the keys now; those known stay in force while the database is away."""
        try:
            keys = self._access.in_force()
        except Unavailable as error:
            _log.warning("the keys cannot be read: %s", error)
            return
        self._keys, self._by_id = keys, {key.key_id: key for key in keys.values()}

    def _follow(self) -> None:
        while not self._stop.wait(self._config.poll_seconds):
            try:
                self.refresh()
            except Exception:  # the thread must live: keys that are no longer followed cannot be revoked
                _log.exception("the keys could not be followed")

    def needs(self, role: Role, endpoint: Endpoint, *, privileged: bool = False, page: bool = False) -> Endpoint:
        """An endpoint that answers callers of that role.

        Parameters
        ----------
        privileged : bool
            Whether every call is kept in the log, refused ones too.
        page : bool
            Whether one without a session is sent to the login.
        """

        async def guarded(request: Request) -> Response:
            try:
                caller = request.scope.get(CALLER) or self.admit(request, role)
                request.scope[CALLER] = caller
            except RequestRefused as refusal:
                if page and refusal.status == 401 and request.method in _SAFE:
                    return RedirectResponse("/login", 303)
                if privileged:
                    await self._record(request, self.caller(request), refusal.status)
                raise
            if not privileged:
                return await endpoint(request)
            return await self._recorded(request, endpoint, caller)

        return in_role(role, guarded)

    async def _recorded(self, request: Request, endpoint: Endpoint, caller: Caller) -> Response:
        try:
            response = await endpoint(request)
        except RiskloopError as error:
            await self._record(request, caller, status_of(error))
            raise
        except Exception:
            await self._record(request, caller, 500)
            raise
        await self._record(request, caller, response.status_code)
        return response

    async def _record(self, request: Request, caller: Caller | None, status: int) -> None:
        call = Call(
            at=self._clock(),
            actor=(caller.name if caller else None) or "anonymous",
            key_id=caller.key_id if caller else None,
            method=request.method,
            path=_told_path(request),
            status=status,
            request_id=request_id(request),
            address=request.client.host if request.client else None,
        )
        try:
            await asyncio.to_thread(self._access.record, call)
        except Unavailable:
            _log.exception("a privileged call could not be logged: %s", call)
            raise

    def admit(self, request: Request, role: Role) -> Caller:
        """The caller, who may do what the role may.

        Raises
        ------
        RequestRefused
            401 without a key in force, 403 if its role does not suffice or a form was not the service's own, 429 above
            the limit.
        """
        caller = self.caller(request)
        if caller is None:
            raise RequestRefused(
                401,
                "unauthenticated",
                "This service asks for an API key in force.",
                next_step="send Authorization: Bearer rk_..., made by `riskloop keys add`",
            )
        self._limit(caller)
        if caller.session and request.method not in _SAFE and not self._own_form(request, caller.session):
            raise RequestRefused(
                403, "cross-site", "This form is not of this service.", next_step="reload the page and send it again"
            )
        if not may(caller.role, role):
            raise RequestRefused(
                403, "forbidden", f"The role {caller.role} may not do this.", next_step=f"use a key of the role {role}"
            )
        return caller

    def caller(self, request: Request) -> Caller | None:
        """Who calls, by key or by session; None if a key is needed and none is in force."""
        token = bearer(request)
        if token is not None:
            key = self._keys.get(hash_of(token)) if token.startswith(PREFIX) else None
            return Caller(key.name, key.role, key.key_id) if key else None
        if not self.asks_for_keys:
            return NOBODY
        session = self._sessions.read(request.headers.get("cookie", ""), self._clock().timestamp())
        held = self._by_id.get(session.key_id) if session else None
        return Caller(held.name, held.role, held.key_id, session) if held else None

    def key(self, token: str) -> ApiKey | None:
        """The key in force of that token."""
        return self._keys.get(hash_of(token))

    def _own_form(self, request: Request, session: Session) -> bool:
        token = request.headers.get(CSRF_HEADER) or request.scope.get(FORM_TOKEN, "")
        return hmac.compare_digest(str(token).encode(), session.csrf.encode())

    def _limit(self, caller: Caller) -> None:
        rate = self._config.requests_per_second
        if rate is None:
            return
        share, now = rate / self._config.workers, self._monotonic()
        bucket = self._buckets.get(caller.key_id)
        if bucket is None:
            bucket = self._buckets[caller.key_id] = Bucket(share, max(1.0, 2 * share), now)
        if wait := bucket.take(now):
            raise RequestRefused(
                429,
                "too-many-requests",
                f"More than {rate:g} requests a second.",
                next_step="send again after Retry-After",
                retry_after=math.ceil(wait),
            )


def _told_path(request: Request) -> str:
    """The path as it is kept: without the id of a customer, who may be erased."""
    customer = request.path_params.get("customer_id")
    return request.url.path.replace(customer, "{customer_id}") if customer else request.url.path


def in_role(role: Role, endpoint: Endpoint) -> Endpoint:
    """The endpoint, which tells whom it is for as ``role``."""
    endpoint.role = role  # type: ignore[attr-defined]
    return endpoint


def only_from_this_machine(request: Request) -> None:
    """Where there are no keys, refuse what comes from elsewhere.

    Raises
    ------
    RequestRefused
        403.
    """
    if not local(request):
        raise RequestRefused(
            403,
            "not-local",
            "Without API keys this is done from this machine only, by its loopback address.",
            next_step="make an API key with `riskloop keys add`, or use the command line where the service runs",
        )


def asks_for_a_page(request: Request) -> bool:
    """Whether a browser asks, for something to look at."""
    return "text/html" in request.headers.get("accept", "")


def bearer(request: Request) -> str | None:
    """The token of the Authorization header; None without one."""
    told = request.headers.get("authorization")
    if told is None:
        return None
    scheme, _, token = told.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def caller_of(request: Request) -> Caller:
    """Who calls, once admitted."""
    caller: Caller = request.scope.get(CALLER, NOBODY)
    return caller


def local(request: Request) -> bool:
    """Whether the call comes from this machine. A name that merely resolves to loopback does not count: a web page
    could have made it do so."""
    sender = request.client.host if request.client else ""
    return is_loopback(sender) and is_loopback(request.url.hostname or "")
