from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from riskloop.data.recency import Recency
from riskloop.data.source import read
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.loop.project import Project
from riskloop.loop.retraining.labelled import Labelled, Row, gather, judged
from riskloop.loop.retraining.table import ORIGIN, WEIGHT, build, cut
from riskloop.wiring import open_project

START = datetime(2026, 2, 1, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def rows(count: int, customers: int | None = None) -> Labelled:
    """So many labelled rows, an hour apart, of so many customers who come in turn."""
    names = [f"N{number % (customers or count)}" for number in range(count)]
    made = [Row(who, START + timedelta(hours=n), {}, n % 4 == 0, "left") for n, who in enumerate(names)]
    return Labelled(made)


def told(project: Project, features: dict[str, Any], number: int, **more: Any) -> None:
    """A prediction in the ledger, and, unless told otherwise, that the customer left."""
    outcome = more.pop("outcome", True)
    fields = {
        "prediction_id": f"p{number}",
        "at": START + timedelta(days=number),
        "name": "churn",
        "version": 1,
        "digest": "d",
        "probability": 0.5,
        "threshold": 0.1,
        "decision": "pass",
        "features": features,
        "entity_id": f"N{number}",
    }
    prediction = Prediction(**(fields | more))
    project.ledger.append([prediction])
    if outcome is not None and prediction.entity_id:
        at = prediction.at + timedelta(days=30)
        project.ledger.record_outcomes([Outcome(prediction.entity_id, outcome, at, at)])


@pytest.fixture
def features(trained: Project) -> dict[str, Any]:
    """One customer of the training table, typed as a caller sends it."""
    contract, row = trained.contract, read(trained.source)[0].drop_nulls().row(0, named=True)
    return {
        name: float(row[name]) if contract.by_name[name].type == "number" else row[name] for name in contract.read_names
    }


def found(project: Project) -> Labelled:
    return gather(project, judged(project, NOW), NOW)


def test_the_newest_of_the_new_rows_are_held_out() -> None:
    division = cut(rows(100), START + timedelta(hours=19), 0.25, 10)
    assert (division.new.sum(), division.held.sum(), division.aside.sum()) == (80, 20, 0)
    assert division.held[80:].all()
    assert division.since == START + timedelta(hours=80)
    assert division.until == START + timedelta(hours=79)


def test_where_customers_come_again_some_of_them_are_held_out_with_all_their_rows() -> None:
    labelled = rows(2_000, customers=500)
    division = cut(labelled, None, 0.25, 50)
    held = {row.customer for row, out in zip(labelled.rows, division.held, strict=True) if out}
    learnt = ~division.held & ~division.aside
    lost = np.array([row.customer in held for row in labelled.rows])[learnt].mean()
    assert 50 <= len(held) <= 200
    assert lost < 0.4
    assert division.held.sum() + division.aside.sum() == 500


def test_the_table_holds_old_and_new_rows_alike_the_held_out_last(trained: Project, features: dict[str, Any]) -> None:
    for number in range(10):
        told(trained, features, number, outcome=number % 2 == 0)
    labelled = found(trained)
    built = build(trained, labelled, cut(labelled, None, 0.4, 1), Recency())
    table = pl.read_parquet(trained.folder / built.path)
    assert (built.old, built.new, built.held, built.rows) == (2_500, 6, 4, 2_510)
    assert round(built.test_share * built.rows + 0.5) == 4
    assert table["customer_id"].to_list()[-4:] == ["N6", "N7", "N8", "N9"]
    assert table["churned"].to_list()[-4:] == ["yes", "no", "yes", "no"]
    assert table["snapshot_date"].is_sorted()
    assert table["snapshot_date"][-1] == (START + timedelta(days=9)).replace(tzinfo=None)
    new, old = table.filter(pl.col(ORIGIN) == "ledger"), table.filter(pl.col(ORIGIN) == "table")
    like = old.filter(pl.col("age") == new["age"][0])
    assert like.height  # numbers of both are written alike
    assert build(trained, labelled, cut(labelled, None, 0.4, 1), Recency()).sha256 == built.sha256


def test_of_a_customer_twice_a_day_the_last_word_counts(trained: Project, features: dict[str, Any]) -> None:
    told(trained, features, 1)
    told(trained, features | {"age": 33.0}, 2, at=START + timedelta(days=1, hours=3), entity_id="N1", outcome=None)
    (row,) = found(trained).rows
    assert row.features["age"] == 33.0


def test_shadows_and_the_young_teach_nothing(trained: Project, features: dict[str, Any]) -> None:
    told(trained, features, 1, arm="shadow")
    told(trained, features, 2)
    told(trained, features, 3, at=NOW - timedelta(days=50))
    project = open_project(trained.folder, {"RISKLOOP__PROBLEM__MATURITY": "60d"})
    labelled = found(project)
    assert ([row.customer for row in labelled.rows], labelled.young) == (["N2"], 1)
    project.engine.dispose()


def test_an_outcome_after_its_time_is_none_of_the_predictions(trained: Project, features: dict[str, Any]) -> None:
    told(trained, features, 1)
    project = open_project(trained.folder, {"RISKLOOP__PROBLEM__MATURITY": "20d"})
    labelled = found(project)
    assert (labelled.rows, labelled.counts["left"].missing) == ([], 1.0)
    project.engine.dispose()


def test_where_acting_hides_the_truth_only_the_explored_of_those_acted_on_are_learnt_from(
    trained: Project, features: dict[str, Any]
) -> None:
    arm = "exploration:0.05"
    told(trained, features, 1, decision="act")
    told(trained, features, 2, arm=arm)  # the model would have acted
    told(trained, features, 3, arm=arm, probability=0.05)
    told(trained, features, 4, probability=0.05, outcome=False)
    told(trained, features, 5, probability=0.05)
    labelled = found(trained)
    assert {row.customer: (row.fate, row.weight) for row in labelled.rows} == {
        "N1": ("acted", 1.0),
        "N2": ("explored", 20.0),
        "N3": ("left", 1.0),
        "N4": ("left", 1.0),
        "N5": ("left", 1.0),
    }
    project = open_project(trained.folder, {"RISKLOOP__RETRAINING__ACTED": "leave_out"})
    built = build(project, labelled, cut(labelled, None, 0.4, 1), Recency())
    table = pl.read_parquet(project.folder / built.path).filter(pl.col(ORIGIN) != "table")
    assert table["customer_id"].to_list() == ["N2", "N3", "N4", "N5"]
    assert table[WEIGHT].to_list() == [20.0, 1.0, 1.0, 1.0]
    assert table[ORIGIN].to_list() == ["explored", "ledger", "ledger", "ledger"]
    assert built.left_out["acted_on"] == 1
    project.engine.dispose()


def test_rows_of_the_training_table_newer_than_the_held_out_are_left_out(
    trained: Project, features: dict[str, Any]
) -> None:
    """The champion may have learnt from them, and they are later than what is judged."""
    for number in range(4):
        told(trained, features, number, at=datetime(2025, 7, 1 + number, tzinfo=UTC))
    labelled = found(trained)
    built = build(trained, labelled, cut(labelled, None, 0.5, 1), Recency())
    table = pl.read_parquet(trained.folder / built.path)
    assert built.left_out["newer_than_held_out"] > 1_000
    assert table.filter(pl.col(ORIGIN) == "table")["snapshot_date"].max() < datetime(2025, 7, 3)


def test_a_prediction_that_lacks_a_column_of_today_is_counted_and_left_out(
    trained: Project, features: dict[str, Any]
) -> None:
    told(trained, {name: value for name, value in features.items() if name != "age"}, 1)
    for number in range(2, 6):
        told(trained, features, number)
    labelled = found(trained)
    built = build(trained, labelled, cut(labelled, None, 0.4, 1), Recency.parse("sliding:4"))
    assert built.left_out["lack_a_column"] == 1
    assert (built.old, built.new, built.held) == (0, 2, 2)


def test_text_from_a_file_and_json_from_a_caller_are_one_table(trained: Project, features: dict[str, Any]) -> None:
    told(trained, {name: str(value) for name, value in features.items()}, 1, arm="batch")
    told(trained, features | {"satisfaction": None}, 2)
    labelled = found(trained)
    built = build(trained, labelled, cut(labelled, None, 0.5, 1), Recency())
    table = pl.read_parquet(trained.folder / built.path).tail(2)
    assert table["age"].cast(pl.Float64).n_unique() == 1
    assert table["satisfaction"].null_count() == 1
