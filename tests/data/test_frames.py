from __future__ import annotations

import math
import time
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.data.contract import Column, Contract, Decoded
from riskloop.data.dates import days_of
from riskloop.data.frames import as_text, decode_frame
from riskloop.errors import DataError

NUMBERLIKE = ["1", "+1", " 2 ", "-0", "1.", ".5", "1e3", "1E+5", "1e400", "-1e-400", "0x10", "1_000", "1,5", "1 000"]
WORDLIKE = [
    "",
    "Alias",
    "NULL",
    " ",
    "NA",
    "n/a",
    "None",
    "null",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "Infinity",
    "?",
    "true",
    "٣",
    "a\nb",
]
DATELIKE = [
    "2026-01-31",
    " 2026-01-31 ",
    "2026-02-29",
    "2024-02-29",
    "9999-12-31",
    "0000-01-01",
    "0001-01-01",
    "2026-1-1",
    "2026-01-31T00:00",
    "2026-01-31 12:30:59.5",
    "2026-01-31T12:00:00Z",
    "2026-01-31T23:30-01:00",
    "٢٠٢٦-01-31",
    "20260131",
]
AWKWARD = ["\x1c7", "\u00a08\u2003", "9\u200b", "\ufeff4", "\x00", "x\x00y", "999", "999.0", "1" * 20, "9" * 400]

letters = st.text(alphabet="abNA?é \t\x1c\u00a0", max_size=4)
cells = st.one_of(
    st.none(),
    st.sampled_from(NUMBERLIKE + WORDLIKE + AWKWARD + DATELIKE),
    letters,
    st.text(max_size=8),
    st.floats().map(repr),
    st.integers(-(10**18), 10**18).map(str),
    st.text(alphabet="0123456789+-.eE_ ", max_size=8),
)
limits = st.one_of(st.none(), st.sampled_from([-10.0, 0.0, 2.0, 1e6]))
missing_values = st.lists(
    st.sampled_from(["NA", "?", "999", "-9", " ", "n/a", "nan", "9999-12-31"]), max_size=2, unique=True
).map(tuple)


@st.composite
def columns(draw: st.DrawFn, name: str = "x") -> Column:
    absent = draw(missing_values)
    nullable = draw(st.booleans())
    kind = draw(st.sampled_from(["number", "category", "date"]))
    if kind == "date":
        return Column(name, "date", nullable=nullable, missing_values=absent, ignore_case=draw(st.booleans()))
    if kind == "number":
        low, high = draw(limits), draw(limits)
        return Column(name, "number", minimum=low, maximum=high, nullable=nullable, missing_values=absent)
    texts = draw(st.lists(st.one_of(letters, st.sampled_from([*WORDLIKE, "1", "999"])), min_size=1, max_size=15))
    levels = tuple(dict.fromkeys(text.strip() for text in texts if text.strip() and text.strip() not in absent))
    unknown = draw(st.sampled_from(["reject", "bin", "coerce"]))
    ignore_case = draw(st.booleans())
    more = {"unknown": unknown, "aliases": (("alias", (levels or "a")[0]),), "ignore_case": ignore_case}
    return Column(name, "category", levels or ("a",), nullable=nullable, missing_values=absent, **more)


def assert_alike(one: Decoded, other: Decoded) -> None:
    assert one.rows == other.rows
    for name, values in one.columns.items():
        assert values.dtype == other.columns[name].dtype
        good = ~(one.broken() | other.broken())
        np.testing.assert_array_equal(values[good], other.columns[name][good])
    told = [[(b.column, b.code, b.message, b.rows.tolist()) for b in decoded.breaches] for decoded in (one, other)]
    assert told[0] == told[1]


@settings(max_examples=80, deadline=None)
@given(columns(), st.lists(cells, max_size=40))
def test_a_file_and_single_records_are_decoded_alike(column: Column, texts: list[str | None]) -> None:
    contract = Contract((column,), (column.name,))
    frame = pl.DataFrame({"x": texts}, schema={"x": pl.String})
    rows = [{"x": text} for text in texts]
    assert_alike(decode_frame(contract, frame), contract.decode_rows(rows, typed=False))


TYPED: dict[str, tuple[Any, Any]] = {
    "float": (pl.Float64, st.one_of(st.floats(), st.sampled_from([999.0, -9.0, 1.5]))),
    "integer": (pl.Int64, st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([999, -9, 1]))),
    "boolean": (pl.Boolean, st.booleans()),
}


MOMENTS = st.datetimes() | st.just(datetime(9999, 12, 31))


@settings(max_examples=80, deadline=None)
@given(st.booleans(), missing_values, st.sampled_from([pl.Date, pl.Datetime("us")]), st.data())
def test_a_typed_date_is_decoded_as_its_text_is(
    nullable: bool, absent: tuple[str, ...], dtype: Any, data: st.DataObject
) -> None:
    moments = MOMENTS.map(datetime.date) if dtype == pl.Date else MOMENTS
    cells = data.draw(st.lists(st.none() | moments, max_size=40))
    column = Column("x", "date", nullable=nullable, missing_values=absent)
    contract = Contract((column,), ("x",))
    rows = [{"x": cell and cell.isoformat()} for cell in cells]
    frame = pl.DataFrame({"x": cells}, schema={"x": dtype})
    assert_alike(decode_frame(contract, frame), contract.decode_rows(rows, typed=True))


def test_a_time_of_another_zone_is_brought_to_utc() -> None:
    series = pl.Series("x", [datetime(2026, 1, 31, 23)]).dt.replace_time_zone("America/New_York")
    decoded = decode_frame(Contract((Column("x", "date"),), ("x",)), pl.DataFrame({"x": series}))
    assert decoded.columns["x"].tolist() == [days_of("2026-02-01T04:00")]


def test_a_number_or_a_boolean_is_no_date() -> None:
    for cells, dtype in (([20260131], pl.Int64), ([1.5], pl.Float64), ([True], pl.Boolean)):
        (breach,) = one_column(Column("x", "date"), cells, dtype).breaches
        assert breach.code == "not-a-date"


def test_a_million_dates_are_decoded_quickly() -> None:
    series = pl.select(pl.date_range(pl.date(1900, 1, 1), pl.date(2026, 1, 1), "1d")).to_series()
    texts = pl.concat([series.cast(pl.String)] * 22)
    start = time.perf_counter()
    assert not one_column(Column("x", "date"), texts.to_list()).breaches
    assert time.perf_counter() - start < 3


@settings(max_examples=80, deadline=None)
@given(columns(), st.sampled_from(sorted(TYPED)), st.data())
def test_parquet_cells_and_json_values_are_decoded_alike(column: Column, kind: str, data: st.DataObject) -> None:
    dtype, values = TYPED[kind]
    cells = data.draw(st.lists(st.one_of(st.none(), values), max_size=40))
    contract = Contract((column,), (column.name,))
    frame = decode_frame(contract, pl.DataFrame({"x": cells}, schema={"x": dtype}))
    rows = contract.decode_rows([{"x": cell} for cell in cells], typed=True)
    if column.type == "date" or (kind == "boolean" and column.type == "number"):
        assert [b.rows.tolist() for b in frame.breaches] == [b.rows.tolist() for b in rows.breaches]
    else:
        assert_alike(frame, rows)


def one_column(column: Column, values: list[Any], dtype: Any = pl.String) -> Decoded:
    return decode_frame(
        Contract((column,), (column.name,)), pl.DataFrame({column.name: values}, schema={column.name: dtype})
    )


def test_fractions_in_a_parquet_column_are_numbers_and_texts() -> None:
    assert as_text(pl.Series([0.5, 1.0, None, math.nan, 1e20])).to_list() == ["0.5", "1", None, None, None]
    assert one_column(Column("x"), [0.5, 1.0], pl.Float64).columns["x"].tolist() == [0.5, 1.0]


def test_a_blank_or_sentinel_is_missing_where_the_contract_says_so() -> None:
    column = Column("x", nullable=True, missing_values=("999",))
    for values, dtype in ((["999", "999.0", " ", None, "5"], pl.String), ([999, 999, None, None, 5], pl.Int64)):
        decoded = one_column(column, values, dtype)
        assert not decoded.breaches
        np.testing.assert_array_equal(decoded.columns["x"], [math.nan] * 4 + [5.0])


def test_a_sentinel_that_may_not_be_missing_is_a_breach() -> None:
    (breach,) = one_column(Column("x", missing_values=("999",)), ["1", "999"]).breaches
    assert (breach.code, breach.rows.tolist()) == ("missing", [1])


def test_dates_may_be_a_category_of_texts() -> None:
    series = pl.Series(["2026-01-31"]).str.to_date()
    column = Column("x", "category", ("2026-01-31",))
    assert one_column(column, series.to_list(), pl.Date).columns["x"].tolist() == [0]


def test_a_table_that_lacks_columns_is_refused_by_name() -> None:
    contract = Contract((Column("a"), Column("b")), ("a", "b"))
    with pytest.raises(DataError, match="'b'"):
        decode_frame(contract, pl.DataFrame({"a": ["1"]}))


def test_a_column_full_of_different_strangers_is_refused_quickly() -> None:
    column = Column("x", "category", tuple(f"level {i}" for i in range(100)))
    start = time.perf_counter()
    (breach,) = one_column(column, [f"levl {i}" for i in range(50_000)]).breaches
    assert len(breach.rows) == 50_000
    assert time.perf_counter() - start < 3
