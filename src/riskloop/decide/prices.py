"""Prices: costs that are declared as formulas over a customer's columns, such as ``12 * monthly_charges * margin``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import Amount, BoolArray, Costs
from riskloop.data.expression import Expression
from riskloop.errors import ConfigError, DataError

OUTCOMES = {
    "fp": "a needless action",
    "fn": "a missed positive",
    "tp": "acting on a positive",
    "tn": "leaving a negative alone",
}
_ZERO = 0.0


@dataclass(frozen=True)
class Prices:
    """Cost of each outcome, an amount or a formula over number columns; in ``currency`` per customer.

    Raises
    ------
    ConfigError
        If a formula cannot be read.

    Examples
    --------
    >>> prices = Prices(fp=10.0, fn="8 * margin")
    >>> prices.of({"margin": np.array([5.0, 50.0])}).thresholds()
    array([0.2       , 0.02439024])
    """

    fp: float | str
    fn: float | str
    tp: float | str = _ZERO
    tn: float | str = _ZERO
    currency: str = "EUR"

    def __post_init__(self) -> None:
        _ = self.names

    @cached_property
    def _formulas(self) -> dict[str, Expression]:
        return {name: Expression(text) for name in OUTCOMES if isinstance(text := getattr(self, name), str)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Columns that are needed to know the costs."""
        found: dict[str, None] = {}
        for outcome, formula in self._formulas.items():
            try:
                found |= dict.fromkeys(formula.names)
            except ConfigError as error:
                raise ConfigError(error.message, where=f"costs.{outcome}", next_step=error.next_step) from error
        return tuple(found)

    def of(self, columns: Mapping[str, NDArray[Any]]) -> Costs:
        """The costs of n customers, from their columns of shape (n,); NaN where a formula has no value."""
        amounts: dict[str, Amount] = {name: getattr(self, name) for name in OUTCOMES}
        amounts |= {name: formula.evaluate(columns) for name, formula in self._formulas.items()}
        return Costs(**amounts, currency=self.currency)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


Declared = Costs | Prices
"""Costs as they are declared: the same for everybody, or by formula."""


def declare(
    fp: float | str, fn: float | str, tp: float | str = 0.0, tn: float | str = 0.0, currency: str = "EUR"
) -> Declared:
    """Costs from amounts and formulas; an amount may be written as text.

    Raises
    ------
    ConfigError
        If an amount or a formula makes no sense.
    """
    given = {"fp": fp, "fn": fn, "tp": tp, "tn": tn}
    amounts = {name: number for name, value in given.items() if (number := _number(value)) is not None}
    if len(amounts) == len(given):
        return Costs(**amounts, currency=currency)
    return Prices(**{**given, **amounts}, currency=currency)


def _number(value: float | str) -> float | None:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def priceless(costs: Costs) -> BoolArray:
    """Customers who cannot be priced: a cost has no value, or acting gains more on a negative than on a positive.

    Shape (n,), or () where everybody costs the same.
    """
    needless, missed = np.asarray(costs.needless), np.asarray(costs.missed)
    known = np.isfinite(needless) & np.isfinite(missed)
    return np.asarray(~known | ((needless < 0) & (missed < 0)))


def check_priced(declared: Declared, costs: Costs) -> None:
    """Hold the costs of the rows to learn from against what decisions need.

    Raises
    ------
    DataError
        If a row cannot be priced, or nobody's decision depends on the probability.
    """
    if not costs.varies:
        return
    wrong = np.flatnonzero(priceless(costs))
    if len(wrong):
        raise DataError(
            f"{len(wrong):,} rows cannot be priced, the first is row {wrong[0] + 1}: a cost has no value there, or "
            "acting gains more on a negative than on a positive.",
            where="costs",
            next_step=f"fill {', '.join(map(repr, declared.names))}, or set nullable: false in contract.yaml so that "
            "such rows are set aside",
        )
    thresholds = np.asarray(costs.thresholds())
    if not ((thresholds > 0) & (thresholds < 1)).any():
        raise DataError(
            "These costs make one action best for every row: no probability could change a decision.",
            where="costs",
            next_step="check the formulas: a missed positive (fn) should cost more than acting on one (tp)",
        )
