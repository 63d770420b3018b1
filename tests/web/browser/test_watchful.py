"""Pages that watch, with much to show: alerts, an experiment, months that went by; for everybody, as all pages are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from riskloop.wiring import open_project
from tests.web.browser.conftest import Visit
from tests.web.browser.test_accessible import violations
from tests.web.conftest import ENVIRON, Open, _opened
from tests.web.scenes import DOWN, FALLEN, LATER, MOVED, challenged, live_through, raised, worked_out


@pytest.fixture(scope="module")
def watchful(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Alerts are open, one is looked after, months went by, and an experiment has run for days."""
    folder = tmp_path_factory.mktemp("watchful") / "churn"
    shutil.copytree(trained_folder, folder)
    project = open_project(folder, ENVIRON)
    live_through(project)
    found = raised(project, (MOVED, FALLEN, DOWN))
    now = project.clock()
    project.alerts.acknowledge(found[-1].alert_id, now, actor="ben", reason="I look into it")
    project.alerts.silence(found[-1].rule, LATER, 7_200, actor="ben", reason="known")
    challenged(project, days=6)
    worked_out(project)
    project.engine.dispose()
    yield from _opened(folder, lambda: LATER)


@pytest.mark.parametrize("name", ["overview", "watch", "experiments"])
def test_a_page_full_of_news_can_be_used_by_everybody(visit: Visit, watchful: Open, shots: Path, name: str) -> None:
    path = "/" if name == "overview" else f"/{name}"
    for width, light, other, locale in ((1440, "light", "dark", "en-GB"), (360, "dark", "light", "fr-FR")):
        visitor = visit(watchful, width=width, locale=locale, light=light)
        page = visitor.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.screenshot(path=shots / f"full-{name}-{width}-{light}-{locale[:2]}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, "it scrolls sideways"
        assert violations(page) == []
        if "RISKLOOP_SCREENSHOTS" in os.environ:  # somebody wants to look
            page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
            page.screenshot(path=shots / f"full-{name}-{width}-{other}-{locale[:2]}.png", full_page=True)
        assert visitor.complaints == []


def test_somebody_follows_an_alert_from_the_overview_and_looks_after_it(visit: Visit, watchful: Open) -> None:
    page = visit(watchful, scripts=False).goto("/")
    page.locator(".todo a", has_text="The service does not answer").click()
    alert = page.locator(".alarms > li", has_text="The service does not answer")
    asked = alert.locator("details").first
    asked.locator("summary").click()
    asked.get_by_label("Note").fill("I restart it")
    asked.get_by_label("Your name").fill("ada")
    asked.get_by_role("button", name="Acknowledge").click()
    assert "ada looks after it" in page.locator(".alarms > li", has_text="The service does not answer").inner_text()
