"""A real browser in front of a real service: Chromium or Chrome, wherever it is installed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from riskloop.loop.workflows.monitor import monitor_batch, write_drift_report
from riskloop.wiring import open_project
from tests.web.conftest import ENVIRON, Open, _opened

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no browser here; install one with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: RISKLOOP_SCREENSHOTS, else a temporary folder."""
    folder = Path(os.environ.get("RISKLOOP_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def bank(trained_folder: Path, simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """A project with a report, a challenger and decisions, for tests that add to it."""
    folder = tmp_path_factory.mktemp("bank") / "churn"
    shutil.copytree(trained_folder, folder)
    project = open_project(folder, ENVIRON)
    write_drift_report(project, monitor_batch(project, str(simulated / "batches" / "january.csv")))
    project.engine.dispose()
    yield from _opened(folder)


@dataclass
class Visitor:
    """A page of somebody's own, with what it said and asked for."""

    url: str
    page: Page
    context: BrowserContext
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def goto(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def fill_in(self, opened: Open, number: int = 0, **changes: str) -> None:
        """Fill the form in with a customer like the customers."""
        bundle = opened.site.services.champion.require().champion.bundle
        for name, value in (bundle.golden.requests[number] | changes).items():
            one = self.page.locator(f'[name="f.{name}"]').first
            text = "" if value is None else f"{value}"
            if one.evaluate("one => one.tagName") == "SELECT":
                one.select_option(text)
            else:
                one.fill(text)


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Open a window: its width, language and light, and whether scripts may run."""
    contexts: list[Visitor] = []

    def open_window(
        opened: Open, *, width: int = 1440, locale: str = "en-GB", light: str = "light", scripts: bool = True
    ) -> Visitor:
        context: Any = chromium.new_context(
            viewport={"width": width, "height": 900},
            locale=locale,
            color_scheme=light,  # type: ignore[arg-type]
            java_script_enabled=scripts,
            accept_downloads=True,
        )
        visitor = Visitor(opened.url, context.new_page(), context)
        context.on("request", lambda request: visitor.asked.append(request.url))
        visitor.page.on("console", lambda said: visitor.complaints.append(said.text) if said.type == "error" else None)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        contexts.append(visitor)
        return visitor

    yield open_window
    for visitor in contexts:
        elsewhere = [url for url in visitor.asked if not re.match(r"(http://127\.0\.0\.1:\d+/|data:|blob:)", url)]
        visitor.context.close()
        assert elsewhere == [], "a request left the host"
