"""Calibration: the model's log-odds become a probability that means what it says."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np

from riskloop.costs import FloatArray
from riskloop.errors import BundleRefused

Kind = Literal["none", "sigmoid", "beta", "isotonic"]
SIZE: dict[str, int] = {"none": 0, "sigmoid": 2, "beta": 3, "isotonic": 0}

EDGE = 1e-12
"""No probability is closer to 0 or 1 than this, so that log loss and odds stay finite."""

LIMIT = math.log1p(-EDGE) - math.log(EDGE)
_TAIL = 1e-3  # beyond the outer knots log-odds still rise, at a thousandth: the order of the customers survives


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map from log-odds to probability.

    Every kind maps log-odds to log-odds and ends in the logistic function. Log-odds are held within those of
    ``EDGE`` before and after, so infinite margins are welcome.

    Attributes
    ----------
    kind : {"none", "sigmoid", "beta", "isotonic"}
        ``none`` keeps the log-odds; ``sigmoid`` is ``a m + b`` (Platt, 1999); ``beta`` is ``a ln p - b ln(1 - p) + c``
        with ``p`` the logistic of ``m`` (Kull, Silva Filho and Flach, 2017); ``isotonic`` interpolates between the
        centred blocks of the isotonic regression (Oron and Flournoy, 2017).
    coefficients : tuple of float
        ``(a, b)`` with ``a > 0`` for ``sigmoid``, ``(a, b, c)`` with ``a, b >= 0`` for ``beta``, else empty.
    knots, levels : tuple of float
        ``isotonic`` only: log-odds in, strictly increasing, and log-odds out, non-decreasing.

    Raises
    ------
    BundleRefused
        If the parameters do not describe a monotone map of this kind.

    Examples
    --------
    >>> Calibration("sigmoid", (1.0, 0.0)).probability_of(0.0)
    0.5
    """

    kind: Kind = "none"
    coefficients: tuple[float, ...] = ()
    knots: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in SIZE:
            raise _refused(f"unknown kind {self.kind!r}")
        if len(self.coefficients) != SIZE[self.kind]:
            raise _refused(f"{self.kind} takes {SIZE[self.kind]} coefficients, not {len(self.coefficients)}")
        if len(self.knots) != len(self.levels) or (self.kind == "isotonic") != bool(self.knots):
            raise _refused("isotonic, and only isotonic, takes knots with as many levels")
        if not all(map(math.isfinite, (*self.coefficients, *self.knots, *self.levels))):
            raise _refused("a parameter is not finite")
        if not self._is_monotone():
            raise _refused("the parameters would not keep the order of the customers")

    def _is_monotone(self) -> bool:
        if self.kind == "sigmoid":
            return self.coefficients[0] > 0
        if self.kind == "beta":
            return min(self.coefficients[:2]) >= 0
        rising = all(a < b for a, b in zip(self.knots, self.knots[1:], strict=False))
        return rising and all(a <= b for a, b in zip(self.levels, self.levels[1:], strict=False))

    def probability(self, margin: FloatArray) -> FloatArray:
        """Calibrated probability of the positive class, shape (n,), from log-odds of shape (n,).

        Strictly inside (0, 1): never nearer to an end than ``EDGE``. Non-decreasing in the margin.
        """
        log_odds = np.clip(self._log_odds(np.clip(margin, -LIMIT, LIMIT)), -LIMIT, LIMIT)
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), dtype=np.float64)

    def _log_odds(self, margin: FloatArray) -> FloatArray:
        if self.kind == "sigmoid":
            slope, intercept = self.coefficients
            return slope * margin + intercept
        if self.kind == "beta":
            a, b, c = self.coefficients
            return np.asarray(b * np.logaddexp(0.0, margin) - a * np.logaddexp(0.0, -margin) + c)
        if self.kind == "isotonic":
            inside = np.clip(margin, self.knots[0], self.knots[-1])
            return np.asarray(np.interp(inside, self.knots, self.levels) + _TAIL * (margin - inside))
        return margin

    def probability_of(self, margin: float) -> float:
        """The probability of one customer: ``probability`` without the price of an array."""
        log_odds = self._log_odds_of(min(max(margin, -LIMIT), LIMIT))
        return 1.0 / (1.0 + float(np.exp(-min(max(log_odds, -LIMIT), LIMIT))))

    def _log_odds_of(self, margin: float) -> float:
        if self.kind == "sigmoid":
            slope, intercept = self.coefficients
            return slope * margin + intercept
        if self.kind == "beta":
            a, b, c = self.coefficients
            return b * _softplus(margin) - a * _softplus(-margin) + c
        if self.kind == "isotonic":
            inside = min(max(margin, self.knots[0]), self.knots[-1])
            return self._interpolated(inside) + _TAIL * (margin - inside)
        return margin

    def _interpolated(self, margin: float) -> float:
        left = bisect_right(self.knots, margin) - 1
        if left == len(self.knots) - 1:
            return self.levels[-1]
        slope = (self.levels[left + 1] - self.levels[left]) / (self.knots[left + 1] - self.knots[left])
        return slope * (margin - self.knots[left]) + self.levels[left]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; floats survive JSON bit for bit."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: object) -> Self:
        """The calibration that ``to_dict`` described.

        Raises
        ------
        BundleRefused
            If a field is missing, unknown, of another type, or not monotone.
        """
        if not isinstance(fields, dict) or set(fields) != {"kind", "coefficients", "knots", "levels"}:
            raise _refused("it must have the fields kind, coefficients, knots and levels")
        if not isinstance(fields["kind"], str):
            raise _refused("kind must be text")
        numbers = {name: _numbers(name, fields[name]) for name in ("coefficients", "knots", "levels")}
        return cls(kind=fields["kind"], **numbers)  # type: ignore[arg-type]  # __post_init__ checks the kind


def _numbers(name: str, values: object) -> tuple[float, ...]:
    if not isinstance(values, list) or any(type(value) not in (int, float) for value in values):
        raise _refused(f"{name} must be a list of numbers")
    return tuple(map(float, values))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _refused(reason: str) -> BundleRefused:
    return BundleRefused(
        f"The calibration cannot be used: {reason}.",
        where="calibration",
        next_step="train again, or restore the bundle from its store",
    )
