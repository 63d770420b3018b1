"""Every page, for everybody: no violation of WCAG 2.2 AA, in either light, at any width, in both languages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.web.browser.conftest import Visit
from tests.web.conftest import Open

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = {
    "overview": "/", "score": "/score?example=1", "file": "/score/file", "worklist": "/worklist?decision=&capacity=20",
    "models": "/versions", "version": "/versions/2", "thresholds": "/thresholds?fn=200&review=3",
    "monitoring": "/watch", "experiments": "/experiments", "audit": "/audit?customer=C-1", "data": "/data",
    "missing": "/nothing",
}  # fmt: skip


@pytest.fixture(scope="module")
def lively(bank: Open) -> Open:
    """With decisions about customers."""
    import httpx

    bundle = bank.site.services.champion.require().champion.bundle
    with httpx.Client(base_url=bank.url) as client:
        for number in range(30):
            features = bundle.golden.requests[number % len(bundle.golden.requests)]
            client.post("/predict", json={"id": f"C-{number}", "features": features, "explain": True})
    return bank


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used_by_everybody(visit: Visit, lively: Open, shots: Path, name: str) -> None:
    for width, light, other, locale in ((1440, "light", "dark", "en-GB"), (360, "dark", "light", "fr-FR")):
        visitor = visit(lively, width=width, locale=locale, light=light)
        page = visitor.goto(PAGES[name])
        page.screenshot(path=shots / f"{name}-{width}-{light}-{locale[:2]}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, "it scrolls sideways"
        assert _violations(page) == []
        if "RISKLOOP_SCREENSHOTS" in os.environ:  # somebody wants to look
            page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
            page.screenshot(path=shots / f"{name}-{width}-{other}-{locale[:2]}.png", full_page=True)
        if name != "missing":
            assert visitor.complaints == []


def _violations(page: Page) -> list[tuple[str, str, str]]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [(one["id"], node["html"], node["failureSummary"]) for one in found for node in one["nodes"]]


def test_the_login_can_be_used_by_everybody(visit: Visit, site: Open, shots: Path) -> None:
    site.key("ada", "viewer")
    page = visit(site, width=360).goto("/")
    page.screenshot(path=shots / "login-360-light-en.png")
    assert Axe().run(page, options=RULES).response["violations"] == []


def test_nothing_moves_once_it_is_there(visit: Visit, lively: Open) -> None:
    for path in ("/", "/score?example=1", "/worklist", "/thresholds"):
        page = visit(lively).goto(path)
        shift = page.evaluate(
            """() => new Promise(done => { let sum = 0;
            new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
              .observe({type: "layout-shift", buffered: true});
            setTimeout(() => done(sum), 100); })"""
        )
        assert shift < 0.1, path


def test_a_keyboard_reaches_the_content_first(visit: Visit, lively: Open) -> None:
    page = visit(lively).goto("/worklist")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('main *')")


def test_a_verdict_can_be_printed(visit: Visit, lively: Open, shots: Path) -> None:
    decision = lively.project.ledger.last_prediction("C-1")
    assert decision is not None
    page = visit(lively).goto(f"/decisions/{decision.prediction_id}")
    page.emulate_media(media="print")
    assert not page.locator(".side").is_visible()
    assert not page.locator("form").first.is_visible()
    assert page.locator(".verdict").is_visible()
    page.pdf(path=shots / "decision.pdf")
    assert (shots / "decision.pdf").stat().st_size < 500_000
