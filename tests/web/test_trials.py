"""Experiments on the pages: what the challenger saves, whether that is sure, and deciding."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from html import unescape

import pytest

from riskloop.loop.workflows.arms import start_arms
from tests.web.conftest import Browser, Open
from tests.web.scenes import START, challenged, worked_out


def told(html: str, job: str, browser: Browser) -> str:
    """What became of the job that a page has started."""
    place = re.search(r'data-poll="([^"]+)"', html)[1]
    deadline = time.monotonic() + 60
    while "under way" in (said := browser.get(place).text):
        assert time.monotonic() < deadline, job
        time.sleep(0.1)
    return unescape(said)


def test_before_anybody_has_worked_it_out_the_page_says_how(site: Open) -> None:
    challenged(site.project, days=1)
    site.site.services.champion.refresh()
    with site.browser() as browser:
        html = unescape(browser.get("/experiments").text)
        assert "has not been worked out yet" in html
        assert "Nothing can be decided yet" in html
        assert 'action="/experiments/decide"' not in html


def test_what_the_challenger_saves_is_told_with_its_evidence(site: Open) -> None:
    challenged(site.project)
    site.site.services.champion.refresh()
    worked_out(site.project)
    raw = json.loads((site.project.locations.reports / "experiment-2.json").read_text())["experiment"]
    with site.browser() as browser:
        html = unescape(browser.get("/experiments").text)
        assert "not decided yet" in html
        assert f"{raw['cost'][0]:.2f}" in html
        assert f"[{raw['difference']['low']:+.2f}, {raw['difference']['high']:+.2f}]" in html
        assert "Difference in cost per customer over 3 days" in html
        assert 'class="around a"' in html
        assert "as meant" in html
        assert "holds on all days at once" in html
        assert f"{raw['told'][1]:,}" in html
        assert "2 ×" in html  # the guardrail of latency
        assert "The full report" in html
        assert 'action="/experiments/decide"' not in html
        french = unescape(browser.get("/experiments?lang=fr").text)
        assert "pas encore tranché" in french
        assert "Pas encore tranché" in french


def test_an_approver_decides_and_the_command_looks_anew_before_it_does(site: Open) -> None:
    challenged(site.project, wins=True)
    site.site.services.champion.refresh()
    worked_out(site.project)
    with site.browser() as browser:
        html = unescape(browser.get("/experiments").text)
        assert "decided: promote" in html
        assert "The challenger saves" in html
        assert "The challenger surely saves" in html
    with site.logged_in("eve", "viewer") as browser:
        html = browser.get("/experiments").text
        assert "decided: promote" in html
        assert 'action="/experiments/' not in html
        csrf = re.search(r'name="csrf" value="([^"]+)"', html)[1]
        for action in ("decide", "status", "stop"):
            fields = {"csrf": csrf, "reason": "mine"}
            assert browser.post(f"/experiments/{action}", data=fields).status_code == 403
    with site.logged_in("ada", "approver") as browser:
        assert browser.form("/experiments", "/experiments/decide", reason=" ").status_code == 422
        html = browser.form("/experiments", "/experiments/decide", reason="the test is over").text
        said = told(html, "decide", browser)
        assert "It is not decided" in said  # by the clock of the machine, customers of 2031 have not come yet
    assert site.project.promotions.state().challenger == 2
    calls = [(one.actor, one.path) for one in site.project.access.calls(10)]
    assert ("ada", "/experiments/decide") in calls


def test_a_challenger_that_costs_more_is_said_not_by_colour_alone(site: Open) -> None:
    challenged(site.project, wins=False)
    site.site.services.champion.refresh()
    worked_out(site.project)
    with site.browser() as browser:
        html = unescape(browser.get("/experiments").text)
    assert "decided: stop" in html
    assert "deciding ends the challenge" in html


def test_a_split_that_is_off_is_said_and_decides_nothing(site: Open) -> None:
    challenged(site.project, wins=True)
    site.site.services.champion.refresh()
    worked_out(site.project)
    path = site.project.locations.reports / "experiment-2.json"
    document = json.loads(path.read_text())
    document["experiment"]["sample_ratio"] |= {"off": True, "p_value": 1e-9, "found": 0.61}
    path.write_text(json.dumps(document))
    with site.browser() as browser:
        html = unescape(browser.get("/experiments").text)
    assert "not to be trusted" in html
    assert "61.0% of the customers came to the challenger" in html
    assert 'action="/experiments/decide"' not in html


def test_what_an_earlier_experiment_of_the_version_left_does_not_count(site: Open) -> None:
    challenged(site.project, wins=True)
    site.site.services.champion.refresh()
    worked_out(site.project)
    path = site.project.locations.reports / "experiment-2.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"generated": (START - timedelta(days=1)).isoformat()}))
    with site.browser() as browser:
        assert "has not been worked out yet" in browser.get("/experiments").text


@pytest.mark.parametrize("broken", ["{", "{}", '{"generated": "2031-03-20T00:00:00+00:00", "experiment": {"days": 3}}'])
def test_a_report_that_cannot_be_read_is_as_none(site: Open, broken: str) -> None:
    challenged(site.project, days=1)
    site.site.services.champion.refresh()
    (site.project.locations.reports).mkdir(exist_ok=True)
    (site.project.locations.reports / "experiment-2.json").write_text(broken)
    with site.browser() as browser:
        response = browser.get("/experiments")
        assert response.status_code == 200
        assert "has not been worked out yet" in response.text


def test_an_approver_starts_works_out_and_ends_an_experiment(site: Open) -> None:
    with site.browser() as browser:
        fields = {"version": "2", "kind": "split", "share": "40", "actor": "ada", "reason": "try it"}
        assert "done" in told(browser.form("/experiments", "/experiments/start", **fields).text, "start", browser)
        site.site.services.champion.refresh()
        assert "answers 40%" in browser.get("/experiments").text
        assert "done" in told(browser.form("/experiments", "/experiments/status", actor="ada").text, "status", browser)
        html = unescape(browser.get("/experiments").text)
        assert "No outcome counts yet." in html
        assert "has not been worked out yet" not in html
        said = told(
            browser.form("/experiments", "/experiments/stop", actor="ada", reason="enough").text, "stop", browser
        )
        assert "done" in said
    assert [one.kind for one in site.project.promotions.events()][-2:] == ["challenged", "withdrawn"]


def test_a_shadow_is_not_compared(site: Open) -> None:
    start_arms(site.project, 2, reason="look on", shadow=True)
    site.site.services.champion.refresh()
    with site.browser() as browser:
        html = unescape(browser.get("/experiments").text)
    assert "A shadow answers nobody, so nothing is compared" in html
    assert 'action="/experiments/status"' not in html
