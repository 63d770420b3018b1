"""A blend: models side by side over one matrix, their log-odds added with weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import BundleRefused
from riskloop.scorer.log_odds import logistic, logit
from riskloop.scorer.scorer import Model

FloatArray = NDArray[np.float64]
Link = Literal["log_odds", "probability"]


@dataclass(frozen=True, eq=False)
class Member:
    """One model of a blend.

    Attributes
    ----------
    model : Linear or Forest
    columns : int64 array, shape (model.n_features,)
        The columns of the blend's matrix that it reads.
    weight : float
    """

    model: Model
    columns: NDArray[np.int64]
    weight: float


@dataclass(frozen=True, eq=False)
class Blend:
    """Weighted members.

    Attributes
    ----------
    members : tuple of Member
    n_features : int
        Columns of the matrix.
    intercept : float
        Log-odds to which the members' are added; 0 with the link ``probability``.
    link : {"log_odds", "probability"}
        ``log_odds``: the margin is the weighted sum of the members' margins, so that what explains the members
        explains the blend. ``probability``: the log-odds of the weighted mean of their probabilities (soft voting).

    Raises
    ------
    BundleRefused
        If a member reads a column that is not there, or a number is not finite.
    """

    members: tuple[Member, ...]
    n_features: int
    intercept: float = 0.0
    link: Link = "log_odds"

    def __post_init__(self) -> None:
        weights = np.array([member.weight for member in self.members])
        if not self.members or not np.isfinite([*weights, self.intercept]).all():
            raise _refused("it needs members with finite weights")
        if self.link == "probability" and (weights.min() < 0 or not np.isclose(weights.sum(), 1) or self.intercept):
            raise _refused("the weights of a mean of probabilities add up to 1, without an intercept")
        if self.link not in ("log_odds", "probability"):
            raise _refused(f"unknown link {self.link!r}")
        for member in self.members:
            columns = member.columns
            if columns.dtype != np.int64 or columns.shape != (member.model.n_features,):
                raise _refused("a member's columns do not fit its model")
            if columns.size and not 0 <= columns.min() <= columns.max() < self.n_features:
                raise _refused("a member reads a column that is not there")

    def margin(self, matrix: FloatArray) -> FloatArray:
        """Log-odds, shape (n,), of a matrix of shape (n, n_features); the same bits for a row alone or among others."""
        total = np.full(len(matrix), self.intercept)
        for member in self.members:
            margin = member.model.margin(matrix[:, member.columns])
            total += member.weight * (margin if self.link == "log_odds" else logistic(margin))
        return total if self.link == "log_odds" else logit(total)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The members' arrays, the number of the member before each name."""
        arrays: dict[str, NDArray[Any]] = {}
        for number, member in enumerate(self.members):
            own = member.model.to_arrays() | {"columns": member.columns, "weight": np.array(member.weight)}
            arrays |= {f"{number}.{name}": array for name, array in own.items()}
        return arrays | {"intercept": np.array(self.intercept), "n_features": np.array(self.n_features, dtype=np.int64)}

    @staticmethod
    def split(arrays: Mapping[str, NDArray[Any]]) -> list[dict[str, NDArray[Any]]]:
        """The members' own arrays, in order; what belongs to the blend itself is left out.

        Raises
        ------
        BundleRefused
            If a name belongs to no member.
        """
        found: dict[int, dict[str, NDArray[Any]]] = {}
        for name, array in arrays.items():
            number, dot, rest = name.partition(".")
            if dot and number.isdecimal() and number.isascii():
                found.setdefault(int(number), {})[rest] = array
            elif name not in ("intercept", "n_features"):
                raise _refused(f"unknown array {name!r:.60}")
        if sorted(found) != list(range(len(found))):
            raise _refused("its members are not numbered from 0 on")
        return [found[number] for number in sorted(found)]


def _refused(reason: str) -> BundleRefused:
    return BundleRefused(f"The blend cannot be used: {reason}.", where="model")
