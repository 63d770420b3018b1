from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from riskloop.keep.access import Role
from riskloop.loop.project import Project
from riskloop.serve.api import create_app, utc_now
from riskloop.serve.config import ServeConfig
from riskloop.web.site import Site
from riskloop.wiring import open_project, serve_config

ENVIRON = {"RISKLOOP_ACTOR": "ada"}
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Serving:
    """The service with its pages, in a thread of this process, over real HTTP."""

    def __init__(self, config: ServeConfig, clock: Callable[[], datetime] = utc_now) -> None:
        self.site: Site | None = None
        self.app = create_app(config, site=self._site, clock=clock)
        settings = uvicorn.Config(self.app, port=0, log_config=None, access_log=False, loop="uvloop", http="httptools")
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def _site(self, services: Any) -> Site:
        self.site = Site(services)
        return self.site

    def __enter__(self) -> str:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            threading.Event().wait(0.01)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


class Browser(httpx.Client):
    """A client that behaves like a browser without scripts: it follows redirects and fills in forms."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=30, follow_redirects=True, headers={"Accept": "text/html"})

    def form(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Fill in the form of a page and send it, with its hidden fields."""
        html = self.get(page).text
        forms = re.findall(r'<form method="post".*?</form>', html, re.S)
        found = [one for one in forms if f'action="{action}"' in one]
        assert found, f"{page} has no form to {action}"
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', found[0])
        return self.post(action, data=dict(hidden) | fields)


@dataclass
class Open:
    """A project that can be changed, with its service running."""

    project: Project
    serving: Serving
    url: str

    @property
    def site(self) -> Site:
        if self.serving.site is None:  # it is made when somebody asks for a page
            httpx.get(f"{self.url}/static/none/none")
        assert self.serving.site is not None
        return self.serving.site

    def browser(self) -> Browser:
        return Browser(self.url)

    def key(self, name: str, role: Role) -> str:
        """A key in force, known to the service."""
        _, token = self.project.access.add(name, role, NOW)
        self.site.services.guard.refresh()
        return token

    @contextmanager
    def logged_in(self, name: str, role: Role) -> Iterator[Browser]:
        """A browser whose visitor has logged in."""
        with self.browser() as browser:
            response = browser.post("/login", data={"key": self.key(name, role)})
            assert response.status_code == 200, response.text
            yield browser


def _opened(folder: Path, clock: Callable[[], datetime] = utc_now, **environ: str) -> Iterator[Open]:
    project = open_project(folder, ENVIRON | environ)
    serving = Serving(serve_config(project, port=0), clock)
    with serving as url:
        yield Open(project, serving, url)
    project.engine.dispose()


@pytest.fixture(scope="session")
def standing_site(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """For tests that only look, or that add decisions: version 1 leads, 2 waits, 3 was refused."""
    folder = tmp_path_factory.mktemp("web") / "churn"
    shutil.copytree(trained_folder, folder)
    yield from _opened(folder)


@pytest.fixture
def look(standing_site: Open) -> Iterator[Browser]:
    with standing_site.browser() as browser:
        yield browser


@pytest.fixture
def site(trained_folder: Path, tmp_path: Path) -> Iterator[Open]:
    """A project of its own for a test that changes it."""
    shutil.copytree(trained_folder, tmp_path / "churn")
    yield from _opened(tmp_path / "churn")


@pytest.fixture
def bare_site(new_project: Project) -> Iterator[Open]:
    """Nothing is trained yet."""
    _ = new_project.engine
    yield from _opened(new_project.folder)


@pytest.fixture
def four_eyes(trained_folder: Path, tmp_path: Path) -> Iterator[Open]:
    shutil.copytree(trained_folder, tmp_path / "churn")
    yield from _opened(tmp_path / "churn", RISKLOOP__GATE__FOUR_EYES="true")


Example = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def example(standing_site: Open) -> Example:
    """Fields of the form for a customer like the customers."""
    bundle = standing_site.site.services.champion.require().champion.bundle

    def fields(number: int = 0, **changes: str) -> dict[str, str]:
        request = bundle.golden.requests[number]
        told = {f"f.{name}": "" if value is None else f"{value}" for name, value in request.items()}
        return told | {f"f.{name}": value for name, value in changes.items()}

    return fields
