"""Who leads: promote, roll back, approve; and who may."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.web.conftest import Open


def test_a_version_is_promoted_with_a_reason(site: Open) -> None:
    with site.browser() as browser:
        response = browser.form("/versions/2", "/versions/2/promote", actor="ada", reason="cheaper <b>by far</b>")
        assert response.status_code == 200
        assert "Done: this version leads now." in response.text
        event = site.project.promotions.events()[-1]
        assert (event.kind, event.version, event.actor, event.reason) == ("promoted", 2, "ada", "cheaper <b>by far</b>")
        audit = browser.get("/audit").text
        assert "cheaper &lt;b&gt;by far&lt;/b&gt;" in audit
        assert "The promotion log is whole." in audit
        assert "POST /versions/2/promote" in audit
        assert "Version 2" in browser.get("/").text


def test_without_a_reason_nothing_changes(site: Open) -> None:
    with site.browser() as browser:
        for fields in ({"actor": "ada", "reason": " "}, {"actor": "", "reason": "better"}):
            assert browser.form("/versions/2", "/versions/2/promote", **fields).status_code == 422
    assert site.project.promotions.state().champion == 1


def test_a_refused_version_has_no_form_and_cannot_be_promoted(site: Open) -> None:
    with site.browser() as browser:
        html = browser.get("/versions/3").text
        assert "/versions/3/promote" not in html
        assert "The gate refused this version" in html
        csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/versions/2").text)[1]
        response = browser.post("/versions/3/promote", data={"csrf": csrf, "actor": "ada", "reason": "please"})
        assert response.status_code == 409
    assert site.project.promotions.state().champion == 1


def test_the_previous_champion_is_brought_back(site: Open) -> None:
    with site.browser() as browser:
        browser.form("/versions/2", "/versions/2/promote", actor="ada", reason="better")
        assert "Back to version 1" in browser.get("/versions/2").text
        browser.form("/versions/1", "/versions/1/rollback", actor="ada", reason="worse after all")
    assert site.project.promotions.state().champion == 1
    assert site.site.services.champion.require().champion.record.version == 1


def test_four_eyes_need_two_people(four_eyes: Open) -> None:
    with four_eyes.logged_in("ada", "approver") as ada, four_eyes.logged_in("bob", "approver") as bob:
        asked = ada.form("/versions/2", "/versions/2/promote", reason="better")
        assert "a second person must approve" in asked.text
        assert four_eyes.project.promotions.state().champion == 1
        assert "ada asks to promote version 2" in bob.get("/").text
        assert ada.form("/versions/2", "/versions/2/approve", reason="mine").status_code == 409
        assert four_eyes.project.promotions.state().champion == 1
        done = bob.form("/versions/2", "/versions/2/approve", reason="seen")
        assert "Done: this version leads now." in done.text
    event = four_eyes.project.promotions.events()[-1]
    assert (event.actor, event.approver) == ("ada", "bob")


def test_versions_are_compared_side_by_side(look, standing_site: Open) -> None:
    html = unescape(look.get("/versions?v=1&v=2").text)
    for number in (1, 2):
        value = standing_site.project.versions.get(number).metrics["metrics"]["roc_auc"]["value"]
        assert f"{value:.3f}" in html
    for curve in ("ROC curve", "Precision and recall", "Calibration", "Cost by threshold"):
        assert curve in html
    assert html.count('class="line a"') >= 4
    assert html.count('class="line b"') >= 4
    assert look.get("/versions?v=x&v=99").status_code == 200


def test_a_version_shows_its_gate_and_what_moves_it(look, standing_site: Open) -> None:
    html = unescape(look.get("/versions/3").text)
    gate = standing_site.project.versions.get(3).gate
    assert html.count('class="badge bad"') >= sum(not check["passed"] for check in gate)
    assert "Training and service agree" in html
    assert "What moves the score" in html


# Who may


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        ("viewer", ("/", "/versions", "/thresholds", "/watch", "/data"), ("/score", "/worklist", "/score/file")),
        ("scorer", ("/score", "/worklist"), ()),
    ],
)
def test_a_role_sees_what_it_may(site: Open, role, seen, unseen) -> None:
    with site.logged_in("eve", role) as browser:
        for path in seen:
            assert browser.get(path).status_code == 200
        for path in unseen:
            response = browser.get(path)
            assert response.status_code == 403
            assert "This is not for you" in response.text
            assert f'href="{path}"' not in browser.get("/").text
        html = browser.get("/versions/2").text
        assert "/versions/2/promote" not in html
        csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/").text)[1]
        assert browser.post("/versions/2/promote", data={"csrf": csrf, "reason": "mine"}).status_code == 403
    assert site.project.promotions.state().champion == 1


def test_a_viewer_sees_no_customer(site: Open, example) -> None:
    with site.browser() as browser:
        path = browser.form("/score", "/score", **example(), customer="C-secret").url.path
    with site.logged_in("eve", "viewer") as browser:
        assert browser.get(path).status_code == 403
        assert "Decisions about" not in browser.get("/audit?customer=C-secret").text
        assert browser.get("/worklist.csv").status_code == 403


def test_who_is_not_logged_in_comes_back_to_where_they_wanted(site: Open) -> None:
    token = site.key("ada", "approver")
    with site.browser() as browser:
        asked = browser.get("/versions/2?lang=fr")
        assert asked.url.path == "/login"
        assert "Se connecter" in asked.text
        hidden = re.search(r'name="next" value="([^"]+)"', asked.text)[1]
        arrived = browser.post("/login", data={"key": token, "next": unescape(hidden)})
        assert arrived.url.path == "/versions/2"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "x"])
def test_the_login_leads_nowhere_else(site: Open, elsewhere: str) -> None:
    token = site.key("ada", "approver")
    with site.browser() as browser:
        response = browser.post("/login", data={"key": token, "next": elsewhere}, follow_redirects=False)
        assert response.headers["location"] == "/"


def test_a_form_of_another_site_is_refused(site: Open) -> None:
    with site.browser() as browser:
        for data in ({}, {"csrf": "guess"}):
            fields = data | {"actor": "eve", "reason": "mine"}
            assert browser.post("/versions/2/promote", data=fields).status_code == 403
    with site.logged_in("ada", "approver") as browser:
        nobodys = site.site.services.sessions.csrf_of_nobody
        assert browser.post("/versions/2/promote", data={"csrf": nobodys, "reason": "mine"}).status_code == 403
    assert site.project.promotions.state().champion == 1


def test_a_name_that_merely_resolves_to_this_machine_sees_nothing(look) -> None:
    assert look.get("/", headers={"Host": "evil.example"}).status_code == 403


def test_logging_out_ends_it(site: Open) -> None:
    with site.logged_in("ada", "viewer") as browser:
        csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/").text)[1]
        assert browser.post("/logout", data={"csrf": csrf}).url.path == "/login"
        assert browser.get("/audit").url.path == "/login"


def test_a_wrong_key_is_said(site: Open) -> None:
    site.key("ada", "viewer")
    with site.browser() as browser:
        response = browser.post("/login?lang=fr", data={"key": "rk_wrong"})
        assert response.status_code == 401
        assert "pas en vigueur" in response.text


@pytest.mark.parametrize("path", ["/jobs", "/watch", "/experiments/start", "/thresholds"])
def test_who_may_only_look_starts_nothing(site: Open, path: str) -> None:
    with site.logged_in("eve", "viewer") as browser:
        csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/").text)[1]
        fields = {"csrf": csrf, "kind": "check", "version": "2", "share": "10", "reason": "x", "v": "1"}
        assert browser.post(path, data=fields).status_code == 403
    assert not (site.project.locations.state / "jobs").exists()
