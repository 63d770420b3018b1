from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from riskloop.errors import NotFound
from riskloop.loop.project import Project
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.report_version import gather, report_model
from riskloop.report.documents.compliance import compliance_pack
from riskloop.report.documents.html import html
from riskloop.report.documents.markdown import escaped
from riskloop.report.documents.model import model_report
from riskloop.report.documents.writing import Written
from riskloop.wiring import open_project
from tests.report.conftest import HOSTILE, HOSTILE_LEVEL, Page

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def churn(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of the trained project, to write reports into."""
    folder = tmp_path_factory.mktemp("reports") / "churn"
    shutil.copytree(trained_folder, folder)
    project = open_project(folder, {"RISKLOOP_ACTOR": "grace"})
    yield project
    project.engine.dispose()


@pytest.fixture(scope="module")
def written(churn: Project) -> Written:
    return report_model(churn)


def read(written: Written) -> tuple[Page, str, dict[str, Any]]:
    """Page, Markdown and JSON."""
    texts = {kind: path.read_text(encoding="utf-8") for kind, path in written.files.items()}
    return Page(texts["html"]), texts["md"], json.loads(texts["json"])


def blocks(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every block of every section."""
    for section in document["sections"]:
        for each in (section, *section["sections"]):
            yield from each["blocks"]


def texts(document: dict[str, Any]) -> Iterator[str]:
    """Every figure and sentence of a document, as it is read."""
    for block in blocks(document):
        yield from (fact["text"] for fact in block.get("facts", ()))
        yield from block.get("sentences", ())
        yield from (cell["text"] for row in block.get("rows", ()) for cell in row)


def plain(text: str) -> str:
    return " ".join(text.split())


def test_the_champion_is_reported_with_its_figures(churn: Project, written: Written) -> None:
    page, _, document = read(written)
    assert document["schema"] == "riskloop/model-report/1"
    assert document["version"] == churn.promotions.state().champion == 1
    version = churn.versions.get(1)
    assert document["digest"] == f"sha256:{version.digest}"
    facts = {fact["key"]: fact for block in blocks(document) for fact in block.get("facts", ())}
    assert facts["roc_auc"]["value"] == version.metrics["metrics"]["roc_auc"]
    assert facts["rows_test"]["value"] == version.metrics["n"]
    assert "Champion" in facts["status"]["text"]
    tables = {block["table"]: block for block in blocks(document) if "table" in block}
    assert len(tables["contenders"]["rows"]) == 2
    assert len(tables["gate"]["rows"]) == len(version.gate)
    assert [row[2]["text"] for row in tables["history"]["rows"]] == ["promoted"]
    assert "Decisions in money" in page.text


def test_the_three_forms_hold_the_same_figures(written: Written) -> None:
    page, text, document = read(written)
    said = plain(text)
    assert len(list(texts(document))) > 200
    for one in texts(document):
        assert plain(one) in page.text
        assert escaped(one) in said


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_loads_nothing_is_small_and_can_be_read_aloud(churn: Project, language: Any) -> None:
    written = report_model(churn, language=language)
    text = written.files["html"].read_text(encoding="utf-8")
    page = Page(text)
    assert len(text.encode()) < MEGABYTE
    assert "://" not in text
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert not page.named("img")
    assert "url(" not in text
    assert all(str(link["href"]).startswith("#") for link in page.named("a"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(link["href"])[1:] for link in page.named("a")} <= set(ids)
    assert all(drawing["aria-label"] for drawing in page.named("svg"))
    assert all(cell.get("scope") for cell in page.named("th"))
    assert page.named("html")[0]["lang"] == language


def test_every_table_and_figure_names_the_hash_it_comes_from(churn: Project, written: Written) -> None:
    _, _, document = read(written)
    bundle = f"sha256:{churn.versions.get(1).digest}"
    for block in blocks(document):
        assert block["source"]
        assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in block["source"].values())
        if "log" not in block["source"]:
            assert block["source"]["bundle"] == bundle
    sources = [block["source"] for block in blocks(document)]
    assert {"data": f"sha256:{churn.versions.get(1).data_fingerprint}", "bundle": bundle} in sources
    assert {"log": f"sha256:{churn.promotions.head().hash}"} in sources


def test_what_only_people_know_is_open_and_counted_by_role(written: Written) -> None:
    page, _, document = read(written)
    known = document["completeness"]
    facts = [fact for block in blocks(document) for fact in block.get("facts", ())]
    waiting = [fact for fact in facts if "open" in fact]
    assert known["points"] == len(facts)
    assert known["answered"] == len(facts) - len(waiting)
    assert sum(map(len, known["open"].values())) == len(waiting) > 5
    assert known["share"] == pytest.approx(known["answered"] / known["points"])
    assert all(fact["text"].startswith("TO BE COMPLETED BY ") for fact in waiting)
    assert f"{known['answered']} of {known['points']} points are answered" in page.text
    assert written.completeness.to_dict() == known


@pytest.mark.parametrize(("language", "words"), [("en", "not legal advice"), ("fr", "n'est pas un conseil juridique")])
def test_that_it_is_no_legal_advice_is_said_once(churn: Project, language: Any, words: str) -> None:
    written = report_model(churn, language=language)
    for path in written.files.values():
        assert unescape(path.read_text(encoding="utf-8")).count(words) == 1


def test_the_markdown_begins_with_the_head_of_a_model_card(churn: Project, written: Written) -> None:
    _, text, _ = read(written)
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["model_name"] == "churn"
    assert head["license"].startswith("TO BE COMPLETED BY model owner")
    assert head["digest"] == f"sha256:{churn.versions.get(1).digest}"
    result = head["model-index"][0]["results"][0]
    measured = {one["type"]: one["value"] for one in result["metrics"]}
    assert measured["roc_auc"] == churn.versions.get(1).metrics["metrics"]["roc_auc"]["value"]
    assert result["dataset"]["revision"] == churn.versions.get(1).data_fingerprint


def test_in_french_the_words_are_french_and_the_figures_the_same(churn: Project, written: Written) -> None:
    french = report_model(churn, language="fr")
    page, _, document = read(french)
    _, _, english = read(written)
    assert french.files["html"].name == "model-1.fr.html"
    assert document["title"].startswith("Rapport de modèle")
    assert "À COMPLÉTER PAR le propriétaire du modèle" in page.text
    raw = [fact["value"] for block in blocks(document) for fact in block.get("facts", ()) if "value" in fact]
    numbers = [value for value in raw if isinstance(value, (int, float, dict))]
    raw = [fact["value"] for block in blocks(english) for fact in block.get("facts", ()) if "value" in fact]
    assert numbers == [value for value in raw if isinstance(value, (int, float, dict))]
    assert any(attributes.get("lang") == "en" for attributes in page.named("span"))


def test_a_refused_version_says_so_and_a_version_without_events_too(churn: Project) -> None:
    page, _, document = read(report_model(churn, 3))
    assert "Refused by the gate" in page.text
    assert "The gate refused it (roc_auc" in page.text
    assert "it has never led" in page.text
    assert document["version"] == 3


def test_without_a_champion_it_is_the_newest_version(audited: Project) -> None:
    assert audited.promotions.state().champion is None
    written = report_model(audited)
    assert written.version == 1


def test_an_unknown_version_and_no_version_are_one_clear_error(churn: Project, new_project: Project) -> None:
    with pytest.raises(NotFound, match="no version 99"):
        report_model(churn, 99)
    with pytest.raises(NotFound, match="There is no version yet"):
        report_model(new_project)


def test_groups_reviews_and_formulas_are_in_the_report(audited: Project) -> None:
    page, _, document = read(report_model(audited))
    tables = {block["table"]: block for block in blocks(document) if "table" in block}
    assert [row[0]["text"] for row in tables["groups"]["rows"]] == ["sex = f", "sex = m"]
    assert ("sex", "protected: audited, never used") in [
        tuple(cell["text"] for cell in row) for row in tables["left_out"]["rows"]
    ]
    assert "0.5 * amount" in [row[1]["text"] for row in tables["costs"]["rows"]]
    assert "each customer's own" in page.text
    assert "Reviews are priced as if reviewers were right in 100% of the cases" in page.text
    assert "drawn at random" in page.text


def test_hostile_names_are_shown_and_mean_nothing(audited: Project) -> None:
    written = report_model(audited)
    page, text, _ = read(written)
    assert HOSTILE in page.text
    assert HOSTILE not in written.files["html"].read_text(encoding="utf-8")
    assert not page.named("script")
    assert HOSTILE not in text
    assert "<img src=x>" not in text
    for line in text.splitlines():
        if line.startswith("| ") and HOSTILE_LEVEL[:2] in line:
            assert "\\|" in line


def test_promotions_are_told_with_their_reasons(audited: Project, tmp_path: Path) -> None:
    shutil.copytree(audited.folder, tmp_path / "audited")
    project = open_project(tmp_path / "audited", {"RISKLOOP_ACTOR": "ada"})
    promote(project, 1, reason=f"because {HOSTILE}", override=True)
    page, text, document = read(report_model(project))
    project.engine.dispose()
    assert f"because {HOSTILE}" in page.text
    assert "<script" not in text
    facts = {fact["key"]: fact for block in blocks(document) for fact in block.get("facts", ())}
    assert facts["log_verified"]["text"].startswith("whole")
    assert facts["log_events"]["value"] == 1


@pytest.mark.parametrize("language", ["en", "fr"])
def test_costs_and_decisions_are_drawn_from_the_bundle_alone(churn: Project, tmp_path: Path, language: Any) -> None:
    shutil.copytree(churn.folder, tmp_path / "churn")
    shutil.rmtree(tmp_path / "churn" / ".riskloop" / "trainings")
    project = open_project(tmp_path / "churn", {})
    page, _, document = read(report_model(project, language=language))
    card = project.bundle(1)[1].card
    project.engine.dispose()
    assert not page.named("img")
    figures = {block["figure"]: block for block in blocks(document) if "figure" in block}
    assert set(figures["cost_curve"]["source"]) == set(figures["scores"]["source"]) == {"bundle"}
    assert ("Cost by threshold" if language == "en" else "Coût selon le seuil") in page.text
    assert ("Left alone, rightly" if language == "en" else "Inaction justifiée") in page.text
    tables = {block["table"]: block for block in blocks(document) if "table" in block}
    counted = [sum(row[place]["value"] for row in tables["scores"]["rows"]) for place in range(1, 5)]
    assert counted == [card["test"]["confusion"][name] for name in ("tp", "fn", "fp", "tn")]
    ends = [tables["cost_curve"]["rows"][place][1]["value"] for place in (0, -1)]
    policies = {row["name"]: row["cost_per_thousand"]["value"] for row in card["policies"]}
    assert ends == pytest.approx([policies["act_on_none"], policies["act_on_all"]], rel=1e-5)


def test_the_curves_in_a_card_are_few_and_small(audited: Project, churn: Project) -> None:
    for project in (audited, churn):
        kept = project.bundle(1)[1].card["curves"]
        assert len(kept["cost"]) <= 60
        assert len(kept["decided"]) == 20
        assert len(json.dumps(kept)) < 4_000


def test_a_bundle_of_an_earlier_make_says_why_its_curves_are_not_drawn(audited: Project) -> None:
    subject = gather(audited)
    card = {name: value for name, value in subject.card.items() if name != "curves"}
    earlier = replace(subject, bundle=replace(subject.bundle, card=card))
    for language, words in (("en", "of an earlier riskloop"), ("fr", "d'un riskloop antérieur")):
        page = Page(html(model_report(earlier, language)))
        assert words in page.text


def test_own_thresholds_are_not_said_to_be_one(audited: Project) -> None:
    page, _, _ = read(report_model(audited))
    assert "the one that would be best for all" in page.text


def test_a_log_that_was_edited_is_called_broken(churn: Project, tmp_path: Path) -> None:
    shutil.copytree(churn.folder, tmp_path / "churn")
    with closing(sqlite3.connect(tmp_path / "churn" / ".riskloop" / "riskloop.db")) as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute("UPDATE promotions SET reason = 'better'")
        database.commit()
    project = open_project(tmp_path / "churn", {})
    page, _, _ = read(report_model(project))
    project.engine.dispose()
    assert "BROKEN: 1, its content is not what was hashed: it was edited" in page.text


def test_thousands_of_hostile_columns_stay_below_a_megabyte(audited: Project) -> None:
    subject = gather(audited)
    names = [f"{number} {HOSTILE * 5}" for number in range(3_000)]
    finding = {"severity": "warning", "column": names[0], "message": HOSTILE * 50, "next_step": HOSTILE * 50}
    many = {
        "importance": dict.fromkeys(names, 0.1),
        "not_used": dict.fromkeys(names, HOSTILE * 20),
        "findings": [finding] * 500,
    }
    large = replace(subject, bundle=replace(subject.bundle, card={**subject.card, **many}))
    for document in (model_report(large), compliance_pack(large, ())):
        page = html(document)
        assert len(page.encode()) < MEGABYTE
        assert "<script" not in page
        assert "of 3,000 are listed" in page


def test_a_version_of_an_earlier_riskloop_is_one_clear_error(audited: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version, bundle = audited.bundle(1)
    card = {name: value for name, value in bundle.card.items() if name != "decided"}
    monkeypatch.setattr(Project, "bundle", lambda self, wanted: (version, replace(bundle, card=card)))
    with pytest.raises(NotFound, match="its card lacks decided"):
        gather(audited)
