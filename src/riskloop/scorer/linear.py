"""A linear model: log-odds as a dot product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import BundleRefused

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """Coefficients of shape (p,) and an intercept, in log-odds."""

    coefficients: FloatArray
    intercept: float

    @property
    def n_features(self) -> int:
        return len(self.coefficients)

    def margin(self, matrix: FloatArray) -> FloatArray:
        """Log-odds, shape (n,), of a matrix of shape (n, p).

        Summed column by column, so that one row gives the same bits alone as within a million.
        """
        total = np.full(len(matrix), self.intercept)
        for position, coefficient in enumerate(self.coefficients):
            total += matrix[:, position] * coefficient
        return total

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        return {"coefficients": self.coefficients, "intercept": np.array([self.intercept])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Linear:
        """Inverse of `to_arrays`.

        Raises
        ------
        BundleRefused
            If an array is missing, of the wrong shape or not finite.
        """
        try:
            coefficients = np.asarray(arrays["coefficients"], dtype=np.float64)
            intercept = np.asarray(arrays["intercept"], dtype=np.float64)
        except (KeyError, ValueError, TypeError) as error:
            raise BundleRefused(f"The linear model is malformed: {error}.", where="model") from error
        if coefficients.ndim != 1 or intercept.shape != (1,):
            raise BundleRefused("The linear model has arrays of the wrong shape.", where="model")
        if not (np.isfinite(coefficients).all() and np.isfinite(intercept).all()):
            raise BundleRefused("The linear model holds values that are not finite.", where="model")
        return cls(coefficients, float(intercept[0]))
