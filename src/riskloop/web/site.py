"""The site: pages over the stores and the champion of one service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.errors import BundleRefused, NotFound, RiskloopError
from riskloop.explain.reasoner import Reasoner
from riskloop.keep.access import Role
from riskloop.serve.api import Services
from riskloop.serve.guard import (
    CSRF_HEADER,
    FORM_TOKEN,
    NOBODY,
    Endpoint,
    caller_of,
    in_role,
    only_from_this_machine,
)
from riskloop.serve.problems import RequestRefused, status_of
from riskloop.serve.rollout import Live
from riskloop.web.assets import Assets
from riskloop.web.book import Book
from riskloop.web.book import Page as BookPage
from riskloop.web.cards import Cards
from riskloop.web.forms import LARGEST_FORM, read_form
from riskloop.web.jobs import Jobs
from riskloop.web.reports import reports_folder
from riskloop.web.visit import Upload, Visit, preferences

if TYPE_CHECKING:
    from jinja2 import Environment
    from sqlalchemy import Engine

Page = Callable[[Visit], Awaitable[Response]]
Found = TypeVar("Found")
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self' data:; script-src 'self'; style-src 'self'"
)
_MOST_RECALLED = 8


@dataclass(frozen=True)
class Place:
    """A page in the navigation."""

    name: str
    path: str
    role: Role


PLACES = (
    Place("overview", "/", "viewer"),
    Place("score", "/score", "scorer"),
    Place("worklist", "/worklist", "scorer"),
    Place("models", "/versions", "viewer"),
    Place("thresholds", "/thresholds", "viewer"),
    Place("monitoring", "/watch", "viewer"),
    Place("experiments", "/experiments", "viewer"),
    Place("audit", "/audit", "viewer"),
    Place("data", "/data", "viewer"),
)


class Site:
    """What all pages share; an implementation of `riskloop.serve.pages.Pages`."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.assets = Assets()
        self.book = Book(services.engine, services.champion)
        self.jobs = Jobs(services.config)
        self.cards = Cards(services.store)
        self._glimpsed: tuple[Any, Any] = (None, None)
        self._recalled: dict[str, Live | None] = {}

    # What a service asks of its pages

    def routes(self) -> Sequence[Route]:
        """Every page with its role."""
        from riskloop.web.pages import (
            audit,
            batches,
            data,
            documents,
            experiments,
            models,
            monitoring,
            overview,
            scoring,
            thresholds,
            worklist,
        )

        rooms = (
            overview, scoring, batches, worklist, models, thresholds, monitoring, experiments, audit, data, documents,
        )  # fmt: skip
        return [
            Route("/static/{mark}/{name}", self.assets.show),
            *(route for room in rooms for route in room.routes(self)),
        ]

    def login(self, request: Request, wrong: bool, status: int) -> Response:
        """The form that asks for a key."""
        visit, asked = self._visit(request), request.query_params.get("next", "/")
        return self._kept(visit, self.page("login.html.j2", visit, status, wrong=wrong, next=asked))

    def missing(self, request: Request, status: int) -> Response:
        """Nothing is here."""
        return self.problem(self._visit(request), status, None)

    # How pages are made

    def shows(self, role: Role, page: Page) -> Endpoint:
        """The endpoint of a page: who may not see it is sent to the login, or told so."""

        async def endpoint(request: Request) -> Response:
            visit = self._visit(request)
            try:
                self._admit(request, role)
                return self._kept(visit, await page(self._visit(request)))
            except RequestRefused as refusal:
                if refusal.status == 401:
                    return self._kept(visit, _to_login(request))
                return self.problem(visit, refusal.status, refusal)
            except RiskloopError as error:
                return self.problem(visit, status_of(error), error)

        return in_role(role, endpoint)

    def takes(self, role: Role, page: Page, *, privileged: bool = False, limit: int = LARGEST_FORM) -> Endpoint:
        """The endpoint of a form: read, held against its token, and then carried out."""
        guard = self.services.guard

        async def carried_out(request: Request) -> Response:
            if caller_of(request) is NOBODY:
                only_from_this_machine(request)
                if request.scope[FORM_TOKEN] != self.services.sessions.csrf_of_nobody:
                    raise RequestRefused(
                        403,
                        "cross-site",
                        "This form is not of this service.",
                        next_step="reload the page and send it again",
                    )
            return await page(self._visit(request, *request.scope["riskloop.form"]))

        guarded = guard.needs(role, carried_out, privileged=privileged)

        async def endpoint(request: Request) -> Response:
            if guard.caller(request) is None:
                return _to_login(request)
            visit = self._visit(request)
            try:
                form = await read_form(request, limit)
                request.scope[FORM_TOKEN] = form[0].get("csrf") or request.headers.get(CSRF_HEADER, "")
                request.scope["riskloop.form"] = form
                return await guarded(request)
            except RiskloopError as error:
                return self.problem(visit, status_of(error), error)

        return in_role(role, endpoint)

    def page(self, template: str, visit: Visit, status: int = 200, **values: Any) -> Response:
        """A page from its template; every page may ask what the frame around it asks."""
        champion = self.services.champion
        values.setdefault("here", "")
        html = self._environment.get_template(template).render(
            visit=visit,
            say=visit.say,
            write=visit.write,
            champion=champion.live,
            refused=champion.refused,
            project=self.services.config.project,
            places=PLACES,
            keyed=self.services.guard.asks_for_keys,
            static=f"/static/{self.assets.mark}",
            **values,
        )
        return Response(html, status, {"content-security-policy": POLICY}, "text/html")

    def problem(self, visit: Visit, status: int, error: RiskloopError | None) -> Response:
        """The page of an error: what happened, and what to do next."""
        template = "problem_part.html.j2" if visit.wants_part else "problem.html.j2"
        return self.page(template, visit, status, number=status, error=error)

    async def off(self, work: Callable[[], Found]) -> Found:
        """Do something off the event loop, which answers predictions meanwhile."""
        return await asyncio.to_thread(work)

    def glimpsed(self, page: BookPage, live: Live, look: Callable[[Engine, Live], Found]) -> Found:
        """What the last decisions look like; looked at anew once a hundred more are there. Blocks."""
        key = (live.bundle.digest, page.total // 100 if page.total > 100 else page.total)
        if self._glimpsed[0] != key:
            self._glimpsed = (key, look(self.services.engine, live))
        found: Found = self._glimpsed[1]
        return found

    def report_file(self, stem: str, language: str) -> str | None:
        """The page of a report in ``.riskloop/reports``, in the visitor's language where there is one."""
        folder = reports_folder(self.services.config)
        names = [f"{stem}.{language}.html", f"{stem}.html"]
        return next((name for name in names if (folder / name).is_file()), None)

    def live_of(self, version: int, digest: str) -> Live | None:
        """The bundle that decided once: one in charge, or read again; None where it is no longer whole. Blocks."""
        services = self.services
        arms = services.champion.arms
        for live in (arms.champion, arms.challenger) if arms else ():
            if live is not None and live.bundle.digest == digest:
                return live
        if digest not in self._recalled:
            try:
                record = services.versions.get(version)
                bundle = services.store.load(record, digest)
            except (NotFound, BundleRefused):
                return None
            while len(self._recalled) >= _MOST_RECALLED:
                self._recalled.pop(next(iter(self._recalled)))
            self._recalled[digest] = Live(bundle, record, Reasoner(bundle), "previous")
        return self._recalled[digest]

    def _admit(self, request: Request, role: Role) -> None:
        caller = request.scope["riskloop.caller"] = self.services.guard.admit(request, role)
        if caller is NOBODY:
            only_from_this_machine(request)

    def _visit(
        self, request: Request, form: dict[str, str] | None = None, files: dict[str, Upload] | None = None
    ) -> Visit:
        caller = caller_of(request)
        csrf = caller.session.csrf if caller.session else self.services.sessions.csrf_of_nobody
        language, theme = preferences(request)
        return Visit(request, caller, csrf, language, theme, form or {}, files or {})

    def _kept(self, visit: Visit, response: Response) -> Response:
        for cookie in visit.cookies():
            response.headers.append("set-cookie", cookie)
        return response

    @cached_property
    def _environment(self) -> Environment:
        from riskloop.web.templating import environment

        return environment()


def _to_login(request: Request) -> Response:
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET" or asked == "/":
        return RedirectResponse("/login", 303)
    return RedirectResponse(f"/login?next={quote(asked, safe='')}", 303)
