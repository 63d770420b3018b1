"""Moments that add up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskloop.costs import FloatArray

CHUNK = 16_384
"""Rows that stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums of the first four powers of ``(value - centre) / scale``: they add up, and stay exact far from 0."""

    count: int
    centre: float
    scale: float
    sums: tuple[float, float, float, float]

    @classmethod
    def of(cls, values: FloatArray) -> Moments:
        """Of values without NaN, around their own mean."""
        centre = float(values.mean()) if len(values) else 0.0
        scale = float(values.std()) or 1.0 if len(values) else 1.0
        return cls(0, centre, scale, (0.0, 0.0, 0.0, 0.0)).measure(values)

    def measure(self, values: FloatArray) -> Moments:
        """Of other values without NaN, around the same centre."""
        totals = np.zeros(4)
        for start in range(0, len(values), CHUNK):
            totals += powers((values[start : start + CHUNK] - self.centre) / self.scale)
        return replace(self, count=len(values), sums=four(totals))

    def __add__(self, other: Moments) -> Moments:
        sums = np.add(self.sums, other.sums)
        return replace(self, count=self.count + other.count, sums=four(sums))

    @property
    def mean(self) -> float:
        """NaN of no values."""
        return self.centre + self.scale * self.sums[0] / self.count if self.count else math.nan

    @property
    def variance(self) -> float:
        """With n - 1; 0 of one value, NaN of none."""
        if self.count < 2:
            return 0.0 if self.count else math.nan
        first, second = self.sums[:2]
        return max(0.0, (second - first * first / self.count) / (self.count - 1)) * self.scale**2

    @property
    def std(self) -> float:
        return math.sqrt(self.variance)

    @property
    def standard_error(self) -> float:
        """Of the mean."""
        return math.sqrt(self.variance / self.count) if self.count else math.nan

    @property
    def kurtosis(self) -> float:
        """Fourth central moment over the square of the second: 3 of a normal distribution. NaN of a constant."""
        if not self.count:
            return math.nan
        m1, m2, m3, m4 = (total / self.count for total in self.sums)
        second = m2 - m1 * m1
        if second <= 1e-12 * max(1.0, m2):
            return math.nan
        return (m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1**4) / second**2

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"count": self.count, "centre": self.centre, "scale": self.scale, "sums": list(self.sums)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Moments:
        """Inverse of `to_dict`."""
        return cls(int(fields["count"]), float(fields["centre"]), float(fields["scale"]), four(fields["sums"]))


def powers(z: FloatArray) -> FloatArray:
    """Sums of the first four powers, shape (4,)."""
    square = z * z
    # einsum, because a product this small spends its time waiting for BLAS threads on a busy machine
    third, fourth = np.einsum("i,i->", square, z), np.einsum("i,i->", square, square)
    return np.array([z.sum(), square.sum(), third, fourth])


def four(sums: Any) -> tuple[float, float, float, float]:
    """As plain numbers."""
    first, second, third, fourth = (float(one) for one in sums)
    return first, second, third, fourth
