"""Fit an Encoding to training rows: what is learnt here (medians, means, spreads) never sees a held-out row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Column, Columns, Contract
from riskloop.errors import ConfigError
from riskloop.scorer.encoding import Block, Encoding
from riskloop.scorer.expression import Expression

Style = Literal["scaled", "imputed", "onehot", "native"]
"""How numbers and categories enter a model.

``scaled``: imputed, standardised, one-hot (linear models). ``imputed``: imputed, one-hot. ``onehot``: missing numbers
left to the model, one-hot. ``native``: missing numbers left to the model, categories as codes.
"""


def fit_encoding(
    contract: Contract, columns: Columns, style: Style, derived: Mapping[str, str] | None = None
) -> Encoding:
    """Learn the encoding of one model family.

    Parameters
    ----------
    contract : Contract
    columns : Columns
        Decoded training rows, arrays of shape (n,).
    style : Style
    derived : mapping of name to formula, optional
        Declared arithmetic over number columns, e.g. ``{"utilisation": "balance / limit"}``.

    Raises
    ------
    ConfigError
        If a formula names a column that is no number feature.
    """
    blocks = [_block(column, columns[column.name], style) for column in contract.used]
    numbers = {column.name for column in contract.used if column.type == "number"}
    for name, formula in (derived or {}).items():
        expression = Expression(formula)
        _check_names(name, expression, numbers)
        blocks.append(_number(name, expression.evaluate(columns), style, formula))
    return Encoding(tuple(blocks))


def _check_names(name: str, expression: Expression, numbers: set[str]) -> None:
    unknown = [column for column in expression.names if column not in numbers]
    if unknown:
        raise ConfigError(
            f"The formula needs {unknown[0]!r}, which is no number among the features.",
            where=f"features.derived.{name}",
            next_step="use number columns that are features",
        )


def _block(column: Column, values: NDArray[Any], style: Style) -> Block:
    if column.type == "number":
        return _number(column.name, values, style)
    if style == "native":
        return Block(column.name, "code", levels=column.levels)
    return Block(column.name, "onehot", levels=column.levels, indicator=column.nullable)


def _number(name: str, values: NDArray[Any], style: Style, formula: str | None = None) -> Block:
    if style in ("onehot", "native"):
        return Block(name, "number", expression=formula)
    missing = np.isnan(values)
    present = values[~missing]
    median = float(np.median(present)) if len(present) else 0.0
    mean, spread = 0.0, 1.0
    if style == "scaled":
        filled = np.where(missing, median, values)
        varies = bool(np.ptp(filled))  # the deviation of one repeated value is rounding, not spread
        mean, spread = float(filled.mean()), (varies and float(filled.std())) or 1.0
    return Block(name, "number", formula, impute=median, indicator=bool(missing.any()), shift=mean, scale=spread)
