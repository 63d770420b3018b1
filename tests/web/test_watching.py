"""Thresholds, monitoring, experiments, audit, data, and what the command line does for pages."""

from __future__ import annotations

import json
import re
import time
from html import unescape
from pathlib import Path

import pytest
import yaml

from riskloop.loop.workflows.check import check
from riskloop.loop.workflows.monitor import monitor_batch, write_drift_report
from riskloop.settings import Settings
from tests.web.conftest import Browser, Open


def test_todays_policy_is_where_the_explorer_begins(look: Browser, standing_site: Open) -> None:
    html = unescape(look.get("/thresholds").text)
    policy = standing_site.site.services.champion.require().champion.bundle.policy
    assert f'name="fn" type="number" min="0" step="any" value="{policy.costs.fn:g}"' in html
    assert "the same as today's threshold within noise" in html
    assert "[0, 0]" in html


def test_other_costs_are_answered_at_once(look: Browser) -> None:
    part = unescape(look.get("/thresholds?fn=500&fp=10&by_costs=1", headers={"X-Part": "explored"}).text)
    assert "<html" not in part
    assert "2.0%" in part
    assert "less" in part


def test_costs_that_contradict_themselves_are_said(look: Browser) -> None:
    response = look.get("/thresholds?fn=0&fp=10")
    assert response.status_code == 200
    assert 'role="alert"' in response.text


def test_a_proposal_is_a_file_that_settings_can_hold(site: Open) -> None:
    with site.browser() as browser:
        page = browser.get("/thresholds?fn=200&fp=10&threshold=12&review=3&accuracy=95").text
        hidden = dict(
            re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page[page.index('method="post"') :])
        )
        fields = hidden | {"actor": "ada", "reason": "calls got\ncosts: {fp: 1}"}
        saved = browser.post("/thresholds", data=fields)
        name = re.search(r"/proposals/(policy-[0-9-]+\.yaml)", saved.text)[1]
        text = browser.get(f"/proposals/{name}").text
        assert browser.get("/proposals/..%2F..%2Friskloop.yaml").status_code == 404
    document = yaml.safe_load(text)
    assert document["costs"]["fn"] == 200
    assert document["costs"]["fp"] == 10
    assert document["training"] == {"policy": "fixed", "policy_value": 0.12}
    assert document["review"] == {"cost": 3.0, "accuracy": 0.95}
    assert "# Proposed by ada" in text
    held = yaml.safe_load((site.project.folder / "riskloop.yaml").read_text())
    Settings.model_validate(held | document)


def test_who_may_not_release_may_not_propose(site: Open) -> None:
    with site.logged_in("eve", "viewer") as browser:
        assert 'method="post" action="/thresholds"' not in browser.get("/thresholds").text


@pytest.fixture
def watched(site: Open, simulated: Path) -> Open:
    write_drift_report(site.project, monitor_batch(site.project, str(simulated / "batches" / "january.csv")))
    return site


def test_a_report_is_shown_with_its_columns(watched: Open) -> None:
    with watched.browser() as browser:
        html = unescape(browser.get("/watch").text)
        assert "Report: january" in html
        assert "Columns in january" in html
        report = browser.get(re.search(r'href="(/reports/drift-january[^"]*)"', html)[1])
        assert report.status_code == 200
        assert "sandbox" in report.headers["content-security-policy"]
        assert "<script" not in report.text


def test_a_report_that_says_drifted_is_to_be_looked_at(watched: Open) -> None:
    path = watched.project.locations.reports / "drift-january.json"
    said = json.loads(path.read_text())
    said["drift"]["verdict"] = "drifted"
    path.with_name("drift-later.json").write_text(json.dumps(said))
    path.with_name("drift-broken.json").write_text("{")
    with watched.browser() as browser:
        assert "says: drifted" in browser.get("/").text
        assert browser.get("/watch").status_code == 200


def test_distributions_show_the_last_decisions_beside_training(site: Open, example) -> None:
    with site.browser() as browser:
        for number in range(5):
            browser.form("/score", "/score", **example(number))
        html = browser.get("/watch").text
        assert "The last 5 decisions beside the training rows" in html
        assert html.count('class="bar a"') > 5


def test_looking_for_drift_is_a_job_of_its_own(site: Open, example) -> None:
    with site.browser() as browser:
        for number in range(3):
            browser.form("/score", "/score", **example(number))
        assert browser.form("/watch", "/watch", actor="ada", since="2026-99-01").status_code == 422
        html = browser.form("/watch", "/watch", actor="ada", since="").text
        assert "under way" in html
        place = re.search(r'data-poll="([^"]+)"', html)[1]
        deadline = time.monotonic() + 60
        while "under way" in (told := browser.get(place).text):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "done" in told, told
        assert "Report: ledger" in browser.get("/watch").text


def test_a_job_that_fails_says_why(site: Open) -> None:
    with site.browser() as browser:
        html = browser.form("/watch", "/watch", actor="ada").text
        place = re.search(r'data-poll="([^"]+)"', html)[1]
        deadline = time.monotonic() + 60
        while "under way" in (told := browser.get(place).text):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "The ledger holds no prediction" in told
        assert browser.get("/jobs/..%2Fx").status_code == 404


def test_an_experiment_shows_what_each_arm_decided(site: Open, example) -> None:
    events = site.project.promotions
    details = {"share": 0.5, "shadow": False, "salt": "s"}
    events.challenge(2, actor="ada", reason="try <it>", at=site.project.clock(), details=details)
    site.site.services.champion.refresh()
    with site.browser() as browser:
        for number in range(12):
            browser.form("/score", "/score", **example(number % 4), customer=f"C-{number}")
        html = unescape(browser.get("/experiments").text)
        assert "Version 2 challenges version 1" in html
        assert "answers 50%" in html
        assert "try <it>" in html
        assert "champion" in html
        assert "challenger" in html
        assert "Do not stop because of this table" in html
        assert "challenges the champion since" in browser.get("/").text


def test_a_challenge_needs_a_share_and_a_reason(site: Open) -> None:
    with site.browser() as browser:
        fields = {"version": "2", "kind": "split", "actor": "ada"}
        for wrong in ({"share": "0", "reason": "x"}, {"share": "100", "reason": "x"}, {"share": "10", "reason": ""}):
            assert browser.form("/experiments", "/experiments/start", **(fields | wrong)).status_code == 422


def test_who_decided_about_a_customer_on_a_day(site: Open, example) -> None:
    with site.browser() as browser:
        browser.form("/score", "/score", **example(), customer="C-5")
        today = f"{site.project.clock():%Y-%m-%d}"
        html = browser.get(f"/audit?customer=C-5&on={today}").text
        assert "Decisions about C-5: 1" in html
        assert "/decisions/" in html
        assert "Nobody decided about" in browser.get("/audit?customer=C-5&on=2001-01-01").text


def test_a_log_that_was_altered_is_said(site: Open) -> None:
    with site.project.engine.begin() as connection:
        for name in ("update", "delete"):
            connection.exec_driver_sql(f"drop trigger promotions_no_{name}")
        connection.exec_driver_sql("update promotions set reason = 'another' where seq = 1")
    with site.browser() as browser:
        assert "The promotion log is broken at event 1" in browser.get("/audit").text
        assert "The promotion log is broken at event 1" in browser.get("/").text


def test_the_contract_is_shown_and_rows_that_were_set_aside(site: Open, tmp_path: Path) -> None:
    table = Path(site.project.source.path).read_text().splitlines()
    place = table[0].split(",").index("plan")
    row = table[1].split(",")
    row[place] = "<script>gold</script>"
    batch = tmp_path / "bad.csv"
    batch.write_text("\n".join([table[0], *table[2:300], ",".join(row)]) + "\n")
    check(site.project, str(batch))
    with site.browser() as browser:
        html = browser.get("/data").text
        assert "quarantine-bad.csv" in html
        assert "<script>gold" not in html
        assert "&lt;script&gt;gold" in html
        assert browser.get("/reports/quarantine-bad.csv").status_code == 200
        contract = site.site.services.champion.require().champion.bundle.contract
        for column in contract.columns:
            assert site.site.services.champion.require().champion.bundle.rules.texts.name(column.name, "en") in html
    with site.logged_in("eve", "viewer") as browser:
        assert browser.get("/reports/quarantine-bad.csv").status_code == 404


@pytest.mark.parametrize("path", ["../riskloop.db", "..%2Friskloop.db", "..%2Fkeys%2Fsigning.key", "x.html", "", "%00"])
def test_only_reports_are_served_as_reports(look: Browser, path: str) -> None:
    assert look.get(f"/reports/{path}").status_code in (400, 404)
