from __future__ import annotations

import re

from riskloop.errors import BundleRefused
from riskloop.serve.page import render


def test_the_page_prices_the_champion_and_shows_how_to_ask(client, project):
    response = client.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    html = response.text
    assert re.search(r"This model</th><td class='number'>522<", html)
    assert re.search(r"Act on everyone</th><td class='number'>7,340<", html)
    assert "The model is cheaper than acting on everyone." in html
    assert "logistic_regression" in html
    assert project.versions.get(1).digest[:16] in html
    assert "&quot;region&quot;: &quot;NA&quot;" in html


def test_the_page_needs_nothing_from_elsewhere(standing):
    response = standing.get("/")
    assert "http://" not in response.text
    assert "https://" not in response.text
    assert "<script" not in response.text
    for path in re.findall(r'href="([^"]+)"', response.text):
        assert standing.get(path).status_code == 200


def test_the_page_follows_the_champion(client, project):
    assert client.post("/models/2/promote", json={"actor": "ada", "reason": "better"}).status_code == 200
    assert "2 (champion)" in client.get("/").text


def test_what_a_bundle_says_is_text(empty_project, serve, bundle_maker):
    from dataclasses import replace

    bundle = bundle_maker()
    hostile = "<script>alert(1)</script>"
    empty_project.add(1, replace(bundle, card={"family": hostile, "policies": [3, {"name": [hostile]}]}))
    empty_project.promote(1)
    html = serve(empty_project.config()).get("/").text
    assert hostile not in html
    assert "&lt;script&gt;" in html


def test_a_refused_bundle_is_said_on_the_page() -> None:
    html = render("bank", None, "localhost", BundleRefused("<b>altered</b>", next_step="restore it"))
    assert "&lt;b&gt;altered&lt;/b&gt;" in html
    assert "restore it" in html
    assert "No version has been promoted" not in html
