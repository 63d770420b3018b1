from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import polars as pl
import pytest

from riskloop.data.simulate.drift import BatchPlan
from riskloop.data.simulate.writing import simulate
from riskloop.data.source import Source
from riskloop.errors import DataError, NotFound, UsageError
from riskloop.keep.outcomes import Outcome
from riskloop.loop.project import Project
from riskloop.loop.watching.batches import newest
from riskloop.loop.watching.seen import Seen
from riskloop.loop.workflows import monitor as module
from riskloop.loop.workflows.monitor import monitor_batch, monitor_ledger, write_drift_report
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.train import train
from riskloop.report.documents.schema import document_schema


@pytest.fixture
def customers(trained: Project) -> pl.DataFrame:
    """The training table as text, as it is read."""
    return pl.read_csv(trained.source.path, infer_schema=False)


def _written(frame: pl.DataFrame, path: Path) -> str:
    frame.write_csv(path)
    return str(path)


def _shifted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns((pl.col("monthly_charge").cast(pl.Float64) * 1.4).round(2).cast(pl.String))


def test_customers_like_those_of_training_are_stable(trained: Project, simulated: Path) -> None:
    found = monitor_batch(trained, str(simulated / "batches" / "january.csv"))
    assert found.drift.verdict != "drifted"
    assert (found.drift.rows, found.version.version, found.name) == (300, 1, "january")
    assert found.estimated.n == 300 - found.drift.broken


def test_a_quiet_batch_is_stable_though_the_folds_rolled_forward_in_time(workshop: Any, tmp_path: Path) -> None:
    """The models of the folds are of other times than the one that serves: their scores are no reference for its."""
    data = simulate(
        "churn", rows=6_000, seed=4, out=tmp_path / "d", linked=False, batches=[BatchPlan("calm", 2_000)]
    ).folder
    project = replace(workshop, data=data).churn(tmp_path / "p")
    train(project, candidates=("lightgbm",), promote_reason="first")
    found = monitor_batch(project, str(data / "batches" / "calm.csv"))
    assert found.drift.verdict == "stable"
    project.engine.dispose()


def test_a_column_that_moved_is_named(trained: Project, customers: pl.DataFrame, tmp_path: Path) -> None:
    found = monitor_batch(trained, _written(_shifted(customers.tail(800)), tmp_path / "b.csv"))
    assert found.drift.verdict == "drifted"
    assert "monthly_charge" in [one.name for one in found.drift.moved]


def test_outcomes_in_a_batch_are_compared_and_are_no_feature(
    trained: Project, customers: pl.DataFrame, tmp_path: Path
) -> None:
    everybody = customers.tail(800).with_columns(churned=pl.lit("yes"))
    found = monitor_batch(trained, _written(everybody, tmp_path / "b.csv"))
    bare = monitor_batch(trained, _written(everybody.drop("churned"), tmp_path / "bare.csv"))
    assert "churned" not in {one.name for one in found.drift.columns}
    assert [one.to_dict() for one in found.drift.columns] == [one.to_dict() for one in bare.drift.columns]
    assert found.realised is not None
    assert found.realised.positives == found.realised.n == found.estimated.n
    assert bare.realised is None


def test_decisions_that_are_worse_than_promised_are_drift_though_nothing_moved(
    trained: Project, customers: pl.DataFrame, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    drawn = customers[rng.integers(0, customers.height, 1_500)]
    happy = drawn.with_columns(churned=pl.Series(rng.permutation(["yes", "no"] * 750)))
    found = monitor_batch(trained, _written(happy, tmp_path / "b.csv"))
    assert found.drift.verdict == "drifted"
    assert found.drift.reasons[0].code == "fallen_roc_auc"


def test_a_batch_in_parts_says_what_the_whole_says(
    trained: Project, customers: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(_shifted(customers.tail(700)), tmp_path / "b.csv")
    whole = monitor_batch(trained, path)
    monkeypatch.setattr(module, "is_large", lambda source: True)
    monkeypatch.setattr(module, "ROWS", 150)
    parts = monitor_batch(trained, path)
    assert [one.name for one in parts.drift.columns] == [one.name for one in whole.drift.columns]
    assert parts.drift.harm.value == pytest.approx(whole.drift.harm.value)
    assert parts.estimated.metrics["roc_auc"].value == pytest.approx(whole.estimated.metrics["roc_auc"].value)


def test_of_very_many_rows_performance_is_told_from_every_kth_and_drift_from_all(
    trained: Project, customers: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(customers.tail(700), tmp_path / "b.csv")
    whole = monitor_batch(trained, path)
    monkeypatch.setattr(module, "is_large", lambda source: True)
    monkeypatch.setattr(module, "ROWS", 150)
    monkeypatch.setattr(module, "Seen", partial(Seen, most=200))
    few = monitor_batch(trained, path)
    told, expected = ({one.name: one.psi for one in found.drift.columns} for found in (few, whole))
    assert told == pytest.approx(expected)
    assert few.drift.harm.value == pytest.approx(whole.drift.harm.value)
    decided = 700 - whole.drift.broken
    assert few.estimated.n == -(-decided // 4)
    assert few.realised is not None
    assert whole.realised is not None
    assert few.realised.metrics["roc_auc"].value == pytest.approx(whole.realised.metrics["roc_auc"].value, abs=0.1)
    assert [one.code for one in few.findings] == ["performance-of-a-sample"]
    assert whole.findings == ()


def test_rows_that_break_the_contract_are_counted_and_not_decided_about(
    trained: Project, customers: pl.DataFrame, tmp_path: Path
) -> None:
    broken = customers.tail(400).with_columns(
        monthly_charge=pl.when(pl.int_range(pl.len()) < 100).then(pl.lit("plenty")).otherwise("monthly_charge")
    )
    found = monitor_batch(trained, _written(broken, tmp_path / "b.csv"))
    assert found.drift.broken >= 100
    assert "broken_rows" in {one.code for one in found.drift.reasons}
    assert found.drift.drifted


def test_a_batch_of_which_nothing_can_be_decided_about_names_the_column_first(
    trained: Project, customers: pl.DataFrame, tmp_path: Path
) -> None:
    broken = _shifted(customers.tail(400)).with_columns(plan=pl.lit("unheard of"), age=pl.lit("old"))
    found = monitor_batch(trained, _written(broken, tmp_path / "b.csv"))
    assert found.drift.broken == 400
    assert found.drift.columns[0].name in {"age", "plan"}
    assert (found.estimated.n, found.realised) == (0, None)
    assert write_drift_report(trained, found).files["html"].is_file()


def test_no_value_of_a_personal_column_is_quoted(
    trained: Project, customers: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, bundle = trained.bundle()
    contract = bundle.contract
    marked = replace(contract, columns=tuple(replace(one, personal=True) for one in contract.columns))
    secret = replace(bundle, scorer=replace(bundle.scorer, contract=marked))
    monkeypatch.setattr(Project, "bundle", lambda *_, **__: (record, secret))
    frozen = customers.tail(300).with_columns(plan=pl.lit("premium"))
    found = monitor_batch(trained, _written(frozen, tmp_path / "b.csv"))
    reason = next(one.reasons[0] for one in found.drift.columns if one.name == "plan")
    assert (reason.code, reason.values["value"]) == ("frozen", None)
    for path in write_drift_report(trained, found).files.values():
        assert "premium" not in path.read_text()


def test_an_empty_batch_is_one_clear_error(trained: Project, customers: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        monitor_batch(trained, _written(customers.head(0), tmp_path / "b.csv"))


def test_one_row_is_too_few_and_says_so(trained: Project, customers: pl.DataFrame, tmp_path: Path) -> None:
    found = monitor_batch(trained, _written(customers.head(1), tmp_path / "b.csv"))
    assert [one.code for one in found.drift.reasons] == ["few_rows"]
    assert write_drift_report(trained, found).files["json"].is_file()


def test_a_batch_without_a_column_is_an_error_that_names_it(
    trained: Project, customers: pl.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="monthly_charge"):
        monitor_batch(trained, _written(customers.drop("monthly_charge"), tmp_path / "b.csv"))


def test_a_version_of_an_earlier_riskloop_has_no_profile(trained: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    record, bundle = trained.bundle()
    monkeypatch.setattr(Project, "bundle", lambda *_, **__: (record, replace(bundle, profile={"rows": 3})))
    with pytest.raises(DataError, match="earlier"):
        monitor_ledger(trained)


# The ledger


def test_the_ledger_says_what_the_batch_said(trained: Project, customers: pl.DataFrame, tmp_path: Path) -> None:
    path = _written(_shifted(customers.tail(600)), tmp_path / "b.csv")
    score(trained, Source(path), tmp_path / "out.csv")
    batch, ledger = monitor_batch(trained, path), monitor_ledger(trained)
    assert ledger.drift.rows == batch.drift.rows - batch.drift.broken
    assert [one.name for one in ledger.drift.moved] == [one.name for one in batch.drift.moved]
    assert ledger.drift.cost[1] == pytest.approx(batch.drift.cost[1])
    assert ledger.realised is None


def test_outcomes_in_the_ledger_are_held_against_its_decisions(
    trained: Project, simulated: Path, tmp_path: Path
) -> None:
    done = score(trained, Source(str(simulated / "batches" / "january.csv")), tmp_path / "out.csv")
    later = datetime.now(UTC) + timedelta(days=1)
    who = [one.entity_id for one in trained.ledger.recent(200)]
    trained.ledger.record_outcomes([Outcome(str(one), place % 3 == 0, later, later) for place, one in enumerate(who)])
    found = monitor_ledger(trained)
    assert found.estimated.n == done.scored
    assert found.realised is not None
    assert found.realised.n == 200


def test_the_ledger_since_a_day_leaves_out_what_was_before(trained: Project, simulated: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no prediction"):
        monitor_ledger(trained)
    score(trained, Source(str(simulated / "batches" / "january.csv")), tmp_path / "out.csv")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert monitor_ledger(trained, tomorrow - timedelta(days=2)).drift.rows > 0
    with pytest.raises(NotFound, match="since"):
        monitor_ledger(trained, tomorrow)


# The newest batch


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("batch-2026-02-01.csv", "batch-2025-12-31.csv"), "batch-2026-02-01.csv"),
        (("20260201_a.parquet", "20251231_z.csv", "readme.md"), "20260201_a.parquet"),
        (("b_2026-01.csv", "b_2026-02.csv.gz"), "b_2026-02.csv.gz"),
        (("prod_batch_9.csv", "prod_batch_10.csv"), "prod_batch_10.csv"),
        (("b-2026-01-01-9.csv", "b-2026-01-01-10.csv"), "b-2026-01-01-10.csv"),
        (("only.csv",), "only.csv"),
    ],
)
def test_the_newest_batch_is_told_by_its_name_and_not_by_the_file_s_time(
    tmp_path: Path, names: tuple[str, ...], chosen: str
) -> None:
    for name in names:
        (tmp_path / name).write_text("a\n1\n")
        os.utime(tmp_path / name, (10, 10) if name == chosen else None)
    assert newest(tmp_path).name == chosen


def test_a_folder_in_which_the_newest_cannot_be_told_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no table"):
        newest(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x\n")
    with pytest.raises(UsageError, match="date"):
        newest(tmp_path)


# The report


def test_the_report_is_one_small_page_and_json_with_the_founding_keys(
    trained: Project, customers: pl.DataFrame, tmp_path: Path
) -> None:
    found = monitor_batch(trained, _written(_shifted(customers.tail(800)), tmp_path / "b.csv"))
    files = write_drift_report(trained, found).files
    french = write_drift_report(trained, found, "fr").files
    assert all(path.stat().st_size < 1_000_000 for path in (*files.values(), *french.values()))
    document = json.loads(files["json"].read_text())
    assert document["schema"] == "riskloop/drift-report/1"
    assert document["data_stability"] == "drifted"
    assert document["dataset_drift"] is True
    assert document["drifted_features"] == [one.name for one in found.drift.moved]
    assert document["column_drift"]["monthly_charge"] is True
    schema = jsonschema_rs.validator_for(document_schema("drift-report"))
    assert not [str(error) for error in schema.iter_errors(document)]
    assert set(document) == set(document_schema("drift-report")["required"])
    assert "enquêter" in french["html"].read_text()
    page = files["html"].read_text()
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
