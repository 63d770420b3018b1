"""A file of customers: preview, errors by line, record once, download."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import httpx

from tests.web.conftest import Browser, Open


def _send(browser: Browser, text: str, name: str = "may.csv") -> httpx.Response:
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/score/file").text)[1]
    return browser.post("/score/file", data={"csrf": csrf}, files={"file": (name, text.encode(), "text/csv")})


def _rows(opened: Open, count: int, **changes: str) -> list[dict[str, str]]:
    with open(opened.project.source.path) as stream:
        rows = [row for _, row in zip(range(count), csv.DictReader(stream), strict=False)]
    contract = opened.site.services.champion.require().champion.bundle.contract
    return [{name: row[name] for name in ("customer_id", *contract.read_names)} | changes for row in rows]


def _text(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_nothing_is_recorded_before_it_was_looked_at(site: Open) -> None:
    rows = _rows(site, 40)
    rows[3]["plan"] = "gold"
    rows[7]["tenure_months"] = "-1"
    before = site.project.ledger.count()
    with site.browser() as browser:
        response = _send(browser, _text(rows))
        html = unescape(response.text)
        assert "Preview of may.csv" in html
        assert "Nothing is recorded yet" in html
        assert re.search(r'Scored</dt><dd class="big">38<', html)
        assert re.search(r'<td class="n">5</td><td class="wrap">Plan: Known are: basic', html), "line 5 of the file"
        assert re.search(r'<td class="n">9</td><td class="wrap">Tenure months: The least is 0.', html)
        assert site.project.ledger.count() == before
        recorded = browser.form(response.url.path, f"{response.url.path}/record")
        assert "38 decisions are in the ledger" in recorded.text
        assert site.project.ledger.count() == before + 38
        told = list(csv.DictReader(io.StringIO(browser.get(f"{response.url.path}/decisions.csv").text)))
        assert len(told) == 40
        assert [row["line"] for row in told if row["error"]] == ["5", "9"]
        kept = site.project.ledger.last_prediction(told[0]["id"])
        assert kept.decision == told[0]["decision"]


def test_two_clicks_record_once(site: Open) -> None:
    with site.browser() as browser:
        response = _send(browser, _text(_rows(site, 5)))
        csrf = re.search(r'name="csrf" value="([^"]+)"', response.text)[1]
        for _ in range(3):
            browser.post(f"{response.url.path}/record", data={"csrf": csrf})
    assert site.project.ledger.count() == 5


def test_another_version_does_not_record_what_the_first_one_said(site: Open) -> None:
    with site.browser() as browser:
        response = _send(browser, _text(_rows(site, 5)))
        csrf = re.search(r'name="csrf" value="([^"]+)"', response.text)[1]
        browser.form("/versions/2", "/versions/2/promote", actor="ada", reason="better")
        assert "Another version leads since" in browser.get(response.url.path).text
        assert browser.post(f"{response.url.path}/record", data={"csrf": csrf}).status_code == 409
    assert site.project.ledger.count() == 0


def test_a_file_that_cannot_be_scored_says_why(standing_site: Open) -> None:
    with standing_site.browser() as browser:
        lacking = _send(browser, "customer_id,plan\nC-1,basic\n")
        assert lacking.status_code == 422
        assert "A value is required" in lacking.text
        assert _send(browser, "\xff\xfe").status_code in (400, 422)
        everyone = _rows(standing_site, 3, plan="gold")
        refused = _send(browser, _text(everyone))
        assert refused.status_code == 422
        assert "No line could be scored" in refused.text
        assert "Line 2, Plan" in refused.text
        assert _send(browser, "").status_code == 422


def test_a_cell_cannot_become_a_formula(standing_site: Open) -> None:
    rows = _rows(standing_site, 2)
    rows[0]["customer_id"] = "=HYPERLINK(1)"
    with standing_site.browser() as browser:
        response = _send(browser, _text(rows), name='../<img src=x onerror="1">.csv')
        assert "<img src=x" not in response.text
        download = browser.get(f"{response.url.path}/decisions.csv")
        assert "'=HYPERLINK(1)" in download.text
        assert re.fullmatch(r'attachment; filename="[A-Za-z0-9_.-]+"', download.headers["content-disposition"])


def test_the_template_can_be_scored_as_it_is(standing_site: Open) -> None:
    with standing_site.browser() as browser:
        response = _send(browser, browser.get("/score/template.csv").text)
        assert re.search(r'Scored</dt><dd class="big">1<', response.text)


def test_a_preview_of_nobody_knows_where_is_gone(look: Browser) -> None:
    assert look.get("/score/file/" + "0" * 24).status_code == 404
    assert look.get("/score/file/..%2Fkeys").status_code == 404
