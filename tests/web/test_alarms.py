"""Alerts on the pages: seen by all, looked after by approvers, in the log of privileged calls."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from riskloop.keep.alerts import Pace
from riskloop.watch.alerts import DEFAULTS, judge_all
from tests.web.conftest import Open
from tests.web.scenes import DOWN, FALLEN, MOVED, raised


@pytest.fixture
def alarmed(site: Open) -> Open:
    found = raised(site.project, (MOVED, FALLEN, DOWN))
    assert len(found) >= 3
    return site


def test_where_nothing_is_wrong_the_page_says_who_looks(look) -> None:
    html = unescape(look.get("/watch").text)
    assert "None is open" in html
    assert "riskloop alerts check" in html


def test_open_alerts_are_told_in_words_with_their_limits(alarmed: Open) -> None:
    with alarmed.browser() as browser:
        html = unescape(browser.get("/watch").text)
        assert "The service does not answer" in html
        assert "critical" in html
        assert "-9.0% [-12.0%, -6.0%]" in html
        assert "the ledger, version 1" in html
        assert "/secret" not in html
        french = unescape(browser.get("/watch?lang=fr").text)
    assert "Le service ne répond pas" in french
    assert "critique" in french


def test_the_overview_names_open_alerts_first(alarmed: Open) -> None:
    with alarmed.browser() as browser:
        html = unescape(browser.get("/").text)
    todo = re.search(r'<ul class="todo">.*?</ul>', html, re.S)[0]
    assert "The service does not answer" in todo.split("</li>")[0] + todo.split("</li>")[1]
    assert "#alert-" in todo


def test_an_approver_looks_after_an_alert_and_the_log_knows(alarmed: Open) -> None:
    number = alarmed.project.alerts.list()[0].alert_id
    with alarmed.logged_in("ada", "approver") as browser:
        assert browser.form("/watch", f"/watch/alerts/{number}", reason="").status_code == 422
        html = unescape(browser.form("/watch", f"/watch/alerts/{number}", reason="I call <them>").text)
        assert "ada looks after it" in html
        assert "I call <them>" in html
        assert f'action="/watch/alerts/{number}"' not in html
        again = browser.post(
            f"/watch/alerts/{number}",
            data={"csrf": re.search(r'name="csrf" value="([^"]+)"', html)[1], "reason": "me too"},
        )
        assert again.status_code == 409
        assert "ada looks after it" in unescape(browser.get("/").text)
    kept = alarmed.project.alerts.get(number)
    assert kept.acknowledged_by == "ada"
    calls = [(one.actor, one.path, one.status) for one in alarmed.project.access.calls(10)]
    assert ("ada", f"/watch/alerts/{number}", 303) in calls


def test_an_approver_silences_the_rule_of_an_alert_for_a_while(alarmed: Open) -> None:
    alert, store = alarmed.project.alerts.list()[0], alarmed.project.alerts
    form = f"/watch/alerts/{alert.alert_id}/silence"
    with alarmed.logged_in("ada", "approver") as browser:
        for wrong in ({"for": "9y", "reason": "x"}, {"for": "1d", "reason": ""}):
            assert browser.form("/watch", form, **wrong).status_code == 422
        html = unescape(browser.form("/watch", form, **{"for": "1d", "reason": "mended <tonight>"}).text)
        assert "mended <tonight>" in html
        assert f'action="{form}"' not in html
        assert 'value="7d"' in html  # of the other rules
    (silence,) = store.silences(alarmed.project.clock())
    assert (silence.rule, silence.actor, silence.until - silence.made_at) == (alert.rule, "ada", timedelta(days=1))
    calls = [(one.actor, one.path, one.status) for one in alarmed.project.access.calls(10)]
    assert ("ada", form, 303) in calls
    with alarmed.logged_in("eve", "viewer") as browser:
        csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/watch").text)[1]
        assert browser.post(form, data={"csrf": csrf, "for": "1h", "reason": "x"}).status_code == 403


def test_who_may_only_look_looks_after_nothing(alarmed: Open) -> None:
    number = alarmed.project.alerts.list()[0].alert_id
    with alarmed.logged_in("eve", "viewer") as browser:
        html = browser.get("/watch").text
        assert "/watch/alerts/" not in html
        csrf = re.search(r'name="csrf" value="([^"]+)"', html)[1]
        assert browser.post(f"/watch/alerts/{number}", data={"csrf": csrf, "reason": "x"}).status_code == 403
    with alarmed.logged_in("ada", "approver") as browser:
        assert browser.post(f"/watch/alerts/{number}", data={"csrf": "guess", "reason": "x"}).status_code == 403
    assert alarmed.project.alerts.get(number).acknowledged_at is None


def test_an_alert_that_is_not_there_is_said(site: Open) -> None:
    with site.browser() as browser:
        csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/watch").text)[1]
        fields = {"csrf": csrf, "reason": "x", "actor": "ada"}
        assert browser.post("/watch/alerts/99999999999999999999", data=fields).status_code == 404


def test_silenced_rules_and_what_happened_are_told(alarmed: Open) -> None:
    store, now = alarmed.project.alerts, alarmed.project.clock()
    rule = store.list()[0].rule
    store.silence(rule, now, 3600, actor="ben", reason="the network is being mended")
    store.settle(judge_all(DEFAULTS.values(), (replace(DOWN, value=0.0),)), now, Pace())
    with alarmed.browser() as browser:
        html = unescape(browser.get("/watch").text)
    assert "sends no message until" in html
    assert "the network is being mended" in html
    assert "Resolved last" in html
    assert "resolved" in html
