from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from riskloop.findings import Finding
from riskloop.intervals import Interval
from riskloop.loop.project import Project
from riskloop.loop.workflows.history import compare, history
from riskloop.report.frames import as_frame


@dataclass(frozen=True)
class _Inner:
    rows: int


@dataclass(frozen=True)
class _Thing:
    name: str
    auc: Interval
    inner: _Inner
    at: datetime
    file: Path
    words: tuple[str, ...] = ()
    parts: tuple[_Inner, ...] = ()


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_fields_are_columns_and_intervals_are_three() -> None:
    frame = as_frame([_Thing("a", Interval(0.8, 0.7, 0.9), _Inner(3), NOW, Path("x"), ("b", "c"), (_Inner(1),))])
    assert frame.row(0, named=True) == {
        "name": "a", "auc": 0.8, "auc_low": 0.7, "auc_high": 0.9, "inner_rows": 3, "at": NOW, "file": "x",
        "words": "b, c",
    }  # fmt: skip


def test_a_field_that_only_a_later_thing_has_is_a_column_too() -> None:
    frame = as_frame(
        [Finding("a", "info", "one", "do"), Finding("b", "error", "two", "do", "age", evidence={"auc": 0.9})]
    )
    assert frame["column"].to_list() == [None, "age"]
    assert frame["evidence_auc"].to_list() == [None, 0.9]


def test_the_candidates_of_all_trainings_are_a_table_to_sort(trained: Project) -> None:
    frame = as_frame(compare(trained))
    assert {"version", "family", "chosen", "roc_auc", "roc_auc_low", "cost_per_thousand"} <= set(frame.columns)
    assert frame.height == 4
    assert frame["cost_per_thousand"].is_sorted()


def test_the_promotion_log_is_a_table(trained: Project) -> None:
    frame = as_frame(history(trained).events)
    assert frame.select("kind", "version", "actor").row(0) == ("promoted", 1, "ada")


def test_nothing_is_an_empty_frame_and_what_has_no_fields_is_an_error() -> None:
    assert as_frame([]).equals(pl.DataFrame())
    with pytest.raises(TypeError, match="not of int"):
        as_frame([1])
