"""Every page, as a browser without scripts gets it."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.web.conftest import Browser, Open

PAGES = (
    "/", "/score", "/score?example=1", "/score/file", "/worklist", "/versions", "/versions?v=1&v=2&v=3",
    "/versions/1", "/versions/3", "/thresholds", "/thresholds?v=2", "/watch", "/experiments", "/audit",
    "/audit?customer=nobody", "/data",
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_speaks_its_language_and_keeps_the_policy(look: Browser, path: str, language: str) -> None:
    response = look.get(path, headers={"Accept-Language": language})
    html = response.text
    assert response.status_code == 200, html
    assert f'<html lang="{language}"' in html
    assert "<h1" in html
    policy = response.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", html), "inline style or handler"
    assert "<style" not in html
    assert re.findall(r"<script(?![^>]*src=)", html) == []
    assert re.findall(r'(?:src|href|action)="(?:https?:)?//', html) == []
    assert ("Vue d'ensemble" in unescape(html)) == (language == "fr")
    assert re.findall(r'\bid="([^"]+)"', html) == list(dict.fromkeys(re.findall(r'\bid="([^"]+)"', html))), "ids twice"


@pytest.mark.parametrize("path", PAGES)
def test_every_link_and_asset_is_there(look: Browser, path: str) -> None:
    for found in set(re.findall(r'(?:href|src)="(/[^"#]*)', look.get(path).text)):
        assert look.get(unescape(found)).status_code == 200, found


def test_style_and_script_are_small_and_kept(look: Browser) -> None:
    names = re.findall(r'(?:href|src)="(/static/[^"]+)"', look.get("/").text)
    assert len(set(names)) == 3
    for name in set(names):
        response = look.get(name)
        assert "immutable" in response.headers["cache-control"]
        assert response.headers["content-encoding"] == "gzip"
    assert look.get("/static/0/../app.css").status_code == 404
    assert look.get("/static/0/other.css").status_code == 404


def test_language_and_theme_are_remembered(standing_site: Open) -> None:
    with standing_site.browser() as browser:
        assert 'data-theme="auto"' in browser.get("/").text
        browser.get("/?lang=fr&theme=dark")
        html = browser.get("/audit").text
        assert '<html lang="fr" data-theme="dark"' in html
        assert '<html lang="fr"' in browser.get("/?lang=xx&theme=neon").text


def test_what_is_not_there_is_said_in_words(look: Browser) -> None:
    response = look.get("/nothing", headers={"Accept-Language": "fr"})
    assert response.status_code == 404
    assert "Il n'y a rien ici" in unescape(response.text)
    assert look.get("/nothing", headers={"Accept": "application/json"}).json()["code"] == "not-found"
    assert look.get("/versions/99").status_code == 404
    assert look.get("/decisions/none").status_code == 404


@pytest.mark.parametrize("path", ["/", "/score", "/worklist", "/thresholds", "/watch", "/experiments"])
def test_before_there_is_a_champion_pages_say_what_to_do(bare_site: Open, path: str) -> None:
    with bare_site.browser() as browser:
        html = browser.get(path).text
        assert "No version leads yet" in html
        assert "riskloop train" in html


@pytest.mark.parametrize("path", ["/versions", "/audit", "/data"])
def test_before_there_is_a_champion_the_others_are_empty(bare_site: Open, path: str) -> None:
    with bare_site.browser() as browser:
        assert browser.get(path).status_code == 200


def test_the_overview_prices_the_champion_and_says_what_to_do_next(look: Browser) -> None:
    html = unescape(look.get("/").text)
    assert "has been leading for" in html
    assert "This model" in html
    assert "Act on everybody" in html
    assert "Version 2 was accepted by the gate and does not lead" in html
    assert "Nobody has looked for drift yet" in html


def test_the_overview_counts_what_was_decided(site: Open, example) -> None:
    with site.browser() as browser:
        assert "Nobody has been decided about yet" in browser.get("/").text
        for number in range(3):
            browser.form("/score", "/score", **example(number), customer=f"C-{number}")
        html = re.sub(r"\s+", " ", browser.get("/").text)
        assert re.search(r'Decisions in the ledger</dt><dd class="big">3<', html)
        assert "No outcomes are known yet" in html


def test_a_refused_bundle_is_said(site: Open) -> None:
    record = site.project.versions.get(2)
    card = site.project.locations.bundles / record.bundle / "card.json"
    card.write_text(card.read_text() + " ")
    site.project.promotions.promote(2, record.digest, actor="ada", reason="try", at=site.project.clock())
    site.site.services.champion.refresh()
    with site.browser() as browser:
        assert "A promoted bundle was refused" in browser.get("/").text
        assert "not whole" in browser.get("/versions/2").text


def test_a_part_that_cannot_be_shown_is_a_part(look: Browser) -> None:
    part = look.get("/versions/99", headers={"X-Part": "explored"})
    assert part.status_code == 404
    assert "<html" not in part.text
    assert 'role="alert"' in part.text


def test_the_database_being_away_is_a_page(site: Open) -> None:
    site.project.engine.dispose()
    database = site.project.locations.state / "riskloop.db"
    database.rename(database.with_suffix(".away"))
    site.site.services.engine.dispose()
    with site.browser() as browser:
        response = browser.get("/audit")
        assert response.status_code == 503
        assert "away" in response.text
    database.with_suffix(".away").rename(database)
