"""The application: stores, champion and endpoints, put together once."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from riskloop.bundle.sign import KeyRing
from riskloop.decide.arms import Exploration
from riskloop.errors import RiskloopError
from riskloop.keep.access import Access
from riskloop.keep.alerts import Alerts
from riskloop.keep.artifacts import Artifacts, Bundles
from riskloop.keep.checkpoints import Checkpoints
from riskloop.keep.customers import Customers
from riskloop.keep.database import open_database
from riskloop.keep.ledger import Ledger
from riskloop.keep.promotions import Promotions
from riskloop.keep.spool import Spool
from riskloop.keep.versions import Versions
from riskloop.keep.writer import GroupCommitWriter
from riskloop.serve.alerts import AlertsOverHttp
from riskloop.serve.body import JSON
from riskloop.serve.champion import BundleStore, Champion
from riskloop.serve.config import ServeConfig
from riskloop.serve.docs import Docs
from riskloop.serve.door import Door, Register
from riskloop.serve.erasure import Erasure
from riskloop.serve.guard import Guard, asks_for_a_page
from riskloop.serve.journal import Journal
from riskloop.serve.login import Login
from riskloop.serve.metrics import Metrics
from riskloop.serve.monitoring import Monitoring
from riskloop.serve.openapi import document
from riskloop.serve.outcomes import Outcomes
from riskloop.serve.pages import LatePages, Pages
from riskloop.serve.plain import PlainRoad
from riskloop.serve.predictions import Predictions
from riskloop.serve.problems import on_http_error, on_riskloop_error
from riskloop.serve.protocols import Protocols
from riskloop.serve.release import Release
from riskloop.serve.rollout import Shadow
from riskloop.serve.session import Sessions, shared_secret
from riskloop.serve.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from sqlalchemy import Engine

_DRAWN = 256
_UNFREED = 10_000
"""Objects that are made and not freed before circles are looked for."""


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """What is loaded now stays, and what requests leave frees itself: to look through either again and again for
    circles would hold up requests."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_UNFREED, *usual[1:])
    yield
    gc.set_threshold(*usual)


class NewIds:
    """Ids that are new and rise with time (UUID version 7, RFC 9562), so that the ledger's index of them grows at its
    end. Entropy is drawn for many at a time: to ask the system for each lets other threads interrupt every request."""

    def __init__(self) -> None:
        self._drawn: list[str] = []

    def __call__(self) -> str:
        """A new id."""
        while True:
            try:
                digits = self._drawn.pop()
            except IndexError:
                entropy = os.urandom(_DRAWN * 10).hex()
                self._drawn += [
                    f"7{entropy[at : at + 3]}{'89ab'[int(entropy[at + 3], 16) & 3]}{entropy[at + 4 : at + 19]}"
                    for at in range(0, len(entropy), 20)
                ]
            else:
                return f"{time.time_ns() // 1_000_000:012x}{digits}"


@dataclass(frozen=True)
class Services:
    """What one process serves with: whoever adds pages to it works on the same stores and the same champion."""

    config: ServeConfig
    engine: Engine
    ledger: Ledger
    versions: Versions
    promotions: Promotions
    access: Access
    customers: Customers
    alerts: Alerts
    champion: Champion
    store: BundleStore
    sessions: Sessions
    guard: Guard
    journal: Journal
    predictions: Predictions
    release: Release
    clock: Callable[[], datetime]


def create_app(
    config: ServeConfig,
    *,
    clock: Callable[[], datetime] = utc_now,
    new_id: Callable[[], str] | None = None,
    traces: TracerProvider | None = None,
    site: Callable[[Services], Pages] | None = None,
) -> Starlette:
    """The service as an ASGI application; its stores open and close with its lifespan.

    Parameters
    ----------
    clock : callable
        The time now; aware.
    new_id : callable, optional
        A new id, for predictions and for requests that bring none; random without it.
    traces : TracerProvider, optional
        Makes a span of every request.
    site : callable, optional
        Makes the pages for people; without it there is the API alone.

    Raises
    ------
    ConfigError, MissingExtra, Unavailable
        If the database URL cannot be used.
    """
    new_id = new_id or NewIds()
    engine = open_database(config.database_url, synchronous="FULL" if config.durability == "power" else "NORMAL")
    ledger, versions = Ledger(engine), Versions(engine)
    promotions = Promotions(engine, require_approval=config.four_eyes)
    bundles = Bundles(config.bundles, Artifacts(config.artifacts_url) if config.artifacts_url else None)
    store = BundleStore(bundles, KeyRing(config.keys))
    spool = Spool(config.spool) if config.spool else None
    writer = GroupCommitWriter(ledger, spool=spool)
    exploration = Exploration(config.exploration, config.exploration_salt) if config.exploration else None
    champion = Champion(
        promotions,
        versions,
        store,
        poll_seconds=config.poll_seconds,
        exploration=exploration,
        reasons=config.reasons,
    )
    journal = Journal(engine, ledger, writer, spool, in_passing=config.durability == "process")
    checkpoints = Checkpoints(engine, lambda: ledger.written_now)
    metrics = Metrics(champion, writer)
    shadow = Shadow(writer, metrics.predictions)
    metrics.watch(shadow)
    sessions = Sessions(shared_secret(config.keys / "session.secret"))
    access, customers, alerts = Access(engine), Customers(engine), Alerts(engine)
    guard = Guard(config, access, sessions, clock=clock)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with writer, champion, guard, shadow, checkpoints, predictions.uploads:
            with _seldom_collected():
                yield
            metrics.tell()
        ledger.close()
        engine.dispose()
        if traces:
            traces.shutdown()

    predictions = Predictions(config, champion, journal, customers, metrics, shadow, clock=clock, new_id=new_id)
    release = Release(config, champion, promotions, versions, store, clock=clock)
    monitoring = Monitoring(engine, champion, journal, metrics, spools=spool is not None)
    alarms = AlertsOverHttp(config, alerts, clock=clock)
    protocols = Protocols(config, champion, predictions.all_or_none)
    services = Services(
        config, engine, ledger, versions, promotions, access, customers, alerts, champion, store, sessions, guard,
        journal, predictions, release, clock,
    )  # fmt: skip
    paths: dict[Any, str] = {}
    pages = LatePages(partial(site, services), paths) if site else None
    docs = Docs(config.project, champion)
    login = Login(config.project, guard, sessions, clock=clock, draw=pages.login if pages else None)
    needs = guard.needs
    one = needs("scorer", predictions.one)
    routes = [
        Route("/predict", one, methods=["POST"]),
        Route("/predict/batch", needs("scorer", predictions.batch), methods=["POST"]),
        Route("/customers/{customer_id:path}/prediction", needs("scorer", predictions.stored)),
        Route(
            "/customers/{customer_id:path}/records",
            needs("admin", Erasure(ledger, spool).erase, privileged=True),
            methods=["DELETE"],
        ),
        Route("/outcomes", needs("scorer", Outcomes(config, ledger, clock=clock).record), methods=["POST"]),
        Route("/model", needs("viewer", release.model)),
        Route("/models", needs("viewer", release.models)),
        Route("/models/{version:int}/promote", needs("approver", release.promote, privileged=True), methods=["POST"]),
        Route("/rollback", needs("approver", release.rollback, privileged=True), methods=["POST"]),
        Route("/alerts", needs("viewer", alarms.list)),
        Route(
            "/alerts/{alert_id:int}/acknowledge",
            needs("approver", alarms.acknowledge, privileged=True),
            methods=["POST"],
        ),
        Route("/invocations", needs("scorer", protocols.invocations), methods=["POST"]),
        Route("/v2/models/{name}/infer", needs("scorer", protocols.infer), methods=["POST"]),
        Route("/v2/models/{name}", needs("viewer", protocols.metadata)),
        Route("/v2", needs("viewer", protocols.server)),
        Route("/ping", protocols.ping),
        Route("/v2/health/live", protocols.live),
        Route("/v2/health/ready", protocols.ready),
        Route("/v2/models/{name}/ready", protocols.ready),
        Route("/health", monitoring.health),
        Route("/ready", monitoring.ready),
        Route("/metrics", needs("viewer", monitoring.metrics)),
        Route("/monitoring", needs("viewer", monitoring.counts)),
        Route("/login", login.show),
        Route("/login", login.begin, methods=["POST"]),
        Route("/logout", login.end, methods=["POST"]),
        Route("/docs", needs("viewer", docs.show, page=True)),
        Route("/openapi.json", needs("viewer", Description(config.project, champion).show)),
    ]
    if not pages:
        routes.append(Route("/", needs("viewer", docs.show, page=True)))
    paths |= {route.endpoint: route.path for route in routes}

    app = _application(routes, lifespan, pages)
    register = Register(metrics, paths, new_id)
    plain = PlainRoad(register, guard, predictions, one)
    app.add_middleware(
        Door,
        register=register,
        direct={("POST", "/predict"): one},
        plain=None if traces else plain,  # what takes the plain road makes no span
    )
    if traces:
        app.add_middleware(Tracing, provider=traces, routes=paths)
    return app


def _application(
    routes: list[Route], lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]], pages: LatePages | None
) -> Starlette:
    async def on_http(request: Request, error: Exception) -> Response:
        if pages and isinstance(error, HTTPException) and asks_for_a_page(request):
            return await pages.missing(request, error.status_code)
        return await on_http_error(request, error)

    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={RiskloopError: on_riskloop_error, HTTPException: on_http},
    )
    app.router.redirect_slashes = False
    if pages:
        app.router.default = pages
    return app


class Description:
    """``GET /openapi.json``: made anew when the champion changes."""

    def __init__(self, project: str, champion: Champion) -> None:
        self._project = project
        self._champion = champion
        self._made: tuple[str, bytes] | None = None

    async def show(self, _request: Request) -> Response:
        """The document as JSON."""
        live = self._champion.live
        digest = live.bundle.digest if live else ""
        made = self._made
        if made is None or made[0] != digest:
            text = msgspec.json.encode(document(self._project, live.bundle if live else None))
            self._made = made = (digest, text)
        return Response(made[1], media_type=JSON)
