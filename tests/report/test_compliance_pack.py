from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import riskloop
from riskloop.decide.reason_texts import Texts
from riskloop.errors import NotFound, RiskloopError
from riskloop.loop.project import Project
from riskloop.loop.workflows.report_version import gather, report_compliance, report_model
from riskloop.report.documents import sbom
from riskloop.report.documents.compliance import compliance_pack
from riskloop.report.documents.laws import read_laws
from riskloop.report.documents.markdown import escaped
from riskloop.report.documents.schema import document_schema
from riskloop.report.documents.writing import Written
from riskloop.wiring import open_project
from tests.report.conftest import HOSTILE, Page

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def churn(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of the trained project, to write reports into."""
    folder = tmp_path_factory.mktemp("packs") / "churn"
    shutil.copytree(trained_folder, folder)
    project = open_project(folder, {"RISKLOOP_ACTOR": "grace"})
    yield project
    project.engine.dispose()


@pytest.fixture(scope="module")
def written(churn: Project) -> Written:
    return report_compliance(churn)


def document_of(written: Written) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written.files["json"].read_text(encoding="utf-8"))
    return document


def sections(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for section in document["sections"]:
        yield section
        yield from section["sections"]


def blocks(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for section in sections(document):
        yield from section["blocks"]


def facts(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {fact["key"]: fact for block in blocks(document) for fact in block.get("facts", ())}


def test_every_point_of_the_documentation_is_answered_or_open(written: Written) -> None:
    document = document_of(written)
    numbers = [section["number"] for section in sections(document)]
    wanted = [point.number for group in read_laws("en").groups for point in group.points]
    assert [number for number in numbers if number in wanted] == wanted
    for section in sections(document):
        if section["key"].startswith("point-"):
            assert any("facts" in block for block in section["blocks"])


def test_the_score_counts_answered_points_and_lists_the_open_ones_by_role(written: Written) -> None:
    document = document_of(written)
    known = document["completeness"]
    counted = [fact for block in blocks(document) for fact in block.get("facts", ())]
    waiting = [fact for fact in counted if "open" in fact]
    assert (known["answered"], known["points"]) == (len(counted) - len(waiting), len(counted))
    assert set(known["open"]) == {"owner", "risk", "protection", "counsel", "security"}
    assert sum(map(len, known["open"].values())) == len(waiting)
    table = next(block for block in blocks(document) if block.get("table") == "open")
    assert sum(row[1]["value"] for row in table["rows"]) == len(waiting)
    assert "TO BE COMPLETED BY data protection officer" in Page(written.files["html"].read_text()).text


def test_the_forms_hold_the_same_figures_and_the_page_loads_nothing(written: Written) -> None:
    html, text = (written.files[kind].read_text(encoding="utf-8") for kind in ("html", "md"))
    page, said = Page(html), " ".join(text.split())
    assert len(html.encode()) < MEGABYTE
    assert "://" not in html
    assert not {"script", "link", "iframe", "img"} & {tag for tag, _ in page.tags}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for block in blocks(document_of(written)):
        cells = [cell for row in block.get("rows", ()) for cell in row]
        for one in (*block.get("facts", ()), *cells):
            assert " ".join(one["text"].split()) in page.text
            assert escaped(one["text"]) in said


def test_every_block_names_its_source(churn: Project, written: Written) -> None:
    for block in blocks(document_of(written)):
        assert set(block["source"]) & {"bundle", "log", "laws"}
    governance = next(one for one in sections(document_of(written)) if one["key"] == "governance")
    assert {"log": f"sha256:{churn.promotions.head().hash}"} in [block["source"] for block in governance["blocks"]]
    assert facts(document_of(written))["log_verified"]["text"].startswith("whole")


def test_names_and_numbers_of_laws_stand_in_one_file_only(written: Written) -> None:
    package = Path(riskloop.__file__).parent
    document = json.loads(files("riskloop.report.documents").joinpath("laws.json").read_text(encoding="utf-8"))
    names = {document["documentation"]["place"]["en"], document["documentation"]["place"]["fr"]}
    for law in document["laws"].values():
        names |= {*law["name"].values(), *law["also"], *law["cite"].values()}
        names |= {date["date"] for date in law["dates"]}
        names |= {text for article in law["articles"].values() for text in article["number"].values()}
        names |= {text for article in law["articles"].values() for text in article["title"].values()} - {
            "Notifications"
        }
    names -= {"Technical documentation", "Documentation technique", "Human oversight", "Contrôle humain"}
    sources = [
        path
        for pattern in ("report/**/*.py", "report/**/*.j2", "report/**/*.css", "loop/**/*.py", "cli/**/*.py")
        for path in package.glob(pattern)
    ]
    assert len(sources) > 40
    for path in sources:
        text = path.read_text(encoding="utf-8").casefold()
        assert not [name for name in names if re.search(rf"\b{re.escape(name.casefold())}\b", text)], path
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", document["as_of"])
    assert document["as_of"] in Page(written.files["html"].read_text(encoding="utf-8")).text


@pytest.mark.parametrize(("language", "words"), [("en", "not legal advice"), ("fr", "n'est pas un conseil juridique")])
def test_that_it_is_no_legal_advice_is_said_once(churn: Project, language: Any, words: str) -> None:
    written = report_compliance(churn, language=language)
    for kind in ("html", "md", "json"):
        assert unescape(written.files[kind].read_text(encoding="utf-8")).count(words) == 1


def test_the_french_pack_has_the_same_points(churn: Project, written: Written) -> None:
    french = document_of(report_compliance(churn, language="fr"))
    english = document_of(written)
    assert french["completeness"] == english["completeness"]
    assert [one["key"] for one in sections(french)] == [one["key"] for one in sections(english)]
    assert french["title"].startswith("Dossier de conformité")
    assert facts(french)["class"]["text"].startswith("À COMPLÉTER PAR le juriste")


@pytest.mark.parametrize("name", ["model-report", "compliance-pack"])
def test_the_json_is_what_its_schema_says(churn: Project, written: Written, name: str) -> None:
    schema = jsonschema_rs.validator_for(document_schema(name))
    document = document_of(written if name == "compliance-pack" else report_model(churn))
    assert not [str(error) for error in schema.iter_errors(document)]
    assert not schema.is_valid({**document, "schema": "other"})


def test_the_bill_of_materials_names_the_bundle_and_what_it_runs_on(churn: Project, written: Written) -> None:
    path = written.files["sbom"]
    assert path.name == "sbom.cdx.json"
    bill = json.loads(path.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert uuid.UUID(bill["serialNumber"].removeprefix("urn:uuid:")).version == 5
    model, *libraries = bill["components"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": churn.versions.get(1).digest}]
    assert {"model.npz", "card.json", "manifest.json"} <= {part["name"] for part in model["components"]}
    names = [one["name"].lower() for one in libraries]
    assert {"riskloop", "numpy", "scikit-learn", "mlflow"} <= set(names)
    assert "pytest" not in names
    assert names == sorted(names, key=sbom.normalised)
    assert all(one["purl"].startswith("pkg:pypi/") and one["version"] in one["purl"] for one in libraries)
    numpy = next(one for one in libraries if one["name"] == "numpy")
    assert numpy["licenses"]
    refs = {one["bom-ref"] for one in (*bill["components"], bill["metadata"]["component"])}
    assert {one["ref"] for one in bill["dependencies"]} == refs
    assert {needed for one in bill["dependencies"] for needed in one["dependsOn"]} <= refs
    assert facts(document_of(written))["bill"]["text"] == "sbom.cdx.json"


def test_the_bill_is_the_same_bytes_again(churn: Project, written: Written) -> None:
    before = written.files["sbom"].read_bytes()
    assert report_compliance(churn).files["sbom"].read_bytes() == before
    other = report_compliance(churn, 2)
    assert other.files["sbom"].read_bytes() != before
    assert other.files["sbom"].parent.name == "compliance-2"


def test_what_is_not_installed_as_a_package_cannot_be_listed() -> None:
    with pytest.raises(RiskloopError, match="not installed as a package"):
        sbom.components("no-such-distribution-here")


def test_reviews_protected_groups_and_the_unfavourable_decision_are_told(audited: Project) -> None:
    written = report_compliance(audited)
    document = document_of(written)
    told = facts(document)
    assert told["review_share"]["value"] == 0.1
    assert told["notice_decision"]["text"] == "act"
    assert "sex" in Page(written.files["html"].read_text(encoding="utf-8")).text
    assert HOSTILE not in written.files["html"].read_text(encoding="utf-8")
    assert HOSTILE not in written.files["md"].read_text(encoding="utf-8")
    assert not Page(written.files["html"].read_text(encoding="utf-8")).named("script")


def test_reason_codes_of_a_bundle_take_the_place_of_open_points(audited: Project) -> None:
    subject = gather(audited)
    told = facts(compliance_pack(subject, ()).to_dict())
    assert told["reasons"]["text"].startswith("at most 4")
    assert told["never_named"]["text"] == "sex"
    assert told["baseline"]["text"].startswith(f"{subject.card['attributions']['baseline_rows']} customers of nobody")
    assert abs(told["additivity"]["value"]) < 1e-6
    assert told["reason_check"]["open"] == "counsel"
    card = {name: value for name, value in subject.card.items() if name not in ("reasons", "attributions")}
    silent = compliance_pack(replace(subject, bundle=replace(subject.bundle, card=card)), ())
    assert {"notices/reasons", "notices/reason_words"} <= set(silent.completeness.open["owner"])


def test_features_are_named_by_the_words_of_the_project_and_barred_ones_never(audited: Project) -> None:
    subject = gather(audited)
    texts = Texts("7", {"Purchases": {"en": {"name": "What you bought"}, "fr": {"name": "Vos achats"}}})
    rules = replace(subject.bundle.rules, groups={"Purchases": ("kind",)}, immutable=(HOSTILE,), texts=texts)
    changed = replace(subject, bundle=replace(subject.bundle, rules=rules))
    for language, name in (("en", "What you bought"), ("fr", "Vos achats")):
        document = compliance_pack(changed, (), language).to_dict()  # type: ignore[arg-type]
        table = next(block for block in blocks(document) if block.get("table") == "nameable")
        named = {row[0]["text"]: (row[1]["text"], row[3]["text"]) for row in table["rows"]}
        assert named["kind"][0] == name
        assert named[HOSTILE][1] == {"en": "never", "fr": "jamais"}[language]


def test_a_protected_feature_of_an_older_bundle_may_be_named_only_if_counsel_says_so(audited: Project) -> None:
    subject = gather(audited)
    problem = {**subject.settings["problem"], "sensitive": [HOSTILE]}
    document = compliance_pack(replace(subject, settings={**subject.settings, "problem": problem}), ()).to_dict()
    table = next(block for block in blocks(document) if block.get("table") == "nameable")
    assert {row[0]["text"]: row[3].get("open") for row in table["rows"]}[HOSTILE] == "counsel"


def test_an_unknown_version_is_one_clear_error(churn: Project) -> None:
    with pytest.raises(NotFound, match="no version 99"):
        report_compliance(churn, 99)
