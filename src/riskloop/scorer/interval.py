"""The interval on a probability: how far it could be moved by the outcome of this very customer (Venn-Abers)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from riskloop.costs import FloatArray
from riskloop.errors import BundleRefused

_MOST_KNOTS = 10_000


@dataclass(frozen=True, slots=True)
class VennAbers:
    """Two step functions of the calibrated probability: what isotonic regression would answer had this customer been
    among the calibration rows as a negative (``low``), and as a positive (``high``).

    One of the two is calibrated, whatever the distribution, if the customer is exchangeable with the calibration rows
    (Vovk and Petej, 2014). They stand far apart where few rows were like this one.

    Attributes
    ----------
    knots : tuple of float
        Calibrated probabilities of calibration rows, strictly increasing.
    low, high : tuple of float
        At each knot, non-decreasing, ``low <= high``. Between two knots ``low`` is that of the knot below and ``high``
        that of the knot above; beyond the outer knots they are 0 and 1. Without knots nothing is known: 0 to 1.

    Raises
    ------
    BundleRefused
        If the steps are none of this form.

    Examples
    --------
    >>> VennAbers((0.2, 0.6), (0.1, 0.5), (0.3, 0.8)).of(0.4)
    (0.1, 0.8)
    """

    knots: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.knots) == len(self.low) == len(self.high) <= _MOST_KNOTS:
            raise _refused("it takes as many ends as knots, and not too many")
        if not all(0.0 <= value <= 1.0 for value in (*self.knots, *self.low, *self.high)):
            raise _refused("a value is no probability")
        if not all(a < b for a, b in pairwise(self.knots)):
            raise _refused("the knots do not rise")
        if any(a > b for ends in (self.low, self.high) for a, b in pairwise(ends)):
            raise _refused("an end falls where the probability rises")
        if any(low > high for low, high in zip(self.low, self.high, strict=True)):
            raise _refused("a low end is above its high end")

    def of(self, probability: float) -> tuple[float, float]:
        """The interval of one customer; it holds the probability itself."""
        below, above = bisect_right(self.knots, probability), bisect_left(self.knots, probability)
        low = self.low[below - 1] if below else 0.0
        high = self.high[above] if above < len(self.high) else 1.0
        return min(low, probability), max(high, probability)

    def of_many(self, probability: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Low and high ends, each of shape (n,), of probabilities of shape (n,); NaN for NaN."""
        below = np.searchsorted(self.knots, probability, side="right")
        above = np.searchsorted(self.knots, probability, side="left")
        low, high = np.array([0.0, *self.low])[below], np.array([*self.high, 1.0])[above]
        return np.minimum(low, probability), np.maximum(high, probability)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; floats survive JSON bit for bit."""
        return {name: list(values) for name, values in asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: object) -> Self:
        """The interval that ``to_dict`` described.

        Raises
        ------
        BundleRefused
            If a field is missing, unknown, of another type, or no step function of this form.
        """
        if not isinstance(fields, dict) or set(fields) != {"knots", "low", "high"}:
            raise _refused("it must have the fields knots, low and high")
        return cls(**{name: _numbers(name, values) for name, values in fields.items()})


def _numbers(name: str, values: object) -> tuple[float, ...]:
    if not isinstance(values, list) or any(type(value) not in (int, float) for value in values):
        raise _refused(f"{name} must be a list of numbers")
    return tuple(map(float, values))


def _refused(reason: str) -> BundleRefused:
    return BundleRefused(
        f"The interval cannot be used: {reason}.",
        where="interval",
        next_step="train again, or restore the bundle from its store",
    )
