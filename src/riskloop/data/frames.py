"""Decode whole tables through the contract, column by column and without Python loops over rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.contract import LARGEST_NUMBER, Breach, Column, Columns, Contract, Decoded, read_or_breach
from riskloop.errors import DataError


def decode_frame(contract: Contract, frame: pl.DataFrame) -> Decoded:
    """Decode the feature columns of a table; same rules and results as `Contract.decode_rows`.

    Raises
    ------
    DataError
        If a feature column is missing from the table.
    """
    absent = [name for name in contract.features if name not in frame.columns]
    if absent:
        raise DataError(
            f"The table lacks {len(absent)} of the contract's columns: {', '.join(absent[:5])}.",
            where=f"column {absent[0]!r}",
            next_step="add the columns, or run `riskloop init` for a table of another shape",
        )
    columns: Columns = {}
    breaches: list[Breach] = []
    for column in contract.used:
        columns[column.name], broken = decode_series(column, frame[column.name])
        breaches += broken
    return Decoded(columns, tuple(breaches), frame.height)


def decode_series(column: Column, series: pl.Series) -> tuple[NDArray[Any], list[Breach]]:
    """Decode one column of a table."""
    if column.type == "number":
        return _decode_numbers(column, plain(series))
    return _decode_categories(column, as_text(series))


def plain(series: pl.Series) -> pl.Series:
    """Text stays text, numbers become Float64; anything else (dates, booleans) becomes text."""
    return series.cast(pl.Float64) if series.dtype.is_numeric() else as_text(series)


def as_text(series: pl.Series) -> pl.Series:
    """The cells as stripped text, whole numbers without a decimal point; blank cells are null."""
    if series.dtype.is_float():
        whole = (series.round(0) == series) & (series.abs() <= LARGEST_NUMBER)
        frame = pl.select(pl.when(whole).then(series.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(None))
        text = frame.to_series()
        return pl.select(pl.when(series.is_nan()).then(None).otherwise(text)).to_series()
    text = series.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def _decode_numbers(column: Column, series: pl.Series) -> tuple[NDArray[np.float64], list[Breach]]:
    is_text = series.dtype == pl.String
    numbers = series.cast(pl.Float64, strict=False) if is_text else series
    values = numbers.to_numpy().astype(np.float64, copy=True)
    present = series.is_not_null().to_numpy() & (is_text | ~np.isnan(values))
    with np.errstate(invalid="ignore"):
        fine = np.isfinite(values) & (np.abs(values) <= LARGEST_NUMBER)
        if column.minimum is not None:
            fine &= values >= column.minimum
        if column.maximum is not None:
            fine &= values <= column.maximum
    if column.missing_values and is_text:
        fine &= ~series.is_in(list(column.missing_values)).fill_null(False).to_numpy()
    odd = np.flatnonzero(~fine)
    if column.nullable:
        odd = odd[present[odd]]
    return _reread(column, series, values, odd)


def _reread(
    column: Column, series: pl.Series, values: NDArray[np.float64], odd: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[Breach]]:
    """The few cells that the fast road could not take go through the scalar rules, each distinct value once."""
    if not len(odd):
        return values, []
    cells = series.gather(odd)
    answers = {value: read_or_breach(column, value) for value in cells.unique().to_list()}
    broken: dict[str, tuple[str, list[int]]] = {}
    for position, value in zip(odd.tolist(), cells.to_list(), strict=True):
        values[position], code, message = answers[value]
        if code is not None:
            broken.setdefault(code, (message, []))[1].append(position)
    return values, _breaches(column, broken)


def _decode_categories(column: Column, series: pl.Series) -> tuple[NDArray[np.int32], list[Breach]]:
    distinct = series.unique()
    answers = {value: read_or_breach(column, value) for value in distinct.to_list()}
    codes = series.replace_strict(
        list(answers), [int(answer[0]) for answer in answers.values()], return_dtype=pl.Int32
    ).to_numpy()
    broken: dict[str, tuple[str, list[int]]] = {}
    for value, (_, code, message) in answers.items():
        if code is not None:
            rows = (series.is_null() if value is None else series == value).fill_null(False).arg_true().to_list()
            broken.setdefault(code, (message, []))[1].extend(rows)
    return codes.astype(np.int32, copy=True), _breaches(column, broken)


def _breaches(column: Column, broken: dict[str, tuple[str, list[int]]]) -> list[Breach]:
    return [
        Breach(column.name, code, message, np.array(sorted(rows), dtype=np.int64))
        for code, (message, rows) in broken.items()
    ]
