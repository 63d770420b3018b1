"""The Forest: every tree family in one form, arrays only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import BundleRefused, DataError
from riskloop.scorer.forest.checks import check
from riskloop.scorer.forest.layout import Layout
from riskloop.scorer.forest.masks import Masks
from riskloop.scorer.forest.traversal import Traversal

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

CLIP = 1e-12  # an average of 0 or 1 has no log-odds; the margin then is -27.6 or 27.6
ZERO = float(np.float32(1e-35))  # LightGBM's kZeroThreshold


def _no_category_sets() -> BoolArray:
    return np.zeros((0, 0), dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class Forest:
    """T binary trees with N nodes in all, children after their parent, trees one after the other.

    A numeric node sends x left when ``x <= threshold``, a missing x where ``missing_left`` says. A categorical node
    sends a code left when it is in the node's set; a code outside the table goes right.

    Attributes
    ----------
    roots : int32, shape (T,)
        First node of each tree.
    feature : int32, shape (N,)
        Column of the matrix; -1 at leaves.
    threshold : float64, shape (N,)
    left, right : int32, shape (N,)
        Children; -1 at leaves.
    missing_left : bool, shape (N,)
    value : float64, shape (N,)
        Leaf values: log-odds, or probabilities where ``average``.
    category_node : int32, shape (N,)
        Row of ``category_left``, or -1 where the node is not categorical.
    category_left : bool, shape (categorical nodes, levels)
        The codes that go left.
    n_features : int
        Columns of the matrix.
    base : float
        Log-odds to which the leaf values are added, in the order of the trees.
    average : bool
        Leaf values are probabilities; the margin is the log-odds of their mean, clipped to [1e-12, 1 - 1e-12].
    float32_inputs : bool
        Inputs are rounded to float32 before they are compared (XGBoost, CatBoost, scikit-learn's trees).
    float32_sum : bool
        Leaf values are summed in float32 (XGBoost).
    zero_missing : bool
        A zero in a numeric column is missing (LightGBM's ``zero_as_missing``).

    Raises
    ------
    BundleRefused
        If the arrays do not describe such trees.
    """

    roots: IntArray
    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    missing_left: BoolArray
    value: FloatArray
    category_node: IntArray
    n_features: int
    category_left: BoolArray = field(default_factory=_no_category_sets)
    base: float = 0.0
    average: bool = False
    float32_inputs: bool = False
    float32_sum: bool = False
    zero_missing: bool = False

    def __post_init__(self) -> None:
        check(self)

    @property
    def n_trees(self) -> int:
        return int(self.roots.size)

    def margin(self, matrix: FloatArray) -> FloatArray:
        """Log-odds of the positive class.

        Parameters
        ----------
        matrix : float64, shape (n, n_features)
            NaN is missing; categorical columns hold codes.

        Returns
        -------
        float64, shape (n,)
            The same bits whether a row comes alone or among others.

        Raises
        ------
        DataError
            If the matrix has not ``n_features`` columns.
        """
        X = np.asarray(matrix, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise DataError(f"The matrix has shape {X.shape}; the trees read {self.n_features} columns.")
        total = self._evaluator.total(self._inputs(X))
        return _log_odds(total / self.n_trees) if self.average else total

    @cached_property
    def _evaluator(self) -> Masks | Traversal:
        layout = Layout.of(self)
        return Masks(self, layout) if layout.fits else Traversal(self)

    def _inputs(self, X: FloatArray) -> FloatArray:
        if self.zero_missing:
            numeric = np.ones(self.n_features, dtype=np.bool_)
            numeric[self.feature[self.category_node >= 0]] = False
            X = np.where(numeric & (np.abs(X) <= ZERO), np.nan, X)
        if self.float32_inputs:
            with np.errstate(over="ignore"):
                X = X.astype(np.float32).astype(np.float64)
        return X

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Every field as an array; scalars have no dimension."""
        return {item.name: np.asarray(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Forest:
        """The inverse of :meth:`to_arrays`.

        Raises
        ------
        BundleRefused
            If an array is absent, unknown, of another type, or inconsistent with the others.
        """
        names = {item.name for item in fields(cls)}
        if names != set(arrays):
            odd = ", ".join(sorted(names ^ set(arrays)))
            raise BundleRefused(f"Arrays are absent or unknown: {odd}.", where="forest", next_step="pack it again")
        values: dict[str, Any] = {name: arrays[name] for name in names}
        return cls(**values | {name: _scalar(name, values[name]) for name in _SCALARS})


_SCALARS = {
    "n_features": "iu",
    "base": "f",
    "average": "b",
    "float32_inputs": "b",
    "float32_sum": "b",
    "zero_missing": "b",
}


def _scalar(name: str, array: NDArray[Any]) -> Any:
    if np.size(array) != 1 or np.asarray(array).dtype.kind not in _SCALARS[name]:
        raise BundleRefused("It must be a single value of the right type.", where=f"forest.{name}")
    return np.asarray(array).item()


def _log_odds(probability: FloatArray) -> FloatArray:
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    odds: FloatArray = np.log(clipped) - np.log1p(-clipped)
    return odds
