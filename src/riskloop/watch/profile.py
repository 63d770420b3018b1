"""The Profile: a summary of columns and scores that stands for rows, and holds none of them.

The reference profile is made at training and travels in the bundle. Current rows are counted against its edges, chunk
by chunk, and profiles of parts add up: by hour, by worker, in any order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.data.contract import Columns, Contract
from riskloop.decide.policy import Policy
from riskloop.errors import DataError

VERSION = 2
BINS = 20
_CHUNK = 16_384  # rows that stay in the processor's cache while every edge is compared with them

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a policy decided about n rows: columns of shape (n,).

    Attributes
    ----------
    probability : float array
        Calibrated.
    act, reviewed : bool array
    expected_cost : float array
        Of the decision taken, in currency per customer.
    """

    probability: FloatArray
    act: BoolArray
    reviewed: BoolArray
    expected_cost: FloatArray

    @classmethod
    def of(cls, policy: Policy, probability: FloatArray, costs: Costs) -> Scores:
        """What the policy decides about rows with these probabilities and costs."""
        act, reviewed = policy.act(probability, costs), policy.reviewed(probability, costs)
        expected = costs.expected(probability, act)
        if policy.review is not None:
            expected = np.where(reviewed, policy.review.expected(probability, costs), expected)
        return cls(probability, act, reviewed, np.asarray(expected))

    def take(self, rows: NDArray[Any]) -> Scores:
        """Some of the rows, by position or mask."""
        return Scores(self.probability[rows], self.act[rows], self.reviewed[rows], self.expected_cost[rows])

    def __len__(self) -> int:
        return len(self.probability)


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
        for start in range(0, len(values), _CHUNK):
            totals += _powers((values[start : start + _CHUNK] - self.centre) / self.scale)
        return replace(self, count=len(values), sums=_four(totals))

    def __add__(self, other: Moments) -> Moments:
        sums = np.add(self.sums, other.sums)
        return replace(self, count=self.count + other.count, sums=_four(sums))

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
        return {"count": self.count, "centre": self.centre, "scale": self.scale, "sums": list(self.sums)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Moments:
        return cls(int(fields["count"]), float(fields["centre"]), float(fields["scale"]), _four(fields["sums"]))


def _powers(z: FloatArray) -> FloatArray:
    square = z * z
    # einsum, because a product this small spends its time waiting for BLAS threads on a busy machine
    third, fourth = np.einsum("i,i->", square, z), np.einsum("i,i->", square, square)
    return np.array([z.sum(), square.sum(), third, fourth])


def _four(sums: Any) -> tuple[float, float, float, float]:
    first, second, third, fourth = (float(one) for one in sums)
    return first, second, third, fourth


@dataclass(frozen=True, slots=True, eq=False)
class ColumnProfile:
    """One column, counted.

    Attributes
    ----------
    type : {"number", "category"}
        Dates are numbers of days.
    edges : float array, shape (k - 1,)
        Of a number: rising quantiles of the reference; bin j holds what is above edge j - 1 and at most edge j.
    levels : tuple of str
        Of a category, as the contract orders them.
    counts : int array, shape (k,)
        Rows by bin or by level.
    unknown, missing, refused : int
        Rows of no known level; of no value; and those whose cell broke the contract, which are counted nowhere else.
    moments : Moments or None
        Of a number.
    minimum, maximum : float
        Of a number; infinite, and the wrong way round, where nothing is present.
    cost : float array, shape (k + 2,), or None
        Of the reference: mean expected cost of the rows of every cell (bins or levels, unknown, missing).
    """

    type: Literal["number", "category"]
    edges: FloatArray
    levels: tuple[str, ...]
    counts: IntArray
    unknown: int = 0
    missing: int = 0
    refused: int = 0
    moments: Moments | None = None
    minimum: float = math.inf
    maximum: float = -math.inf
    cost: FloatArray | None = None

    @classmethod
    def of_numbers(cls, values: FloatArray, cost: FloatArray | None = None) -> ColumnProfile:
        """A reference: edges are quantiles of the values present; ``cost`` is what each row costs in expectation."""
        present = values[~np.isnan(values)]
        edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1])) if len(present) else np.empty(0)
        bare = cls("number", edges, (), np.zeros(len(edges) + 1, dtype=np.int64), moments=Moments.of(present))
        cells = np.searchsorted(edges, values, side="left")
        cells[np.isnan(values)] = len(edges) + 2
        return replace(bare.measure(values), cost=_mean_by(cells, cost, len(edges) + 3))

    @classmethod
    def of_codes(cls, codes: NDArray[np.int32], levels: tuple[str, ...], cost: FloatArray | None) -> ColumnProfile:
        """A reference of a category."""
        bare = cls("category", np.empty(0), levels, np.zeros(len(levels), dtype=np.int64))
        cells = np.where(codes < 0, len(levels) + 1, codes)
        return replace(bare.measure(codes), cost=_mean_by(cells, cost, len(levels) + 2))

    def measure(self, values: NDArray[Any], refused: BoolArray | None = None) -> ColumnProfile:
        """Other values of the same column, by the same edges or levels; ``refused`` cells are counted apart."""
        gone = 0 if refused is None else int(refused.sum())
        kept = values[~refused] if refused is not None and gone else values
        made = self._numbers(kept) if self.type == "number" else self._codes(kept)
        return replace(made, refused=gone)

    def _codes(self, codes: NDArray[np.int32]) -> ColumnProfile:
        known = len(self.levels)
        counts = np.bincount(codes + 1, minlength=known + 2)
        return replace(
            self, counts=counts[1 : known + 1], unknown=int(counts[known + 1 :].sum()), missing=int(counts[0])
        )

    def _numbers(self, values: FloatArray) -> ColumnProfile:
        assert self.moments is not None  # noqa: S101 - a number has moments
        below, totals, missing = np.zeros(len(self.edges), dtype=np.int64), np.zeros(4), 0
        low, high = math.inf, -math.inf
        for start in range(0, len(values), _CHUNK):
            part = values[start : start + _CHUNK]
            absent = np.isnan(part)
            if absent.any():
                missing += int(absent.sum())
                part = part[~absent]
            if not len(part):
                continue
            for place, edge in enumerate(self.edges):  # 8 times as fast as a search for each row
                below[place] += np.count_nonzero(part <= edge)
            totals += _powers((part - self.moments.centre) / self.moments.scale)
            low, high = min(low, float(part.min())), max(high, float(part.max()))
        present = len(values) - missing
        return replace(
            self,
            counts=np.diff(below, prepend=0, append=present),
            missing=missing,
            moments=replace(self.moments, count=present, sums=_four(totals)),
            minimum=low,
            maximum=high,
        )

    def __add__(self, other: ColumnProfile) -> ColumnProfile:
        return replace(
            self,
            counts=self.counts + other.counts,
            unknown=self.unknown + other.unknown,
            missing=self.missing + other.missing,
            refused=self.refused + other.refused,
            moments=self.moments + other.moments if self.moments and other.moments else None,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
        )

    @property
    def cells(self) -> IntArray:
        """Bins or levels, then unknown, then missing, shape (k + 2,)."""
        return np.append(self.counts, [self.unknown, self.missing])

    @property
    def rows(self) -> int:
        """With a cell that keeps the contract."""
        return int(self.counts.sum()) + self.unknown + self.missing

    @property
    def present(self) -> int:
        return self.rows - self.missing

    @property
    def frozen(self) -> bool:
        """Whether everything present is one value."""
        if self.type == "number":
            return self.present > 0 and self.minimum == self.maximum
        return self.present > 0 and int(self.counts.max(initial=0)) == self.present

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        made: dict[str, Any] = {"type": self.type, "missing": self.missing / self.rows if self.rows else 0.0}
        made |= {"refused": self.refused} if self.refused else {}
        made |= {} if self.cost is None else {"cost": self.cost.tolist()}
        if self.type == "category":
            counts = dict(zip(self.levels, self.counts.tolist(), strict=True))
            known = {"rows": self.rows, "levels": list(self.levels), "counts": counts, "unknown": self.unknown}
            return made | known
        assert self.moments is not None  # noqa: S101 - a number has moments
        made |= {"rows": self.rows, "edges": self.edges.tolist(), "counts": self.counts.tolist()}
        made |= {"moments": self.moments.to_dict()}
        if not self.present:
            return made
        told = {"mean": self.moments.mean, "std": self.moments.std, "minimum": self.minimum, "maximum": self.maximum}
        return made | told

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> ColumnProfile:
        """Inverse of `to_dict`."""
        rows, cost = int(fields["rows"]), fields.get("cost")
        missing, refused = round(fields["missing"] * rows), int(fields.get("refused", 0))
        known_cost = None if cost is None else np.array(cost, dtype=np.float64)
        if fields["type"] == "category":
            levels, unknown = tuple(fields["levels"]), int(fields["unknown"])
            counts = np.array([fields["counts"][level] for level in levels], dtype=np.int64)
            return cls("category", np.empty(0), levels, counts, unknown, missing, refused, cost=known_cost)
        return cls(
            "number",
            np.array(fields["edges"], dtype=np.float64),
            (),
            np.array(fields["counts"], dtype=np.int64),
            missing=missing,
            refused=refused,
            moments=Moments.from_dict(fields["moments"]),
            minimum=float(fields.get("minimum", math.inf)),
            maximum=float(fields.get("maximum", -math.inf)),
            cost=known_cost,
        )


def _mean_by(cells: NDArray[Any], cost: FloatArray | None, count: int) -> FloatArray | None:
    """Mean cost of the rows of every cell; of an empty one, that of all rows."""
    if cost is None or not len(cost):
        return None
    rows = np.bincount(cells, minlength=count)
    sums = np.bincount(cells, weights=cost, minlength=count)
    return np.where(rows > 0, sums / np.maximum(rows, 1), cost.mean())


@dataclass(frozen=True, eq=False)
class Profile:
    """Rows, counted: their columns, and what was decided about them.

    Attributes
    ----------
    rows : int
        All of them, also those that break the contract.
    columns : dict of str to ColumnProfile
        Features, and what prices decisions.
    score : ColumnProfile
        Probabilities of the rows that could be decided about.
    acted, reviewed : int
        Of those rows.
    cost : Moments
        Expected cost of their decisions, in currency per customer.
    """

    rows: int
    columns: dict[str, ColumnProfile] = field(default_factory=dict)
    score: ColumnProfile = field(default_factory=lambda: ColumnProfile.of_numbers(np.empty(0)))
    acted: int = 0
    reviewed: int = 0
    cost: Moments = field(default_factory=lambda: Moments.of(np.empty(0)))

    @classmethod
    def of(cls, contract: Contract, columns: Columns, scores: Scores) -> Profile:
        """A reference: n rows and what was decided about each, out of fold where they are training rows."""
        cost = scores.expected_cost
        made = {}
        for column in contract.read:
            values = columns[column.name]
            if column.type == "category":
                made[column.name] = ColumnProfile.of_codes(values, column.levels, cost)
            else:
                made[column.name] = ColumnProfile.of_numbers(values, cost)
        return cls(
            rows=len(scores),
            columns=made,
            score=ColumnProfile.of_numbers(scores.probability),
            acted=int(scores.act.sum()),
            reviewed=int(scores.reviewed.sum()),
            cost=Moments.of(cost),
        )

    def measure(
        self,
        columns: Columns,
        scores: Scores,
        refused: Mapping[str, BoolArray] | None = None,
        each: Callable[..., Any] = map,
    ) -> Profile:
        """Other rows against this profile's edges.

        Parameters
        ----------
        columns : Columns
            Decoded, of shape (n,); columns of the reference that are not among them are left out.
        scores : Scores
            Of the rows that could be decided about.
        refused : mapping of str to bool array, shape (n,), optional
            Cells that broke the contract.
        each : callable
            How to go over the columns: `map`, or that of a pool of threads.
        """
        apart = refused or {}
        rows = len(next(iter(columns.values()))) if columns else len(scores)
        names = [name for name in self.columns if name in columns]
        measured = each(lambda name: self.columns[name].measure(columns[name], apart.get(name)), names)
        return replace(
            self,
            rows=rows,
            columns=dict(zip(names, measured, strict=True)),
            score=self.score.measure(scores.probability),
            acted=int(scores.act.sum()),
            reviewed=int(scores.reviewed.sum()),
            cost=self.cost.measure(scores.expected_cost),
        )

    def merge(self, other: Profile) -> Profile:
        """Both together, if they were counted by the same edges.

        Raises
        ------
        DataError
            If they were not.
        """
        self._check_alike(other)
        return replace(
            self,
            rows=self.rows + other.rows,
            columns={name: column + other.columns[name] for name, column in self.columns.items()},
            score=self.score + other.score,
            acted=self.acted + other.acted,
            reviewed=self.reviewed + other.reviewed,
            cost=self.cost + other.cost,
        )

    def _check_alike(self, other: Profile) -> None:
        same = self.columns.keys() == other.columns.keys() and all(
            column.levels == other.columns[name].levels and np.array_equal(column.edges, other.columns[name].edges)
            for name, column in self.columns.items()
        )
        if not same or not np.array_equal(self.score.edges, other.score.edges):
            raise DataError(
                "These profiles were not counted by the same edges.",
                where="profile",
                next_step="profile both against the same version's reference",
            )

    @property
    def act_rate(self) -> float:
        """Of no rows, none."""
        return self.acted / self.scored if self.scored else 0.0

    @property
    def scored(self) -> int:
        return self.score.present

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "version": VERSION,
            "rows": self.rows,
            "columns": {name: column.to_dict() for name, column in self.columns.items()},
            "score": self.score.to_dict(),
            "act_rate": self.act_rate,
            "acted": self.acted,
            "reviewed": self.reviewed,
            "cost": self.cost.to_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Profile:
        """Inverse of `to_dict`.

        Raises
        ------
        DataError
            If this is no profile, or one of another riskloop.
        """
        if fields.get("version") != VERSION:
            raise DataError(
                "The reference profile is of an earlier riskloop, or there is none.",
                where="profile.json",
                next_step="train anew: riskloop train",
            )
        return cls(
            rows=int(fields["rows"]),
            columns={name: ColumnProfile.from_dict(column) for name, column in fields["columns"].items()},
            score=ColumnProfile.from_dict(fields["score"]),
            acted=int(fields["acted"]),
            reviewed=int(fields["reviewed"]),
            cost=Moments.from_dict(fields["cost"]),
        )
