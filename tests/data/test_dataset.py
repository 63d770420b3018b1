from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from riskloop.data.contract import Column, Contract
from riskloop.data.dataset import Dataset, Prepared, prepare
from riskloop.data.split import split
from riskloop.errors import DataError
from riskloop.findings import blocking
from riskloop.problem import Problem

N = 600
CONTRACT = Contract((Column("x", nullable=True), Column("c", "category", ("a", "b"))), ("x", "c"), known=("id", "y"))


def table(seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": [f"c{row}" for row in range(N)],
            "x": [f"{value:.6f}" for value in rng.normal(size=N)],
            "c": rng.choice(["a", "b"], N),
            "y": rng.choice(["0", "1"], N, p=[0.7, 0.3]),
        }
    )


def prepared(frame: pl.DataFrame, time: str | None = None) -> Prepared:
    return prepare(frame, CONTRACT, Problem("y", "1", id="id", time=time))


def dataset(frame: pl.DataFrame, time: str | None = None) -> Dataset:
    found = prepared(frame, time).dataset
    assert found is not None
    return found


def together(groups: np.ndarray, one: int, other: int) -> bool:
    return bool(groups[one] == groups[other])


def test_only_the_rows_that_pass_are_kept() -> None:
    frame = table().with_columns(c=pl.Series(["?!" if row == 5 else "a" for row in range(N)]))
    result = prepared(frame)
    assert result.dataset is not None
    assert len(result.dataset) == result.rows.height == N - 1
    assert "c5" not in result.rows["id"].to_list()


def test_rows_alike_in_every_feature_belong_together() -> None:
    frame = table()
    twins = pl.concat([frame, frame.head(60).with_columns(id=pl.lit("twin of ") + pl.col("id"))])
    found = dataset(twins)
    assert all(together(found.groups, row, N + row) for row in range(60))
    assert len(set(found.groups)) == N
    parts = split(found.outcome, test_share=0.3, seed=1, groups=found.groups)
    assert not set(found.groups[parts.train]) & set(found.groups[parts.test])


def test_twins_are_found_by_value_and_not_by_how_it_is_written() -> None:
    frame = table().with_columns(x=pl.Series(["1.50", "1.5", " ", None, *table()["x"].to_list()[4:]]), c=pl.lit("a"))
    groups = dataset(frame).groups
    assert together(groups, 0, 1)
    assert together(groups, 2, 3)


def test_rows_of_one_customer_belong_together_and_rows_without_an_id_do_not() -> None:
    ids = ["same", "same", None, " ", "NA", "NA", *[f"c{row}" for row in range(6, N)]]
    groups = dataset(table().with_columns(id=pl.Series(ids))).groups
    assert together(groups, 0, 1)
    assert together(groups, 4, 5)
    assert not together(groups, 2, 3)


def test_customers_linked_through_a_twin_belong_together() -> None:
    frame = table().with_columns(
        id=pl.Series(["A", "A", "B", "B", *[f"c{row}" for row in range(4, N)]]),
        x=pl.Series(["1", "2", "2", "3", *table()["x"].to_list()[4:]]),
        c=pl.lit("a"),
    )
    groups = dataset(frame).groups
    assert len(set(groups[:4])) == 1


def test_a_common_profile_is_no_copy() -> None:
    coarse = table().with_columns(x=pl.Series([str(row % 3) for row in range(N)]))
    assert len(set(dataset(coarse).groups)) == N


def test_groups_depend_on_the_order_of_rows_only() -> None:
    assert dataset(table()).groups.tolist() == list(range(N))


def test_the_fingerprint_names_the_data() -> None:
    frame = table()
    assert dataset(frame).fingerprint == dataset(frame.clone()).fingerprint
    changed = frame.with_columns(x=pl.Series(["0.1", *frame["x"].to_list()[1:]]))
    assert dataset(frame).fingerprint != dataset(changed).fingerprint
    assert dataset(frame).fingerprint != dataset(frame.with_columns(y=frame["y"].reverse())).fingerprint


@pytest.mark.parametrize(
    "times",
    [
        pl.Series(["2026-01-31"] * N),
        pl.Series([" 2026-01-31T00:00:00 "] * N),
        pl.Series(["2026-01-31T02:00:00+02:00"] * N),
        pl.Series(["2026-01-31"] * N).str.to_date(),
        pl.Series(["2026-01-31"] * N).str.to_datetime(time_unit="ms"),
    ],
)
def test_event_times_are_read_in_the_usual_ways(times: pl.Series) -> None:
    found = dataset(table().with_columns(when=times), time="when")
    assert found.time is not None
    assert set(found.time) == {1_769_817_600.0}


@pytest.mark.parametrize(
    "times",
    [
        pl.Series(["soon"] * N),
        pl.Series(["20260131"] * N),
        pl.Series([20260131] * N),
        pl.Series([2026.5] * N),
        pl.Series(["2026-01-31"] * (N - 1) + [None]),
    ],
)
def test_an_unreadable_event_time_is_an_error_that_shows_how_to_write_it(times: pl.Series) -> None:
    with pytest.raises(DataError, match="2026-01-31"):
        prepared(table().with_columns(when=times), time="when")
    with pytest.raises(DataError, match="no column 'when'"):
        prepared(table(), time="when")


def test_losing_the_positives_to_the_quarantine_blocks() -> None:
    frame = table().with_columns(y=pl.Series(["1" if row < 55 else "0" for row in range(N)]))
    frame = frame.with_columns(c=pl.Series(["?!" if row < 10 else "a" for row in range(N)]))
    (finding,) = blocking(prepared(frame).findings)
    assert (finding.code, finding.rows) == ("too-few-outcomes", 45)


def test_ids_that_are_texts_may_carry_the_target_too() -> None:
    frame = table().with_columns(id=pl.col("y").replace({"0": "OK-", "1": "XX-"}) + pl.col("id"))
    assert "id-carries-target" in {finding.code for finding in prepared(frame).findings}


def test_a_table_of_another_kind_gives_no_dataset() -> None:
    result = prepared(table().drop("x"))
    assert result.dataset is None
    assert blocking(result.findings)
