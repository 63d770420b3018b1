from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import polars as pl
import pytest
import yaml

from riskloop.data.contract import Column, Contract
from riskloop.data.dataset import Dataset, prepare
from riskloop.data.infer import infer_contract
from riskloop.data.source import Source, read
from riskloop.errors import RiskloopError
from riskloop.findings import Finding
from riskloop.problem import Problem
from riskloop.report.data_report import DataReport, data_report, write_data_report
from riskloop.report.documents.schema import document_schema
from riskloop.report.words import shown
from tests.report.conftest import HOSTILE, Page

DATA = Path(os.environ.get("RISKLOOP_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def bank() -> DataReport:
    path = DATA / "bankchurners" / "BankChurners.csv"
    if not path.exists():
        pytest.skip(f"the public data sets are not here ({path})")
    frame, _ = read(Source(str(path)))
    problem = Problem("Attrition_Flag", "Attrited Customer", id="CLIENTNUM")
    inferred = infer_contract(frame, problem)
    prepared = prepare(frame, inferred.contract, problem)
    assert prepared.dataset is not None
    findings = [*inferred.findings, *prepared.findings]
    return data_report(frame, prepared.dataset, findings, title="Bank churners", generated=NOW)


def _dataset(columns: dict[str, np.ndarray], outcome: np.ndarray, *, time: np.ndarray | None = None) -> Dataset:
    rules = [
        Column(name, "number", nullable=True)
        if values.dtype.kind == "f"
        else Column(name, "category", levels=("a", "b", "never"), nullable=True, unknown="bin")
        for name, values in columns.items()
    ]
    problem = Problem("left", "1", time="when" if time is not None else None)
    contract = Contract(tuple(rules), tuple(columns))
    return Dataset(problem, contract, columns, outcome, np.arange(len(outcome)), time, "0" * 64)


def _report(dataset: Dataset, findings: tuple[Finding, ...] = (), title: str = "Table") -> DataReport:
    frame = pl.DataFrame({"left": dataset.outcome, **dataset.columns})
    return data_report(frame, dataset, findings, title=title, generated=NOW)


@pytest.fixture
def outcome() -> np.ndarray:
    return np.random.default_rng(1).random(400) < 0.3


def test_the_report_of_a_real_table_is_one_small_page(bank: DataReport) -> None:
    page = Page(bank.html)
    assert len(bank.html.encode()) < 250_000
    assert not page.named("script")
    assert not page.named("link")
    assert not page.named("img")
    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|url\(""", bank.html)
    assert "http://" not in bank.html
    assert "https://" not in bank.html


def test_a_real_table_is_described_truthfully(bank: DataReport) -> None:
    overview = bank.document["overview"]
    assert (overview["rows"], overview["columns"], overview["positives"]) == (10_127, 23, 1_627)
    assert overview["rate"]["low"] < 1_627 / 10_127 < overview["rate"]["high"]
    first = bank.document["features"][0]
    assert first["name"].startswith("Naive_Bayes")
    assert first["roc_auc"] > 0.999
    pairs = {
        frozenset((pair["first"], pair["second"])): pair["value"] for pair in bank.document["associations"]["pairs"]
    }
    assert pairs[frozenset(("Credit_Limit", "Avg_Open_To_Buy"))] > 0.9


def test_every_group_of_every_feature_adds_up_to_all_rows(bank: DataReport) -> None:
    for feature in bank.document["features"]:
        assert sum(group["rows"] for group in feature["groups"]) == 10_127
        assert sum(group["positives"] for group in feature["groups"]) == 1_627
    assert sum(block["rows"] for block in bank.document["over_time"]["blocks"]) == 10_127


def test_the_page_can_be_read_without_seeing_it(bank: DataReport) -> None:
    page = Page(bank.html)
    assert page.named("html") == [{"lang": "en"}]
    assert [len(page.named(tag)) for tag in ("header", "nav", "main", "footer", "h1")] == [1, 1, 1, 1, 1]
    assert page.named("svg")
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.named("svg"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.named("th"))
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert len(anchors) == sum("id" in attributes for _, attributes in page.tags)
    assert all(str(link["href"]).removeprefix("#") in anchors for link in page.named("a"))


def test_severities_are_words_and_the_gravest_come_first(bank: DataReport) -> None:
    order = [finding["severity"] for finding in bank.document["findings"]]
    assert order == sorted(order, key=["error", "warning", "info"].index)
    assert {"Error", "Warning", "Note"} <= set(Page(bank.html).texts)


def test_the_same_table_gives_the_same_bytes(outcome: np.ndarray) -> None:
    columns = {"x": np.random.default_rng(2).normal(size=400)}
    assert _report(_dataset(columns, outcome)).html == _report(_dataset(columns, outcome)).html


def test_hostile_names_and_levels_are_shown_and_never_run(outcome: np.ndarray) -> None:
    levels = (HOSTILE, "L" * 500, '"><svg onload=alert(1)>', "{{ 7 * 7 }} {0}", "\u202egnp\x00\n")
    rules = Column(HOSTILE, "category", levels=levels)
    codes = np.random.default_rng(3).integers(0, 5, 400).astype(np.int32)
    dataset = Dataset(
        Problem("left", "1"), Contract((rules,), (HOSTILE,)), {HOSTILE: codes}, outcome, np.arange(400), None, "0"
    )
    finding = Finding("x", "warning", HOSTILE, HOSTILE, HOSTILE)
    report = _report(dataset, (finding,), title=HOSTILE)
    page = Page(report.html)
    assert not page.named("script")
    assert not any("onload" in attributes for _, attributes in page.tags)
    assert HOSTILE in page.texts
    assert "L" * 100 not in report.html
    assert "{{ 7 * 7 }} {0}" in page.texts
    assert not {"\u202e", "\x00"} & set(report.html)
    assert report.document["features"][0]["name"] == HOSTILE
    for language in ("en", "fr"):
        text = report.markdown(language)
        assert "<script" not in text
        assert "<svg" not in text
        assert "L" * 100 not in text


def test_empty_categories_and_empty_columns_are_reported_as_such(outcome: np.ndarray) -> None:
    nothing, no_level = np.full(400, np.nan), np.full(400, -1, dtype=np.int32)
    report = _report(_dataset({"nothing": nothing, "no level": no_level, "one": np.ones(400)}, outcome))
    described = {feature["name"]: feature for feature in report.document["features"]}
    assert described["nothing"]["missing_share"] == 1
    assert described["no level"]["statistics"] == {"levels_unused": 3.0}
    assert described["one"]["groups"][0]["rows"] == 400
    assert Page(report.html).texts.count("No cell is filled.") == 2
    json.dumps(report.document, allow_nan=False)


def test_one_hundred_columns_with_long_levels_stay_below_one_megabyte(outcome: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    rows = 3_000
    numbers = {f"number {'x' * 60} {i}": rng.normal(size=rows) * 12345.678 for i in range(70)}
    codes = {f"category {'y' * 60} {i}": rng.integers(-1, 200, rows).astype(np.int32) for i in range(50)}
    levels = tuple(f"{i} {'z' * 490}" for i in range(200))
    rules = [Column(name) for name in numbers] + [Column(name, "category", levels=levels) for name in codes]
    dataset = Dataset(
        Problem("left", "1"),
        Contract(tuple(rules), tuple(rule.name for rule in rules)),
        numbers | codes,
        rng.random(rows) < 0.3,
        np.arange(rows),
        None,
        "0",
    )
    report = _report(dataset, tuple(Finding("x", "info", "&" * 400, "n" * 400, "c") for _ in range(150)))
    assert len(report.html.encode()) < 1_000_000
    assert len(report.page("fr").encode()) < 1_000_000
    assert len(report.markdown("fr").encode()) < 1_000_000
    assert len(Page(report.html).named("article")) == 100
    assert (len(report.document["features"]), len(report.document["findings"])) == (120, 150)


def test_time_is_cut_into_months_when_there_is_an_event_time(outcome: np.ndarray) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    time = start + np.linspace(0, 364, 400) * 86_400
    blocks = _report(_dataset({"x": np.zeros(400)}, outcome, time=time)).document["over_time"]
    assert blocks["by"] == "period"
    assert [block["level"] for block in blocks["blocks"]] == [f"2025-{month:02}" for month in range(1, 13)]


def test_columns_missing_together_are_named_only_if_there_are_any(outcome: np.ndarray) -> None:
    first, second, third = (np.arange(400.0) for _ in range(3))
    first[:40], second[:40], third[100:110] = np.nan, np.nan, np.nan
    report = _report(_dataset({"first": first, "second": second, "third": third}, outcome))
    (pattern,) = report.document["missing_together"]
    assert (pattern["columns"], pattern["rows"]) == (["first", "second"], 40)
    assert "Missing together" not in _report(_dataset({"first": np.ones(400)}, outcome)).html


def test_the_split_advice_follows_time_and_row_order(outcome: np.ndarray) -> None:
    columns = {"x": np.zeros(400)}
    order = Finding("row-order-carries-target", "warning", "m", "n")
    assert _report(_dataset(columns, outcome)).split == "random"
    assert _report(_dataset(columns, outcome), (order,)).split == "row_order"
    assert _report(_dataset(columns, outcome, time=np.arange(400.0))).split == "time"


def test_page_and_document_are_written_together_and_read_back(tmp_path: Path, bank: DataReport) -> None:
    files = write_data_report(bank, tmp_path / "reports")
    assert files["html"].read_text("utf-8") == bank.html
    assert files["md"].read_text("utf-8") == bank.markdown()
    assert json.loads(files["json"].read_text("utf-8")) == bank.document
    assert sorted(file.name for file in (tmp_path / "reports").iterdir()) == ["data.html", "data.json", "data.md"]


def test_in_french_page_and_markdown_stand_beside_the_english_ones(tmp_path: Path, bank: DataReport) -> None:
    english, french = (write_data_report(bank, tmp_path, language) for language in ("en", "fr"))
    assert [path.name for path in french.values()] == ["data.fr.html", "data.fr.md", "data.json"]
    assert french["json"] == english["json"]
    assert english["html"].exists()


def test_the_french_page_is_french_but_for_names_and_findings(bank: DataReport) -> None:
    english, french = Page(bank.html), Page(bank.page("fr"))
    assert french.named("html") == [{"lang": "fr"}]
    said = {shown(finding.message, 300) for finding in bank.findings}
    said |= {shown(finding.next_step, 300) for finding in bank.findings}
    assert len(french.named("span")) >= len(said)
    allowed = {
        *said,
        *_names(bank),
        bank.fingerprint,
        "Type",
        "Note",
        "Spearman",
        "Quartiles",
        "date",
        "notes",
        "Source",
    }
    same = {text.strip() for text in french.texts} & {text.strip() for text in english.texts}
    assert not {text for text in same if re.search("[a-z]{3}", text) and text not in allowed and "{" not in text}
    labels = [str(svg["aria-label"]) for svg in french.named("svg")]
    assert all(re.match(r"Taux de positifs|Association de|.*\s: taux de positifs", label) for label in labels)


def _names(report: DataReport) -> set[str]:
    features = report.document["features"]
    levels = {group["level"] for feature in features for group in feature["groups"] if "level" in group}
    names = {feature["name"] for feature in features} | {column.name for column in report.other_columns}
    return {shown(name, longest) for name in (*names, *levels, report.title) for longest in (18, 28, 40, 60, 120)}


def test_french_numbers_have_a_comma_and_spaces_that_do_not_break(bank: DataReport) -> None:
    texts = Page(bank.page("fr")).texts
    assert "10\N{NARROW NO-BREAK SPACE}127" in texts
    assert "16,1\N{NO-BREAK SPACE}%" in texts
    assert "1 à 507" in texts
    told = {shown(part, 300) for finding in bank.findings for part in (finding.message, finding.next_step)}
    ours = [text.replace("training.split: ", "") for text in texts if text not in told]
    assert not [text for text in ours if re.search(r"\d\.\d+ ?%|\d,\d{3}(?!\d)\b.* lignes|\w:(?=\s)", text)]
    assert not [text for text in ours if re.search(r"\w [;:!?%](?:\s|$)", text)]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_table_and_figure_of_the_page_names_the_hash_of_the_data(bank: DataReport, language: Any) -> None:
    page = Page(bank.page(language))
    sources = [one for one in page.named("p") if one.get("class") == "source"]
    assert {one["title"] for one in sources} == {f"sha256:{bank.fingerprint}"}
    charts = len(page.named("svg")) + sum("class" in one for one in page.named("table"))
    assert len(sources) >= charts
    assert bank.document["source"] == {"data": f"sha256:{bank.fingerprint}"}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_markdown_holds_the_figures_of_the_page(bank: DataReport, language: Any) -> None:
    text, page = bank.markdown(language), Page(bank.page(language))
    head = yaml.safe_load(text.split("---\n")[1])
    assert (head["rows"], head["fingerprint"]) == (10_127, f"sha256:{bank.fingerprint}")
    tables = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(tables) > 150
    said = " ".join(page.text.split())
    for line in tables:
        cells = [cell.replace("\\", "") for cell in re.split(r"(?<!\\) \| ", line[2:-2])]
        assert all(unescape(" ".join(cell.split())) in said for cell in cells), line
    assert text.count(f"data {bank.fingerprint[:12]}") > len(bank.features)
    assert len(text.encode()) < 100_000


def test_the_json_form_keeps_its_published_schema(bank: DataReport) -> None:
    schema = jsonschema_rs.validator_for(document_schema("data-report"))
    schema.validate(json.loads(json.dumps(bank.document)))
    assert bank.document["schema"] == "riskloop/data-report/1"
    with pytest.raises(jsonschema_rs.ValidationError):
        schema.validate({**bank.document, "rows": 3})


def test_a_failed_write_leaves_the_old_report_as_it_was(
    tmp_path: Path, outcome: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = _report(_dataset({"x": np.zeros(400)}, outcome))
    write_data_report(report, tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    write: Callable[..., int] = Path.write_text

    def full_disk(path: Path, text: str, **options: str) -> int:
        if "html" in path.name:
            raise OSError("no space left on device")
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(RiskloopError, match="no space"):
        write_data_report(_report(_dataset({"y": np.ones(400)}, outcome)), tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
