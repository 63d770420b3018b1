"""Fit an Encoding to training rows: what is learnt here (medians, bins, levels' risks) never sees a held-out row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Column, Columns, Contract
from riskloop.data.expression import Expression, Part
from riskloop.data.split import folds
from riskloop.errors import ConfigError, UsageError
from riskloop.learn.binning import bin_category, bin_number
from riskloop.learn.target_encoding import TARGET_LEVELS, crossfitted, target_table
from riskloop.scorer.encoding import Block, Encoding

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Style = Literal["scaled", "pieces", "imputed", "onehot", "native", "woe"]
"""How numbers and categories enter a model.

``scaled``: imputed, standardised, one-hot (linear models). ``pieces``: the same, and numbers piece by piece (additive
models). ``imputed``: imputed, one-hot. ``onehot``: missing numbers
left to the model, one-hot. ``native``: missing numbers left to the model, categories as codes. ``woe``: every column
binned, a weight of evidence per bin (scorecards).

A category of more than `TARGET_LEVELS` levels (``native``: `CODE_LEVELS`) is target-encoded instead.
"""
CODE_LEVELS = 255
"""More levels than this no histogram takes as codes."""
INNER_FOLDS = 5
PIECES = 16
"""Of a number, at most, with as many rows in each."""

_DATE_ARITHMETIC: dict[tuple[bool, ...], tuple[np.ufunc, ...]] = {
    (True, True): (np.subtract,),
    (True, False): (np.add, np.subtract),
    (False, True): (np.add,),
}
"""What may be done with dates, by which of the operands is one."""


def fit_matrix(
    contract: Contract,
    columns: Columns,
    outcome: BoolArray,
    style: Style,
    derived: Mapping[str, str] | None = None,
    seed: int = 0,
    groups: NDArray[np.int64] | None = None,
) -> tuple[Encoding, FloatArray]:
    """Learn the encoding of one model family, and make the matrix that the model is to learn from.

    The encoding is fitted on all rows and serves. In the matrix, the target-encoded columns are cross-fitted: each of
    `INNER_FOLDS` folds takes its values from the other folds, for what a row says about itself the model must not
    learn. All other columns are those of ``encoding.matrix(columns)``.

    Parameters
    ----------
    contract : Contract
    columns : Columns
        Decoded training rows, arrays of shape (n,).
    outcome : bool array, shape (n,)
    style : Style
    derived : mapping of name to formula, optional
        Declared arithmetic over numbers and dates, e.g. ``{"utilisation": "balance / limit"}``.
    seed : int
        Draws the inner folds.
    groups : int array, shape (n,), optional
        Rows of one customer stay in one inner fold.

    Returns
    -------
    encoding : Encoding
    matrix : float array, shape (n, p)

    Raises
    ------
    ConfigError
        If a formula cannot be computed from the features.
    """
    encoding = fit_encoding(contract, columns, style, derived, outcome)
    matrix = encoding.matrix(columns)
    tables = [(block, place) for block, place in encoding.places if block.kind == "table"]
    if tables and style != "woe":
        together = np.arange(len(outcome)) if groups is None else groups
        fold = folds(outcome, together, count=INNER_FOLDS, seed=seed)
        for block, place in tables:
            matrix[:, place] = crossfitted(contract.by_name[block.source], columns[block.source], outcome, fold)
    return encoding, matrix


def fit_encoding(
    contract: Contract,
    columns: Columns,
    style: Style,
    derived: Mapping[str, str] | None = None,
    outcome: BoolArray | None = None,
) -> Encoding:
    """Learn the encoding of one model family; for the parameters see `fit_matrix`.

    Without an outcome nothing is target-encoded.

    Raises
    ------
    ConfigError
        If a formula cannot be computed from the features.
    UsageError
        If bins are asked for without an outcome.
    """
    if style == "woe" and outcome is None:
        raise UsageError("Bins are learnt from the outcome.", where="style woe", next_step="give the outcome")
    formulas = {name: _formula(name, text, contract) for name, text in (derived or {}).items()}
    blocks = [_block(column, columns[column.name], style, outcome) for column in contract.used if column.type != "date"]
    for name, formula in formulas.items():
        blocks.append(_number(name, formula.evaluate(columns), style, outcome, formula=formula.text))
    return Encoding(tuple(blocks))


def _formula(name: str, text: str, contract: Contract) -> Expression:
    expression = Expression(text)
    types = {column.name: column.type for column in contract.used}
    for column in expression.names:
        if types.get(column) not in ("number", "date"):
            raise _unfit(name, f"needs {column!r}, which is no number or date among the features")
    _check_dates(name, expression, {column for column, kind in types.items() if kind == "date"})
    return expression


def _check_dates(name: str, expression: Expression, dates: set[str]) -> None:
    """Days since 1970 mean nothing by themselves: only parts and differences of dates are features."""
    loaded: list[bool] = []
    for step in expression.program:
        if isinstance(step, str | float):
            loaded.append(step in dates)
            continue
        operands = [loaded.pop() for _ in range(step.nin)][::-1]
        loaded.append(_is_date(name, step, operands))
    if loaded.pop():
        raise _unfit(name, "gives a date, which is no feature by itself")


def _is_date(name: str, step: np.ufunc | Part, operands: list[bool]) -> bool:
    """Whether the result is a date, if the operation makes sense: a date moved by days stays one."""
    if isinstance(step, Part):
        if not operands[0]:
            raise _unfit(name, f"asks for the {step.name} of what is no date")
        return False
    if any(operands) and step not in _DATE_ARITHMETIC.get(tuple(operands), ()):
        raise _unfit(name, "does with a date what only numbers can")
    return operands.count(True) == 1


def _unfit(name: str, why: str) -> ConfigError:
    return ConfigError(
        f"The formula {why}.",
        where=f"features.derived.{name}",
        next_step="use number columns that are features, differences of dates, or their parts such as month(opened_on)",
    )


def _block(column: Column, values: NDArray[Any], style: Style, outcome: BoolArray | None) -> Block:
    if column.type == "number":
        return _number(column.name, values, style, outcome, trend=column.monotone)
    if style == "woe" and outcome is not None:
        return bin_category(column.name, values, column.levels, outcome)
    if outcome is not None and len(column.levels) > (CODE_LEVELS if style == "native" else TARGET_LEVELS):
        return target_table(column, values, outcome)
    if style == "native":
        return Block(column.name, "code", levels=column.levels)
    return Block(column.name, "onehot", levels=column.levels, indicator=column.nullable)


def _number(
    name: str,
    values: NDArray[Any],
    style: Style,
    outcome: BoolArray | None,
    *,
    trend: Literal["", "increasing", "decreasing"] = "",
    formula: str | None = None,
) -> Block:
    if style == "woe" and outcome is not None:
        return bin_number(name, values, outcome, trend=trend or "auto", formula=formula)
    if style in ("onehot", "native"):
        return Block(name, "number", expression=formula)
    missing = np.isnan(values)
    present = values[~missing]
    median = float(np.median(present)) if len(present) else 0.0
    mean, spread = 0.0, 1.0
    if style in ("scaled", "pieces"):
        filled = np.where(missing, median, values)
        varies = bool(np.ptp(filled))  # the deviation of one repeated value is rounding, not spread
        mean, spread = float(filled.mean()), (varies and float(filled.std())) or 1.0
    number = Block(name, "number", formula, impute=median, indicator=bool(missing.any()), shift=mean, scale=spread)
    if style == "pieces" and len(present):
        edges = np.unique(np.quantile(present, np.linspace(0, 1, PIECES + 1), method="inverted_cdf"))
        if len(edges) > 2:  # with two values there is nothing between them
            return replace(number, kind="pieces", edges=tuple(edges.tolist()))
    return number
