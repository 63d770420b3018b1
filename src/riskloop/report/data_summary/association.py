"""How features go together: rank correlation of numbers, Cramer's V of categories, cells missing in the same rows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Columns, Contract
from riskloop.learn.evaluation.intervals import Interval, finite, wilson

MOST_FEATURES = 60
MOST_IN_MAP = 30
MOST_PATTERNS = 10
LEAST_SHOWN = 0.2
Measure = Literal["spearman", "cramers_v"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two features and how strongly they go together: Spearman in [-1, 1], Cramer's V in [0, 1]."""

    first: str
    second: str
    measure: Measure
    value: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Associations:
    """Every pair of the features looked at.

    Attributes
    ----------
    names : list of str
    strength : float array, shape (p, p)
        Absolute Spearman correlation of two numbers, otherwise Cramer's V; NaN where one of them does not vary.
    pairs : list of Pair
        Those of at least 0.2, the strongest first.
    rows : int
        Rows of the sample.
    """

    names: list[str]
    strength: FloatArray
    pairs: list[Pair]
    rows: int

    @property
    def has_map(self) -> bool:
        return 2 <= len(self.names) <= MOST_IN_MAP

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a value that is not defined is None."""
        return {
            "rows": self.rows,
            "features": self.names,
            "pairs": [pair.to_dict() for pair in self.pairs],
            "strength": [[finite(round(value, 4)) for value in row] for row in self.strength.tolist()]
            if self.has_map
            else None,
        }


def associations(contract: Contract, columns: Columns, names: list[str]) -> Associations:
    """Measure every pair of ``names``.

    Numbers are compared by Spearman's rank correlation over the rows where both are present; categories, and a
    category with a number cut at its deciles, by Cramer's V with Bergsma's correction (2013), which is 0 in
    expectation when they are independent.
    """
    numeric = np.array([contract.by_name[name].type != "category" for name in names], dtype=bool)
    signed = np.full((len(names), len(names)), np.nan)
    numbers = np.flatnonzero(numeric)
    if len(numbers):
        signed[np.ix_(numbers, numbers)] = spearman(np.column_stack([columns[names[place]] for place in numbers]))
    codes = [_deciles(columns[name]) if number else columns[name] for name, number in zip(names, numeric, strict=True)]
    pairs = [(i, j) for i in range(len(names)) for j in range(i)]
    for i, j in pairs:
        if not (numeric[i] and numeric[j]):
            signed[i, j] = signed[j, i] = cramers_v(codes[i], codes[j])
    strong = sorted((one for one in pairs if abs(signed[one]) >= LEAST_SHOWN), key=lambda one: -abs(signed[one]))
    found = [
        Pair(
            names[j], names[i], "spearman" if numeric[i] and numeric[j] else "cramers_v", round(float(signed[i, j]), 4)
        )
        for i, j in strong
    ]
    return Associations(names, np.abs(signed), found, len(columns[names[0]]) if names else 0)


def spearman(matrix: FloatArray) -> FloatArray:
    """Rank correlation of the columns, shape (p, p), over the rows where both are present (not ranked anew)."""
    from scipy.stats import rankdata

    present = (~np.isnan(matrix)).astype(np.float64)
    ranks = np.nan_to_num(rankdata(matrix, axis=0, nan_policy="omit"))
    ranks = (ranks - ranks.sum(axis=0) / np.maximum(present.sum(axis=0), 1)) * present
    rows = np.maximum(present.T @ present, 1)
    mean = ranks.T @ present / rows
    variance = (ranks**2).T @ present / rows - mean**2
    covariance = ranks.T @ ranks / rows - mean * mean.T
    with np.errstate(invalid="ignore", divide="ignore"):
        found = covariance / np.sqrt(variance * variance.T)
    defined = np.minimum(variance, variance.T) > 1e-9
    return np.where(defined, np.clip(found, -1, 1), np.nan)


def _deciles(values: FloatArray) -> NDArray[np.int32]:
    """Numbers as codes of ten groups of about equal size; -1 where missing."""
    gone = np.isnan(values)
    if gone.all():
        return np.full(len(values), -1, dtype=np.int32)
    edges = np.unique(np.quantile(values[~gone], np.linspace(0.1, 0.9, 9)))
    return np.where(gone, -1, np.searchsorted(edges, values, side="right")).astype(np.int32)


def cramers_v(first: NDArray[np.int32], second: NDArray[np.int32]) -> float:
    """Bias-corrected Cramer's V of two arrays of codes (Bergsma, 2013); NaN where one of them does not vary."""
    both = (first >= 0) & (second >= 0)
    first, second = first[both], second[both]
    if not len(first):
        return math.nan
    width = int(second.max()) + 1
    table = np.bincount(first.astype(np.int64) * width + second, minlength=(int(first.max()) + 1) * width)
    table = table.reshape(-1, width).astype(np.float64)
    rows, columns, n = table.sum(axis=1), table.sum(axis=0), len(first)
    table, rows, columns = table[rows > 0][:, columns > 0], rows[rows > 0], columns[columns > 0]
    if min(table.shape) < 2 or n < 2:
        return math.nan
    phi = (table**2 / np.outer(rows, columns)).sum() - 1
    height, width = (size - (size - 1) ** 2 / (n - 1) for size in table.shape)
    excess = max(0.0, phi - (table.shape[0] - 1) * (table.shape[1] - 1) / (n - 1))
    smallest = min(height, width) - 1
    return min(1.0, math.sqrt(excess / smallest)) if smallest > 0 else math.nan


@dataclass(frozen=True, slots=True)
class MissingPattern:
    """Columns that are missing together in some rows, and the target rate of those rows."""

    columns: list[str]
    rows: int
    share: float
    rate: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"columns": self.columns, "rows": self.rows, "share": self.share, "rate": self.rate.to_dict()}


def missing_together(columns: Columns, outcome: BoolArray, *, seed: int) -> list[MissingPattern]:
    """The most frequent sets of two or more columns that are missing in the same rows, and no others with them.

    Rows are told apart by the sum of a random 64-bit number per missing column: one pass, one array.
    """
    gone = {name: np.isnan(values) if values.dtype.kind == "f" else values < 0 for name, values in columns.items()}
    gone = {name: mask for name, mask in gone.items() if mask.any()}
    rng = np.random.default_rng(seed)
    mark = np.zeros(len(outcome), dtype=np.uint64)
    for mask in gone.values():
        mark[mask] += rng.integers(1, 2**63, dtype=np.uint64)
    _, example, member, counts = np.unique(mark, return_index=True, return_inverse=True, return_counts=True)
    positives = np.bincount(member[outcome], minlength=len(counts))
    found = []
    for place in np.argsort(-counts, kind="stable"):
        together = [name for name, mask in gone.items() if mask[example[place]]]
        if len(together) > 1:
            rows = int(counts[place])
            found.append(MissingPattern(together, rows, rows / len(outcome), wilson(int(positives[place]), rows)))
        if len(found) == MOST_PATTERNS:
            break
    return found
