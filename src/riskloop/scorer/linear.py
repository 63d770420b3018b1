"""A linear model: log-odds as a dot product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import BundleRefused

FloatArray = NDArray[np.float64]
_CHUNK = 2048


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

        Accumulated from the first column to the last, so that one row gives the same bits alone as within a million:
        a dot product would be summed in another order for another n.
        """
        total = np.empty(len(matrix))
        for start in range(0, len(matrix), _CHUNK):
            terms = matrix[start : start + _CHUNK] * self.coefficients
            total[start : start + _CHUNK] = np.add.accumulate(terms, axis=1)[:, -1]
        return total + self.intercept

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that a bundle keeps."""
        return {"coefficients": self.coefficients, "intercept": np.array([self.intercept])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Linear:
        """Inverse of `to_arrays`.

        Raises
        ------
        BundleRefused
            If an array is missing, unknown, of another type or shape, or not finite.
        """
        if set(arrays) != {"coefficients", "intercept"}:
            raise BundleRefused("A linear model has coefficients and an intercept.", where="model")
        coefficients, intercept = arrays["coefficients"], arrays["intercept"]
        if not coefficients.dtype == intercept.dtype == np.float64:
            raise BundleRefused("The linear model has arrays of the wrong type.", where="model")
        if coefficients.ndim != 1 or not coefficients.size or intercept.shape != (1,):
            raise BundleRefused("The linear model has arrays of the wrong shape.", where="model")
        if not (np.isfinite(coefficients).all() and np.isfinite(intercept).all()):
            raise BundleRefused("The linear model holds values that are not finite.", where="model")
        return cls(coefficients, float(intercept[0]))
