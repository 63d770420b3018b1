"""Linked tables from file to decision: the worked example of docs/linked-tables.md, and a public table."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
import os
import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from riskloop.cli.app import main
from riskloop.costs import Costs
from riskloop.data.linked import offline
from riskloop.data.linked.propose import LinkedFile, parse_linked
from riskloop.data.source import Source
from riskloop.errors import ConfigError, DataError, GateRefused, UsageError
from riskloop.loop.parity import linked_parity
from riskloop.loop.project import Project
from riskloop.loop.table import read_table
from riskloop.loop.workflows.check import check, prepare_table
from riskloop.loop.workflows.customers import load_customers
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.score_parts import score_in_parts
from riskloop.loop.workflows.train import train
from riskloop.serve.api import create_app
from riskloop.settings import FILE, read_yaml, write_yaml
from riskloop.wiring import open_project, serve_config
from tests.documentation.pages import commands as page_commands
from tests.documentation.pages import read

HOW_TO = Path(__file__).parents[1] / "docs" / "linked-tables.md"
ENVIRON = {"RISKLOOP_ACTOR": "ada"}
NOW = datetime(2027, 1, 31, tzinfo=UTC)


def commands() -> list[list[str]]:
    """The worked example, without the service."""
    (block,) = [block for block in read(HOW_TO).blocks if block.language == "bash"]
    lines = [shlex.split(command.text, comments=True) for command in page_commands(block)]
    return [words[1:] for words in lines if words[:2] != ["riskloop", "serve"]]


@pytest.fixture(scope="module")
def worked_example(workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = workshop.prepare(tmp_path_factory.mktemp("loan"))
    with contextlib.chdir(folder), open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
        assert [main(words) for words in commands()] == [0] * 5
    return folder


@pytest.fixture
def loan(worked_example: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of the worked example, to change at will."""
    shutil.copytree(worked_example, tmp_path / "loan")
    project = open_project(tmp_path / "loan", ENVIRON, clock=lambda: NOW)
    yield project
    project.engine.dispose()


def ask(project: Project, *paths: str) -> list[httpx.Response]:
    """The answers of the service to GET requests."""
    app = create_app(serve_config(project, port=0), clock=lambda: NOW)

    async def talk() -> list[httpx.Response]:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return [await client.get(path) for path in paths]

    return asyncio.run(talk())


def append(path: Path, rows: list[str]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{row}\n" for row in rows)


def whole(row: dict[str, float | None]) -> dict[str, float]:
    """A missing value as infinity, which is close to nothing else."""
    return {name: math.inf if value is None else value for name, value in row.items()}


def test_init_proposes_features_and_leaves_out_windows_in_which_nothing_differs(loan: Project) -> None:
    instalments, loans = loan.settings.linked["instalments"], loan.settings.linked["previous_loans"]
    assert instalments.windows == ["90d", "365d", "all"]
    assert instalments.features["*"] == ["count", "recency"]
    assert instalments.features["days_late"] == ["mean", "max", "last"]
    assert "due_on" not in instalments.features
    assert loans.windows == ["all"]
    assert loans.features["lender"] == ["distinct", "share = bank", "share = retailer", "share = online"]


def test_linked_features_are_number_columns_that_may_be_missing_without_rows(loan: Project) -> None:
    columns = loan.contract.by_name
    assert columns["instalments.days_late.mean.90d"].nullable
    assert not columns["instalments.count.90d"].nullable
    assert {"instalments.count.90d", "previous_loans.lender.share=online.all"} <= {*loan.contract.features}


def test_features_are_what_the_simulation_says_of_every_customer(loan: Project) -> None:
    frame = read_table(loan).frame
    assert (frame["previous_loans.count.all"] == frame["previous_loans"].cast(float)).all()
    late = frame["instalments.days_late.max.all"].fill_null(0) > 0
    assert (late == (frame["late_instalments_24m"].cast(float) > 0)).all()


def test_rows_of_the_future_change_nothing(loan: Project) -> None:
    before = read_table(loan).frame
    dataset = prepare_table(loan, before).dataset
    event = before.select("application_id", "application_date").rows()
    append(loan.folder / "data/instalments.csv", [f"{who},{day},{day},29,99999" for who, day in event])
    append(loan.folder / "data/previous_loans.csv", [f"{who},2031-01-01,99999,12,online" for who, _ in event])
    after = read_table(loan).frame
    assert after.equals(before)
    again = prepare_table(loan, after).dataset
    assert dataset is not None
    assert again is not None
    assert again.fingerprint == dataset.fingerprint


def test_by_id_a_customer_is_described_as_in_the_table_at_every_moment(loan: Project, tmp_path: Path) -> None:
    some = read_table(loan).frame[::150]
    names = [name for name in loan.linked.names if name in loan.contract.features]
    known = some.select("application_id", "application_date").rows()
    answers = ask(loan, *(f"/customers/{who}/prediction?at={day}" for who, day in known))
    some.drop(loan.linked.names).write_csv(tmp_path / "some.csv")
    score(loan, Source(str(tmp_path / "some.csv")), tmp_path / "out.csv", log=False)
    batch = pl.read_csv(tmp_path / "out.csv")["probability"].to_list()
    assert [answer.json()["probability"] for answer in answers] == pytest.approx(batch, abs=1e-9)
    for (who, _), row in zip(known, some.select(names).to_dicts(), strict=True):
        kept = loan.ledger.last_prediction(who)
        assert kept is not None
        served = {name: kept.features[name] for name in names}
        assert whole(served) == pytest.approx(whole(row), rel=1e-9)


def test_in_parts_a_table_is_decided_as_it_is_as_a_whole_also_after_an_interruption(
    loan: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = loan.source, tmp_path / "parts.csv"
    whole_table = score(loan, source, tmp_path / "whole.csv", log=False)
    real, loaded = offline._load, []
    monkeypatch.setattr(offline, "_load", lambda *some: (loaded.append(some), real(*some)))

    def interrupt(rows: int) -> None:
        if rows >= 1_400:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_in_parts(loan, source, out, log=False, rows=700, progress=interrupt)
    later = dataclasses.replace(loan, clock=lambda: NOW.replace(year=2031))
    done = score_in_parts(later, source, out, log=False, rows=700)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (done.rows, done.acted) == (whole_table.rows, whole_table.acted)
    assert {one.code: one.rows for one in done.findings} == {one.code: one.rows for one in whole_table.findings}
    assert len(loaded) == 2 * len(loan.linked.tables)  # once for each run, not for each part


def test_by_id_the_present_knows_more_than_the_day_of_the_application(loan: Project) -> None:
    then = read_table(loan).frame.row(0, named=True)
    who, day = then["application_id"], then["application_date"]
    append(loan.folder / "data/instalments.csv", [f"{who},{day},{day},29,500"] * 3)
    assert load_customers(loan).customers == 3_000
    (answer,) = ask(loan, f"/customers/{who}/prediction")
    kept = loan.ledger.last_prediction(who)
    assert kept is not None
    assert kept.prediction_id == answer.json()["prediction_id"]
    assert kept.features["instalments.count.all"] >= then["instalments.count.all"] + 3
    assert kept.features["instalments.recency.all"] <= (NOW.date() - date.fromisoformat(day)).days


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01", ""])
def test_a_moment_that_is_none_is_refused(loan: Project, at: str) -> None:
    (answer,) = ask(loan, f"/customers/L0000001/prediction?at={at}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "at"


def test_customers_without_an_event_time_are_scored_as_of_now(loan: Project, tmp_path: Path) -> None:
    frame = read_table(loan).frame.drop(loan.linked.names)[:50]
    frame.drop("application_date").write_csv(tmp_path / "now.csv")
    frame.with_columns(pl.lit(NOW.date().isoformat()).alias("application_date")).write_csv(tmp_path / "dated.csv")
    for name in ("now", "dated"):
        score(loan, Source(str(tmp_path / f"{name}.csv")), tmp_path / f"{name}.out.csv", log=False)
    probabilities = [pl.read_csv(tmp_path / f"{name}.out.csv")["probability"] for name in ("now", "dated")]
    assert probabilities[0].equals(probabilities[1])


def test_parity_is_proved_and_a_table_that_changed_meanwhile_is_noticed(loan: Project) -> None:
    frame = read_table(loan).frame
    assert linked_parity(loan, frame) <= 1e-9
    wrong = frame.with_columns(pl.col("instalments.amount.mean.all") * 1.001)
    assert linked_parity(loan, wrong) > 1e-4


def test_features_that_were_logged_with_a_decision_are_not_held_against_the_tables_of_today(loan: Project) -> None:
    frame, names = read_table(loan).frame[:40], loan.linked.names
    logged = pl.int_range(pl.len()) >= 20
    mixed = frame.with_columns(pl.when(logged).then(99.0).otherwise(pl.col(names)).cast(pl.String).name.keep())
    told = mixed.with_columns(riskloop_origin=pl.when(logged).then(pl.lit("ledger")).otherwise(pl.lit("table")))
    assert linked_parity(loan, told) <= 1e-9


def rewritten(project: Project, **changes: Any) -> Project:
    """The same project with other settings of its instalments."""
    document = read_yaml(project.folder / FILE)
    document["linked"]["instalments"] |= changes
    write_yaml(project.folder / FILE, document, "changed")
    return open_project(project.folder, ENVIRON)


def test_a_key_that_matches_nobody_stops_the_training(loan: Project) -> None:
    project = rewritten(loan, key="amount")
    assert "linked-no-match" in {finding.code for finding in check(project).findings if finding.severity == "error"}
    with pytest.raises(GateRefused, match="belongs to a customer"):
        train(project, candidates=("logistic_regression",))


def test_what_is_misspelt_is_met_with_the_right_word(loan: Project) -> None:
    with pytest.raises(DataError, match="did you mean 'paid_on'"):
        check(rewritten(loan, time="paidon"))
    with pytest.raises(ConfigError, match="did you mean 'windows'"):
        rewritten(loan, window=["90d"])


def test_linked_tables_need_to_know_the_customer(tmp_path: Path, loan: Project) -> None:
    files = [LinkedFile("calls", str(loan.folder / "data/instalments.csv"), "application_id")]
    frame = pl.read_csv(loan.source.path).select("income_per_month", "defaulted")
    frame.write_csv(tmp_path / "anonymous.csv")
    with pytest.raises(UsageError, match="customer's id"):
        initialise(tmp_path / "new", Source(str(tmp_path / "anonymous.csv")), "defaulted", linked_files=files)


@pytest.mark.parametrize("text", ["instalments.csv", "a=b", "a=b:", "=b:c", "a=b:c:d:e"])
def test_a_linked_file_written_otherwise_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="NAME=FILE:KEY"):
        parse_linked(text)


@pytest.mark.slow
def test_baskets_are_judged_by_their_products_alone(real_data: Path, workshop: Any, tmp_path: Path) -> None:
    folder = real_data / "credit_fraud"
    products = LinkedFile("products", str(folder / "products.csv"), "basket_ID")
    done = initialise(
        workshop.prepare(tmp_path / "fraud"),
        Source(str(folder / "baskets.csv")),
        "fraud_flag",
        linked_files=[products],
        costs=Costs(fp=1, fn=50),
    )
    assert (done.rows, done.positives) == (92_790, 1_319)
    assert all(name.startswith("products.") for name in done.features)
    assert "share = COMPUTERS" in done.settings.linked["products"].features["item"]
    assert "linked-every-row" in {finding.code for finding in done.findings}
    project = open_project(tmp_path / "fraud", ENVIRON)
    trained = train(project, candidates=("logistic_regression",), promote_reason="first")
    assert trained.trained.test["roc_auc"].value > 0.75
    assert trained.promotion is not None
    row = read_table(project).frame[5]
    who = row[project.settings.problem.id or ""][0]
    (answer,) = ask(project, f"/customers/{who}/prediction")
    _, bundle = project.bundle()
    offline, _ = bundle.score(row.to_dicts(), typed=False)
    assert answer.json()["probability"] == pytest.approx(offline[0], abs=1e-9)
    project.engine.dispose()
