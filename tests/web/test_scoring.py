"""One customer: preview, record, look at it again."""

from __future__ import annotations

import re
from html import unescape

import pytest

from riskloop.explain.flip import nearest_flip
from tests.web.conftest import Browser, Open

HOSTILE = '<script>alert("x")</script>'


def test_the_form_is_made_from_the_contract(look: Browser, standing_site: Open) -> None:
    html = unescape(look.get("/score").text)
    contract = standing_site.site.services.champion.require().champion.bundle.contract
    for column in contract.read:
        field = re.search(rf'<(select|input)[^>]*name="f\.{column.name}"[^>]*>', html)
        assert field, column.name
        assert (" required" in field[0]) == (not column.nullable)
        if column.type == "category":
            assert all(f'<option value="{level}"' in html for level in column.levels)
    assert "usually" in html
    assert "may be left empty" in html


def test_an_empty_form_scores_nobody(standing_site: Open) -> None:
    before = standing_site.project.ledger.count()
    with standing_site.browser() as browser:
        response = browser.form("/score", "/score")
        assert response.status_code == 422
        assert "A value is required." in response.text
    assert standing_site.project.ledger.count() == before


def test_a_preview_is_not_recorded(standing_site: Open, example) -> None:
    before = standing_site.project.ledger.count()
    with standing_site.browser() as browser:
        html = browser.get("/score").text
        csrf = re.search(r'name="csrf" value="([^"]+)"', html)[1]
        part = browser.post("/score/preview", data=example() | {"csrf": csrf}, headers={"X-Part": "verdict"})
        assert part.status_code == 200
        assert "<html" not in part.text
        assert "A preview: nothing is recorded yet." in part.text
        whole = browser.post("/score/preview", data=example() | {"csrf": csrf})
        assert "<h1>Score a customer</h1>" in whole.text
    assert standing_site.project.ledger.count() == before


def test_the_preview_says_how_much_is_still_to_be_filled_in(look: Browser, example) -> None:
    fields = example() | {"f.tenure_months": ""}
    csrf = re.search(r'name="csrf" value="([^"]+)"', look.get("/score").text)[1]
    part = look.post("/score/preview", data=fields | {"csrf": csrf}, headers={"X-Part": "verdict"}).text
    assert "Fill in one more field" in part


def test_what_is_recorded_is_what_the_page_shows(standing_site: Open, example) -> None:
    bundle = standing_site.site.services.champion.require().champion.bundle
    with standing_site.browser() as browser:
        response = browser.form("/score", "/score", **example(2), customer="C-77")
        assert response.url.path.startswith("/decisions/")
        kept = standing_site.project.ledger.last_prediction("C-77")
        assert kept is not None
        assert kept.prediction_id == response.url.path.rpartition("/")[2]
        assert kept.probability == pytest.approx(bundle.golden.probability[2], abs=1e-12)
        html = unescape(response.text)
        assert "Decision about C-77" in html
        assert f"{kept.probability:.1%}" in html
        for reason in kept.reasons:
            assert reason["texts"]["en"] in html
        columns = bundle.contract.decode_rows([kept.features], typed=False).columns
        flip = nearest_flip(bundle, columns)
        assert (flip is None) == ("No change of up to three values" in html)
        french = unescape(browser.get(response.url.path + "?lang=fr").text)
        for reason in kept.reasons:
            assert reason["texts"]["fr"] in french
        assert "Décision sur C-77" in french


@pytest.mark.parametrize(
    ("field", "value", "english", "french"),
    [
        ("plan", "gold", "Known are:", "Valeurs connues"),
        ("tenure_months", "-3", "The least is 0.", "Le minimum est 0."),
        ("tenure_months", "many", "A number is expected.", "Un nombre est attendu."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    standing_site: Open, example, field: str, value: str, english: str, french: str
) -> None:
    with standing_site.browser() as browser:
        response = browser.form("/score", "/score", **example(0, **{field: value}))
        assert response.status_code == 422
        assert english in response.text
        assert 'aria-invalid="true"' in response.text
        assert french in unescape(browser.form("/score?lang=fr", "/score", **example(0, **{field: value})).text)


def test_a_customer_on_file_is_filled_in(standing_site: Open) -> None:
    customer = "C-0000001"
    known = standing_site.project.customers
    ids = [row for row in _ids(standing_site) if known.get(row)]
    customer = ids[0]
    with standing_site.browser() as browser:
        html = unescape(browser.get("/score", params={"id": customer}).text)
        assert f"Filled in with what is on file about “{customer}”" in html
        assert 'class="verdict' in html
        assert "Nothing is on file about “nobody”" in unescape(browser.get("/score?id=nobody").text)


def _ids(opened: Open) -> list[str]:
    import csv

    with open(opened.project.source.path) as stream:
        return [row["customer_id"] for row in csv.DictReader(stream)][:5]


@pytest.mark.parametrize("where", ["customer", "f.plan", "f.tenure_months"])
def test_what_a_customer_sends_is_text(standing_site: Open, example, where: str) -> None:
    with standing_site.browser() as browser:
        response = browser.form("/score", "/score", **(example() | {where: HOSTILE}))
        assert HOSTILE not in response.text
        assert "&lt;script&gt;" in response.text
        if where == "customer":
            for path in ("/worklist?decision=", "/audit?customer=" + HOSTILE):
                html = browser.get(path).text
                assert HOSTILE not in html
                assert "alert(" in html


def test_an_id_that_is_none_is_refused(standing_site: Open, example) -> None:
    with standing_site.browser() as browser:
        response = browser.form("/score", "/score", **example(), customer="a\x01b")
        assert response.status_code == 422
        assert "none of them a control" in response.text


def test_a_decision_of_a_version_that_left_is_still_explained(site: Open, example) -> None:
    with site.browser() as browser:
        path = browser.form("/score", "/score", **example(), customer="C-9").url.path
        browser.form("/versions/2", "/versions/2/promote", actor="ada", reason="better")
        html = browser.get(path).text
        assert 'class="verdict' in html
        assert "What if?" not in html, "another version leads: what it would say is something else"
