"""How many rows are copies of each other: a sketch of the distinct rows that adds up and holds no row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import FloatArray
from riskloop.data.contract import Columns

KEPT = 1_024
_CHUNK = 65_536
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_WHOLE = 2.0**64

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Repeats:
    """Rows by how often they occur.

    Attributes
    ----------
    rows : int
    hashes : uint64 array, shape (k,), or None
        While rows are counted: the k smallest of the distinct rows' hashes, at most 1,024 (Bar-Yossef et al., 2002).
        They are never written down.
    counts : int array, shape (k,)
        How often each of those rows occurs, exactly.
    times, distinct : float array, shape (j,)
        Of what has been written down: how often a row occurs, and about how many distinct rows do so.
    """

    rows: int = 0
    hashes: Hashes | None = None
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    times: FloatArray = field(default_factory=lambda: np.empty(0))
    distinct: FloatArray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, columns: Columns) -> Repeats:
        """Of n rows, all columns together."""
        rows = len(next(iter(columns.values()))) if columns else 0
        made = cls(rows, np.empty(0, dtype=np.uint64))
        for start in range(0, rows, _CHUNK):
            hashes = _hashes({name: values[start : start + _CHUNK] for name, values in columns.items()})
            if made.hashes is not None and len(made.hashes) == KEPT:
                hashes = hashes[hashes <= made.hashes[-1]]
            made = made._with(*np.unique(hashes, return_counts=True))
        return made

    def _with(self, hashes: Hashes, counts: NDArray[np.int64]) -> Repeats:
        assert self.hashes is not None  # noqa: S101 - only while rows are counted
        every, place = np.unique(np.concatenate([self.hashes, hashes]), return_inverse=True)
        together = np.bincount(place, weights=np.concatenate([self.counts, counts])).astype(np.int64)
        return replace(self, hashes=every[:KEPT], counts=together[:KEPT])

    def __add__(self, other: Repeats) -> Repeats:
        """Both together: a row that is in both is one row while hashes are at hand, and two once written down."""
        rows = self.rows + other.rows
        if self.hashes is not None and other.hashes is not None:
            return replace(self._with(other.hashes, other.counts), rows=rows)
        return Repeats.together([self, other])

    @classmethod
    def together(cls, many: Sequence[Repeats]) -> Repeats:
        """All of them, written down."""
        plain = [one.written() for one in many]
        times, place = np.unique(np.concatenate([one.times for one in plain]), return_inverse=True)
        distinct = np.bincount(place, weights=np.concatenate([one.distinct for one in plain]), minlength=len(times))
        rows = sum(one.rows for one in plain)
        return cls(rows, None, times=times, distinct=distinct.astype(np.float64))

    def written(self) -> Repeats:
        """Without hashes."""
        if self.hashes is None:
            return self
        kept = len(self.hashes)
        number = (KEPT - 1) / (float(self.hashes[-1]) / _WHOLE) if kept == KEPT else float(kept)
        times, seen = np.unique(self.counts, return_counts=True)
        return Repeats(
            self.rows, None, times=times.astype(np.float64), distinct=seen.astype(np.float64) * (number / max(kept, 1))
        )

    def share(self, rows: int | None = None) -> float:
        """Share of the rows that repeat another; in a random sample of so many rows, not more than there are.

        Notes
        -----
        The expected number of distinct rows in a sample (Hurlbert, 1971), so that batches of different sizes compare.
        """
        from scipy.special import gammaln

        plain = self.written()
        size = self.rows if rows is None else min(rows, self.rows)
        if not size or not len(plain.times):
            return 0.0
        if size == self.rows:
            seen = plain.distinct.sum()
        else:
            left = self.rows - plain.times
            none = gammaln(left + 1) - gammaln(np.maximum(left - size, 0) + 1)
            none -= gammaln(self.rows + 1) - gammaln(self.rows - size + 1)
            seen = (plain.distinct * (1 - np.where(left >= size, np.exp(none), 0.0))).sum()
        return float(np.clip(1 - seen / size, 0.0, 1.0))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without hashes."""
        plain = self.written()
        return {"rows": plain.rows, "times": plain.times.tolist(), "distinct": plain.distinct.tolist()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Repeats:
        """Inverse of `to_dict`."""
        times, distinct = (np.array(fields[name], dtype=np.float64) for name in ("times", "distinct"))
        return cls(int(fields["rows"]), None, times=times, distinct=distinct)


def _hashes(columns: Columns) -> Hashes:
    """One number for every row; equal rows have the same one."""
    made = np.zeros(len(next(iter(columns.values()))), dtype=np.uint64)
    for values in columns.values():
        if values.dtype.kind == "f":
            plain = values + 0.0  # minus zero is zero
            plain[np.isnan(plain)] = np.nan
            made ^= plain.view(np.uint64)
        else:
            made ^= values.astype(np.uint64)
        made *= _PRIME
        made ^= made >> _HALF
    made *= _PRIME
    made ^= made >> _HALF
    made *= _PRIME
    return made
