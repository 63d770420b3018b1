"""The Tally: scores counted by outcome between rising cuts, so that any threshold can be tried without rows at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray

IntArray = NDArray[np.int64]
RUNGS = 500


class Confusion(NamedTuple):
    """What acting from a threshold on comes to."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def rows(self) -> int:
        return sum(self)

    @property
    def act_rate(self) -> float:
        """Share acted on; NaN where there is nobody."""
        return _ratio(self.tp + self.fp, self.rows)

    @property
    def recall(self) -> float:
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float:
        return _ratio(self.tp, self.tp + self.fp)


@dataclass(frozen=True, eq=False)
class Counts:
    """Positives and negatives in every cell, shape (k,)."""

    positive: IntArray
    negative: IntArray

    @cached_property
    def _from(self) -> tuple[IntArray, IntArray]:
        """How many lie in a cell or above it, shape (k + 1,)."""
        return _from_above(self.positive), _from_above(self.negative)

    def confusion(self, cell: int) -> Confusion:
        """Acting on whom lies in a cell or above it."""
        tp, fp = (int(above[cell]) for above in self._from)
        return Confusion(tp, fp, int(self.positive.sum()) - tp, int(self.negative.sum()) - fp)


@dataclass(frozen=True, eq=False)
class Tally:
    """Scores of n customers with known outcome, counted.

    Attributes
    ----------
    edges : float array, shape (k - 1,)
        Rising; cell j holds probabilities from edge j - 1 up to but not with edge j. Acting from an edge on is counted
        exactly, acting from any other threshold as from the edge next to it.
    counts : Counts
    foreseen : float array, shape (k,)
        Sum of the probabilities in every cell.
    groups : mapping of attribute to level to Counts
        Customers of protected groups.
    """

    edges: FloatArray
    counts: Counts
    foreseen: FloatArray
    groups: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        outcome: BoolArray,
        probability: FloatArray,
        *,
        thresholds: Sequence[float] = (),
        groups: Mapping[str, NDArray[np.str_]] | None = None,
        minimum_rows: int = 1,
        rungs: int = RUNGS,
    ) -> Tally:
        """Count n customers.

        Parameters
        ----------
        outcome, probability : array, shape (n,)
            Probabilities of models that had not seen the row.
        thresholds : sequence of float
            Of which the counts must be exact.
        groups : mapping of str to str array, shape (n,)
            For each protected attribute the group of every row; smaller ones than ``minimum_rows`` are left out.
        rungs : int
            About so many cells, of as many customers each as there can be.
        """
        quantiles = np.quantile(probability, np.linspace(0, 1, rungs + 1)[1:-1], method="lower")
        told = [f"{one:.6g}" for one in (*quantiles.tolist(), *thresholds) if 0 < one <= 1]
        edges = np.unique(np.array(told, dtype=np.float64))
        cells = np.searchsorted(edges, probability, side="right")
        size = len(edges) + 1
        named = {
            attribute: {
                str(level): _counted(outcome[here], cells[here], size)
                for level in np.unique(labels)
                if (here := labels == level).sum() >= minimum_rows
            }
            for attribute, labels in (groups or {}).items()
        }
        foreseen = np.bincount(cells, probability, size).astype(np.float64)
        return cls(edges, _counted(outcome, cells, size), foreseen, named)

    @property
    def rows(self) -> int:
        return int(self.counts.positive.sum() + self.counts.negative.sum())

    def cell(self, threshold: float) -> int:
        """The lowest cell that is acted on from a threshold: that of the edge next to it; k to act on nobody."""
        if threshold > 1:
            return len(self.edges) + 1
        after = int(np.searchsorted(self.edges, threshold, side="left"))
        around = [place for place in (after - 1, after) if 0 <= place < len(self.edges)]
        if threshold <= 0 or not around:
            return 0
        return min(around, key=lambda place: abs(float(self.edges[place]) - threshold)) + 1

    def confusion(self, threshold: float) -> Confusion:
        """Acting on everybody from a threshold on."""
        return self.counts.confusion(self.cell(threshold))

    def cells(self) -> tuple[FloatArray, IntArray, IntArray]:
        """Thresholds from nobody to everybody, with true and false positives, shape (k + 1,)."""
        thresholds = np.concatenate([[2.0], self.edges[::-1], [0.0]])
        tp, fp = _from_above(self.counts.positive)[::-1], _from_above(self.counts.negative)[::-1]
        return thresholds, tp, fp

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "edges": self.edges.tolist(),
            **_plain(self.counts),
            "foreseen": [float(f"{one:.6g}") for one in self.foreseen.tolist()],
            "groups": {
                attribute: {level: _plain(counts) for level, counts in levels.items()}
                for attribute, levels in self.groups.items()
            },
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Tally:
        """Inverse of `to_dict`.

        Raises
        ------
        KeyError, TypeError, ValueError
            If these are no counts.
        """
        return cls(
            np.array(fields["edges"], dtype=np.float64),
            _counts(fields),
            np.array(fields["foreseen"], dtype=np.float64),
            {
                attribute: {level: _counts(counts) for level, counts in levels.items()}
                for attribute, levels in fields["groups"].items()
            },
        )


def _counted(outcome: BoolArray, cells: NDArray[np.intp], size: int) -> Counts:
    return Counts(np.bincount(cells[outcome], minlength=size), np.bincount(cells[~outcome], minlength=size))


def _counts(fields: Mapping[str, Any]) -> Counts:
    return Counts(np.array(fields["positive"], dtype=np.int64), np.array(fields["negative"], dtype=np.int64))


def _plain(counts: Counts) -> dict[str, list[int]]:
    return {"positive": counts.positive.tolist(), "negative": counts.negative.tolist()}


def _from_above(counts: IntArray) -> IntArray:
    return np.append(np.cumsum(counts[::-1])[::-1], 0)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
