"""The Profile: a summary of columns and scores that stands for rows, and holds none of them.

The reference profile is made at training and travels in the bundle. Current rows are counted against its edges, chunk
by chunk, and profiles of parts add up: by hour, by worker, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.data.contract import Columns, Contract
from riskloop.decide.policy import Policy
from riskloop.errors import DataError
from riskloop.watch.column import ColumnProfile
from riskloop.watch.joint import Pairs
from riskloop.watch.moments import Moments
from riskloop.watch.repeats import Repeats

VERSION = 3
_READ = frozenset({2, VERSION})
"""Of version 2 there are no pairs and no repeats: they are not judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a policy decided about n rows: columns of shape (n,).

    Attributes
    ----------
    probability : float array
        Calibrated.
    act, reviewed : bool array
    expected_cost : float array
        Of what the policy decides, in currency per customer.
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
    pairs : Pairs or None
        Columns two at a time.
    repeats : Repeats or None
        How often rows are alike in every column.
    """

    rows: int
    columns: dict[str, ColumnProfile] = field(default_factory=dict)
    score: ColumnProfile = field(default_factory=lambda: ColumnProfile.of_numbers(np.empty(0)))
    acted: int = 0
    reviewed: int = 0
    cost: Moments = field(default_factory=lambda: Moments.of(np.empty(0)))
    pairs: Pairs | None = None
    repeats: Repeats | None = None

    @classmethod
    def of(
        cls,
        contract: Contract,
        columns: Columns,
        scores: Scores,
        served: Scores | None = None,
        important: Sequence[str] = (),
    ) -> Profile:
        """A reference: n rows and what was decided about each, out of fold where they are training rows.

        Parameters
        ----------
        served : Scores, optional
            What the model that serves says of rows it has not seen: what is decided in service is compared with that.
            Models of folds say something else, the more so where time passes.
        important : sequence of str
            Columns, the most important first: of many, only the first are counted in pairs.
        """
        cost, served = scores.expected_cost, served or scores
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
            score=ColumnProfile.of_numbers(served.probability),
            acted=int(served.act.sum()),
            reviewed=int(served.reviewed.sum()),
            cost=Moments.of(served.expected_cost),
            pairs=Pairs.of(contract, columns, important),
            repeats=Repeats.of({name: columns[name] for name in made}).written(),
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
        whole = len(names) == len(self.columns)
        measured = each(lambda name: self.columns[name].measure(columns[name], apart.get(name)), names)
        return replace(
            self,
            rows=rows,
            columns=dict(zip(names, measured, strict=True)),
            score=self.score.measure(scores.probability),
            acted=int(scores.act.sum()),
            reviewed=int(scores.reviewed.sum()),
            cost=self.cost.measure(scores.expected_cost),
            pairs=self.pairs.measure(columns) if self.pairs and not self.pairs.cuts.keys() - columns.keys() else None,
            repeats=Repeats.of({name: columns[name] for name in names}) if self.repeats and whole else None,
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
            pairs=self.pairs + other.pairs if self.pairs and other.pairs else None,
            repeats=self.repeats + other.repeats if self.repeats and other.repeats else None,
        )

    def _check_alike(self, other: Profile) -> None:
        same = self.columns.keys() == other.columns.keys() and all(
            column.levels == other.columns[name].levels and np.array_equal(column.edges, other.columns[name].edges)
            for name, column in self.columns.items()
        )
        if self.pairs and other.pairs:
            same &= self.pairs.alike(other.pairs)
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
            **({} if self.pairs is None else {"pairs": self.pairs.to_dict()}),
            **({} if self.repeats is None else {"repeats": self.repeats.to_dict()}),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Profile:
        """Inverse of `to_dict`.

        Raises
        ------
        DataError
            If this is no profile, or one of another riskloop.
        """
        if fields.get("version") not in _READ:
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
            pairs=Pairs.from_dict(fields["pairs"]) if "pairs" in fields else None,
            repeats=Repeats.from_dict(fields["repeats"]) if "repeats" in fields else None,
        )
