"""Each page's main job as its user would do it, in both languages."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import Visit
from tests.web.conftest import Open

WORDS = {
    "en-GB": {
        "record": "Decide and record", "preview": "A preview: nothing is recorded yet.", "decision": "Decision about",
        "promote": "Promote", "done": "Done: this version leads now.", "proposal": "Save as a proposal",
        "saved": "Saved:", "score": "Score and preview", "keep": "Record 3 decisions",
        "kept": "3 decisions are in the ledger",
        "whole": "The promotion log is whole.", "contract": "Contract", "name": "Your name", "reason": "Reason",
    },
    "fr-FR": {
        "record": "Décider et enregistrer", "preview": "Un aperçu : rien n'est encore enregistré.",
        "decision": "Décision sur", "promote": "Mettre en service",
        "done": "Fait : cette version est désormais en service.",
        "proposal": "Enregistrer la proposition", "saved": "Enregistré :", "score": "Évaluer et prévisualiser",
        "keep": "Enregistrer 3 décisions", "kept": "3 décisions sont au registre", "whole": "Le journal est intègre.",
        "contract": "Contrat", "name": "Votre nom", "reason": "Motif",
    },
}  # fmt: skip
both = pytest.mark.parametrize("locale", WORDS)


@both
def test_a_loan_officer_tries_a_customer_and_records_the_decision(visit: Visit, bank: Open, locale: str) -> None:
    words, before = WORDS[locale], bank.project.ledger.count()
    visitor = visit(bank, locale=locale)
    page = visitor.goto("/score")
    visitor.fill_in(bank)
    expect(page.locator("#verdict .verdict")).to_be_visible()
    expect(page.locator("#verdict")).to_contain_text(words["preview"])
    first = page.locator("#verdict .verdict p").inner_text()
    page.locator('[name="f.tenure_months"]').fill("1")
    expect(page.locator("#verdict .verdict p")).not_to_have_text(first)
    assert bank.project.ledger.count() == before, "what-ifs are not recorded"
    page.locator("#customer").fill(f"C-{locale}")
    page.get_by_role("button", name=words["record"]).click()
    expect(page.locator("h1")).to_contain_text(f"{words['decision']} C-{locale}")
    assert bank.project.ledger.count() == before + 1
    assert visitor.complaints == []


def test_without_scripts_everything_works_with_a_reload(visit: Visit, bank: Open) -> None:
    visitor = visit(bank, scripts=False)
    page = visitor.goto("/score")
    visitor.fill_in(bank, 1)
    page.get_by_role("button", name="Only preview").click()
    expect(page.locator("#verdict .verdict")).to_be_visible()
    page.get_by_role("button", name="Decide and record").click()
    expect(page.locator("h1")).to_contain_text("Decision about a customer without id")
    page = visitor.goto("/thresholds")
    page.locator("#t-fn").fill("500")
    page.locator("#by_costs").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#explored .big").first).to_have_text("2.0%")


@both
def test_a_marketer_uploads_a_file_and_works_the_list(visit: Visit, site: Open, tmp_path: Path, locale: str) -> None:
    words = WORDS[locale]
    bundle = site.site.services.champion.require().champion.bundle
    path = tmp_path / "may.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("customer_id", *bundle.contract.read_names))
        for number, request in enumerate(bundle.golden.requests[:3]):
            told = (request[name] for name in bundle.contract.read_names)
            writer.writerow((f"M-{number}", *("" if value is None else value for value in told)))
        writer.writerow(("M-9", *["?"] * len(bundle.contract.read_names)))
    page = visit(site, locale=locale).goto("/score/file")
    page.locator("#file").set_input_files(path)
    page.get_by_role("button", name=words["score"]).click()
    expect(page.locator("#errors")).to_be_visible()
    page.get_by_role("button", name=words["keep"]).click()
    expect(page.locator(".note.good")).to_contain_text(words["kept"])
    page.goto(site.url + "/worklist?decision=")
    expect(page.locator("#list tbody tr")).to_have_count(3)
    page.locator("#w-capacity").fill("1")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    assert "capacity=1" in page.url
    with page.expect_download() as told:
        page.locator('a[href*="/worklist.csv"]').click()
    assert len(Path(told.value.path()).read_text().splitlines()) == 2
    page.locator("#list tbody th a").click()
    expect(page.locator(".verdict")).to_be_visible()


@both
def test_a_risk_manager_compares_and_promotes(visit: Visit, site: Open, locale: str) -> None:
    words = WORDS[locale]
    page = visit(site, locale=locale).goto("/versions?v=1&v=2")
    expect(page.locator(".chart")).to_have_count(4)
    page.locator('a[href="/versions/2"]').first.click()
    page.get_by_label(words["name"]).first.fill("ada")
    page.get_by_label(words["reason"]).first.fill("cheaper")
    page.get_by_role("button", name=words["promote"]).click()
    expect(page.locator(".note.good")).to_have_text(words["done"])
    assert site.project.promotions.state().champion == 2


@both
def test_a_risk_manager_moves_the_costs_and_proposes_a_policy(visit: Visit, bank: Open, locale: str) -> None:
    words = WORDS[locale]
    page = visit(bank, locale=locale).goto("/thresholds")
    before = page.locator("#explored [role=status]").inner_text()
    page.locator("#t-fn").fill("300")
    page.locator("#by_costs").check()
    expect(page.locator("#explored [role=status]")).not_to_have_text(before)
    assert "fn=300" in page.url
    page.locator("#e-actor").fill("ada")
    page.locator("#e-reason").fill("a lost customer costs more now")
    page.get_by_role("button", name=words["proposal"]).click()
    expect(page.locator(".note.good").first).to_contain_text(words["saved"])


@both
def test_an_auditor_asks_who_decided(visit: Visit, bank: Open, locale: str) -> None:
    visitor = visit(bank, locale=locale)
    visitor.goto("/score?example=2")
    visitor.page.locator("#customer").fill("C-audit")
    visitor.page.get_by_role("button", name=WORDS[locale]["record"]).click()
    page = visitor.goto("/audit")
    expect(page.locator(".note.good")).to_contain_text(WORDS[locale]["whole"])
    page.locator("#a-customer").fill("C-audit")
    page.locator("#a-customer").press("Enter")
    page.locator("a[href^='/decisions/']").first.click()
    expect(page.locator("h1")).to_contain_text("C-audit")


@both
def test_an_analyst_looks_at_drift_and_at_the_contract(visit: Visit, bank: Open, locale: str) -> None:
    page = visit(bank, locale=locale).goto("/watch")
    expect(page.locator("#newest")).to_contain_text("january")
    page.locator("#columns").scroll_into_view_if_needed()
    assert page.locator("section[aria-labelledby=columns] tbody tr").count() > 5
    page.goto(bank.url + "/data")
    expect(page.locator("#contract")).to_have_text(WORDS[locale]["contract"])


def test_an_experiment_is_started_and_ended(visit: Visit, site: Open) -> None:
    page = visit(site).goto("/experiments")
    page.locator("#x-shadow").check()
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Reason").fill("look first")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#running")).to_contain_text("Version 2 challenges version 1", timeout=30_000)
    expect(page.locator("#running")).to_contain_text("shadow")


def test_two_people_at_once_see_each_other_s_work(visit: Visit, site: Open) -> None:
    site.project.access.add("root", "admin", site.project.clock())
    tokens = {name: site.key(name, "approver") for name in ("ada", "bob")}
    people = {name: visit(site) for name in tokens}
    for name, visitor in people.items():
        page = visitor.goto("/")
        page.get_by_label("API key").fill(tokens[name])
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".foot")).to_contain_text(name)
    for name, visitor in people.items():
        visitor.goto("/score")
        visitor.fill_in(site, 0)
        visitor.page.locator("#customer").fill(f"C-of-{name}")
    for visitor in people.values():
        visitor.page.get_by_role("button", name="Decide and record").click()
        expect(visitor.page.locator("h1")).to_contain_text("Decision about")
    people["ada"].goto("/versions/2").get_by_label("Reason").first.fill("better")
    people["ada"].page.get_by_role("button", name="Promote").click()
    expect(people["bob"].goto("/audit").locator("main")).to_contain_text("better")
    expect(people["bob"].goto("/worklist?decision=").locator("#list")).to_contain_text("C-of-ada")


@pytest.mark.parametrize(
    "hostile", ["<img src=x onerror=document.title='hacked'>", "\"><script>document.title='hacked'</script>"]
)
def test_what_customers_are_called_does_nothing(visit: Visit, bank: Open, hostile: str) -> None:
    visitor = visit(bank)
    visitor.goto("/score?example=1")
    visitor.page.locator("#customer").fill(hostile)
    visitor.page.get_by_role("button", name="Decide and record").click()
    expect(visitor.page.locator("h1")).to_contain_text(hostile)
    for path in ("/worklist?decision=&q=onerror", "/worklist?decision=&q=script", "/audit?customer=" + hostile):
        assert "hacked" not in visitor.goto(path).title()
    assert not [said for said in visitor.complaints if "Content Security Policy" in said]


def test_the_theme_is_chosen_and_kept(visit: Visit, bank: Open) -> None:
    visitor = visit(bank, light="light")
    page = visitor.goto("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("link", name="Dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    visitor.goto("/data")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
