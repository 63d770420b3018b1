"""Decode whole tables through the contract, column by column and without Python loops over rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.column import BLANKS, LARGEST_NUMBER, MISSING_CODE, BrokenRule, Column, category_text
from riskloop.data.contract import Breach, Columns, Contract, Decoded
from riskloop.data.dates import FIRST_DAY, LAST_DAY, SECONDS
from riskloop.errors import DataError


def decode_frame(contract: Contract, frame: pl.DataFrame) -> Decoded:
    """Decode the features of a table, and what prices decisions; same rules and results as `Contract.decode_rows`.

    Raises
    ------
    DataError
        If a feature column is missing from the table.
    """
    present = set(frame.columns)
    absent = [name for name in contract.read_names if name not in present]
    if absent:
        raise DataError(
            f"The table lacks {len(absent)} of the contract's columns: {', '.join(absent[:5])}.",
            where=f"column {absent[0]!r}",
            next_step="add the columns, or run `riskloop init` for a table of another shape",
        )
    columns: Columns = {}
    breaches: list[Breach] = []
    for column in contract.read:
        columns[column.name], broken = decode_series(column, frame[column.name])
        breaches += broken
    return Decoded(columns, tuple(breaches), frame.height)


def decode_series(column: Column, series: pl.Series) -> tuple[NDArray[Any], list[Breach]]:
    """Decode one column of a table."""
    if column.type == "number":
        return _decode_numbers(column, plain(series))
    if column.type == "date":
        return _decode_dates(column, _in_utc(series))
    return _decode_categories(column, series if _has_values(series) else as_text(series))


def is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the decoded values are missing."""
    return np.asarray(np.isnan(values) if values.dtype.kind == "f" else values == MISSING_CODE)


def _has_values(series: pl.Series) -> bool:
    """Whether the cells are such as JSON has beside text; anything else (dates, durations) is read as text."""
    return series.dtype.is_numeric() or series.dtype == pl.Boolean


def plain(series: pl.Series) -> pl.Series:
    """Text stays text, numbers become Float64; anything else (dates, booleans) becomes text."""
    return series.cast(pl.Float64) if series.dtype.is_numeric() else as_text(series)


def as_text(series: pl.Series) -> pl.Series:
    """The cells as stripped text, whole numbers without a decimal point; blank cells are null."""
    if series.dtype.is_float():
        distinct = series.unique()
        return series.replace_strict(distinct, pl.Series(map(category_text, distinct), dtype=pl.String))
    text = series.cast(pl.String).str.strip_chars(BLANKS)
    return text.set(text == "", None)


def _decode_numbers(column: Column, series: pl.Series) -> tuple[NDArray[np.float64], list[Breach]]:
    is_text = series.dtype == pl.String
    values = series.cast(pl.Float64, strict=False).to_numpy().astype(np.float64, copy=True)
    missing = series.is_null().to_numpy() | np.isin(values, list(column.missing_numbers))
    if not is_text:
        missing |= np.isnan(values)
    values[missing] = math.nan
    with np.errstate(invalid="ignore"):
        fine = np.abs(values) <= LARGEST_NUMBER
        if column.minimum is not None:
            fine &= values >= column.minimum
        if column.maximum is not None:
            fine &= values <= column.maximum
    if column.nullable:
        fine |= missing
    odd = np.flatnonzero(~fine)
    values[odd], breaches = _reread(column, series.gather(odd), odd)
    return values, breaches


def _in_utc(series: pl.Series) -> pl.Series:
    zoned = isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is not None
    return series.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else series


def _decode_dates(column: Column, series: pl.Series) -> tuple[NDArray[np.float64], list[Breach]]:
    cells = series if series.dtype.is_temporal() or _has_values(series) else as_text(series)
    values = _plain_days(cells)
    with np.errstate(invalid="ignore"):
        fine = (values >= FIRST_DAY) & (values < LAST_DAY) & ~np.isin(values, list(column.missing_days))
    odd = np.flatnonzero(~fine)
    left = cells.gather(odd)
    values[odd], breaches = _reread(column, as_text(left) if left.dtype.is_temporal() else left, odd)
    return values, breaches


def _plain_days(cells: pl.Series) -> NDArray[np.float64]:
    """Days since 1970 of typed dates and of texts such as 2026-01-31; NaN for what needs the scalar rules."""
    if cells.dtype == pl.String:
        usual = cells.str.contains(r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$")
        cells = cells.set(~usual, None).str.to_date("%Y-%m-%d", strict=False)
    if cells.dtype not in (pl.Date, pl.Datetime):
        return np.full(len(cells), math.nan)
    seconds = cells.cast(pl.Datetime("us")).dt.epoch("us") // 1_000_000
    return seconds.cast(pl.Float64).to_numpy().astype(np.float64, copy=True) / SECONDS


def _decode_categories(column: Column, series: pl.Series) -> tuple[NDArray[np.int32], list[Breach]]:
    values, breaches = _reread(column, series, np.arange(len(series)))
    return values.astype(np.int32), breaches


def _reread(column: Column, cells: pl.Series, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], list[Breach]]:
    """Each distinct cell goes once through the scalar rules."""
    if not len(cells):
        return np.empty(0), []
    distinct = cells.unique(maintain_order=True)
    numbered = pl.int_range(len(distinct), eager=True)
    which = cells.replace_strict(distinct, numbered, return_dtype=pl.Int64).to_numpy()
    values = np.full(len(distinct), column.blank, dtype=np.float64)
    broken: dict[str, tuple[BrokenRule, list[int]]] = {}
    for position, cell in enumerate(distinct.to_list()):
        try:
            values[position] = column.read(cell, typed=False)
        except BrokenRule as rule:
            broken.setdefault(rule.code, (rule, []))[1].append(position)
    return values[which], [
        Breach(column.name, code, rule.describe(), rows[np.isin(which, positions)])
        for code, (rule, positions) in broken.items()
    ]
