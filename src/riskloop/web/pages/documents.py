"""``/reports`` and ``/jobs``: documents that the command line has written, and having them written."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.errors import NotFound, UsageError
from riskloop.serve.login import own_path
from riskloop.web.forms import told
from riskloop.web.reports import reports_folder
from riskloop.web.site import Site
from riskloop.web.visit import Visit

_TYPES = {
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".sql": "text/plain",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
"""Reports are whole in themselves: their style is inline, they have no script and load nothing."""
_PERSONAL = ("quarantine-", "points-")


def routes(site: Site) -> list[Route]:
    """A document, a job, and what becomes of it."""
    pages = _Documents(site)
    return [
        Route("/reports/{path:path}", site.shows("viewer", pages.report)),
        Route("/jobs", site.takes("approver", pages.start, privileged=True), methods=["POST"]),
        Route("/jobs/{job}", site.shows("viewer", pages.job)),
    ]


class _Documents:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def report(self, visit: Visit) -> Response:
        """A file of ``.riskloop/reports``; rows of customers are for those who may score."""
        path = visit.request.path_params["path"]
        data = await self._site.off(lambda: self._read(path, visit.may("scorer")))
        return Response(data, 200, {"content-security-policy": _POLICY}, _TYPES[Path(path).suffix])

    def _read(self, path: str, rows_too: bool) -> bytes:
        folder = reports_folder(self._site.services.config).resolve()
        file = (folder / path.replace("\0", "")).resolve()
        known = file.is_relative_to(folder) and file.suffix in _TYPES and file.is_file()
        if not known or (file.name.startswith(_PERSONAL) and not rows_too):
            raise NotFound("There is no such report.", next_step="have it written anew")
        return file.read_bytes()

    async def start(self, visit: Visit) -> Response:
        """Have something done that takes a while."""
        kind, version = told(visit.form, "kind"), told(visit.form, "version")
        language = visit.language
        commands = {
            "model": (f"model-{version}", ["report", "model", "--version", version, "--language", language]),
            "data": ("data", ["report", "data", "--language", language]),
            "check": ("check", ["check"]),
        }
        if kind not in commands or (kind == "model" and not (version.isascii() and version.isdigit())):
            raise UsageError("There is no such job.", next_step="reload the page")
        name, arguments = commands[kind]
        await self._site.jobs.start(name, arguments, visit.caller.name or "web")
        return RedirectResponse(own_path(told(visit.form, "back") or "/"), 303)

    async def job(self, visit: Visit) -> Response:
        """What becomes of a job, as a part of the page that started it."""
        job = self._site.jobs.get(visit.request.path_params["job"])
        return self._site.page("job.html.j2", visit, job=job, place="/", fresh=True)
