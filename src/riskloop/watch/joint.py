"""Pairs of columns, counted in coarse cells: whether they hang together as they did, whatever their own shares do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import FloatArray
from riskloop.data.contract import Columns, Contract
from riskloop.watch.distances import benjamini_hochberg
from riskloop.watch.thresholds import Thresholds

CELLS = 5
MOST_COLUMNS = 20
SAMPLE = 65_536
"""Rows of one part that are counted, evenly spaced: pairs need fewer than columns."""

_NONE = np.empty((0, 0), dtype=np.float32)
_ROUNDS = 40
_LEAST = 2.0


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows by the cells of two columns at a time, for all pairs of some columns.

    Attributes
    ----------
    cuts : dict of str to array
        Of a number, up to 4 rising quantiles of the reference, float; of a category, the cell of every level, int: the
        4 commonest have their own, the others share the last.
    counts : int array, shape (pairs, 25)
        Pairs as `itertools.combinations` orders the columns; rows that lack one of the two are in no cell.
    """

    cuts: dict[str, NDArray[Any]]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, contract: Contract, columns: Columns, important: Sequence[str] = ()) -> Pairs:
        """A reference: of the columns that matter most, as many as are counted."""
        read = {column.name: column for column in contract.read}
        names = [name for name in dict.fromkeys((*important, *contract.features)) if name in read][:MOST_COLUMNS]
        cuts = {name: _cuts(columns[name], len(read[name].levels)) for name in names}
        bare = cls(cuts, np.zeros((len(names) * (len(names) - 1) // 2, CELLS * CELLS), dtype=np.int64))
        return bare.measure(columns)

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        return tuple(combinations(self.cuts, 2))

    def measure(self, columns: Columns) -> Pairs:
        """Other rows in the same cells; of many, an even sample."""
        rows = len(next(iter(columns.values()))) if columns else 0
        step = max(1, -(-rows // SAMPLE))
        ones = np.concatenate([_ones(columns[name][::step], cut) for name, cut in self.cuts.items()] or [_NONE])
        together = np.rint(ones @ ones.T).astype(np.int64) if len(self.cuts) > 1 else np.zeros((0, 0), dtype=np.int64)
        made = [
            together[CELLS * a : CELLS * (a + 1), CELLS * b : CELLS * (b + 1)].ravel()
            for a, b in combinations(range(len(self.cuts)), 2)
        ]
        return replace(self, counts=np.array(made, dtype=np.int64).reshape(self.counts.shape))

    def __add__(self, other: Pairs) -> Pairs:
        return replace(self, counts=self.counts + other.counts)

    def alike(self, other: Pairs) -> bool:
        """Whether both count the same cells."""
        return self.cuts.keys() == other.cuts.keys() and all(
            np.array_equal(cut, other.cuts[name]) for name, cut in self.cuts.items()
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the order of the columns is kept, whoever sorts keys."""
        cuts = [{"name": name, "int": cut.dtype.kind == "i", "cuts": cut.tolist()} for name, cut in self.cuts.items()]
        return {"columns": cuts, "counts": self.counts.tolist()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Pairs:
        """Inverse of `to_dict`."""
        kinds = {True: np.int64, False: np.float64}
        cuts = {one["name"]: np.array(one["cuts"], dtype=kinds[one["int"]]) for one in fields["columns"]}
        return cls(cuts, np.array(fields["counts"], dtype=np.int64).reshape(-1, CELLS * CELLS))


def _cuts(values: NDArray[Any], levels: int) -> NDArray[Any]:
    if values.dtype.kind == "f":
        present = values[~np.isnan(values)]
        return np.unique(np.quantile(present, [0.2, 0.4, 0.6, 0.8])) if len(present) else np.empty(0)
    counts = np.bincount(values[values >= 0], minlength=levels)[:levels]
    cells = np.full(levels, CELLS - 1, dtype=np.int64)
    common = np.argsort(-counts, kind="stable")[: CELLS - 1]
    cells[common] = np.arange(len(common))
    return cells


def _ones(values: NDArray[Any], cut: NDArray[Any]) -> NDArray[np.float32]:
    """Which cell each row is in, shape (5, n); a row without a value is in none."""
    if values.dtype.kind == "f":
        cells = np.searchsorted(cut, values, side="left")
        cells[np.isnan(values)] = CELLS
    else:
        table = np.append(cut, [CELLS - 1, CELLS])  # a level that is not known, no value
        cells = table[np.where(values < 0, len(table) - 1, np.minimum(values, len(cut)))]
    return np.asarray(cells == np.arange(CELLS)[:, None], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class PairDrift:
    """How the dependence of two columns changed, beyond what each did alone.

    Attributes
    ----------
    names : (str, str)
    p_value, adjusted : float
        Of no change; after Benjamini and Hochberg over the pairs.
    effect : float
        About a small change of the correlation, for columns that are jointly normal; above what chance makes.
    before, now : float
        Correlation of the cells, where both are numbers in order; NaN where one is a category.
    moved : bool
    """

    names: tuple[str, str]
    p_value: float
    adjusted: float
    effect: float
    before: float
    now: float
    moved: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = {"p_value": self.p_value, "adjusted": self.adjusted, "effect": self.effect, "moved": self.moved}
        ends = {name: None if math.isnan(at) else at for name, at in (("before", self.before), ("now", self.now))}
        return {"names": list(self.names), **told, **ends}


def pairs_drift(
    reference: Pairs, current: Pairs, thresholds: Thresholds, inflation: FloatArray | None = None
) -> tuple[PairDrift, ...]:
    """Compare the dependence of every pair, the most changed first.

    A pair has moved if the odds ratios of its cells differ significantly between the two samples, and far enough.

    Parameters
    ----------
    inflation : float array, shape (pairs,), optional
        By how much days make the rows of one pair more alike than independent ones, at least 1.

    Notes
    -----
    The model without an interaction of the two columns and the sample keeps the margins of each sample and the
    dependence of both together (fitted by iterated proportions: Deming and Stephan, 1940). Pearson's statistic of it
    has 16 degrees of freedom for 5 by 5 cells. Cells that expect fewer than 2 rows are counted as one, with no degree
    of freedom taken away for it beyond those cells: on the safe side.
    """
    from scipy.special import chdtrc

    if not len(reference.counts):
        return ()
    tables = np.stack([reference.counts, current.counts], axis=1).reshape(-1, 2, CELLS, CELLS).astype(np.float64)
    statistic, freedom = _interaction(tables)
    sizes = tables.sum(axis=(2, 3))
    apart = statistic if inflation is None else statistic / inflation
    p_values = np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), apart), 1.0)
    adjusted = benjamini_hochberg(p_values)
    harmonic = sizes[:, 0] * sizes[:, 1] / np.maximum(sizes.sum(axis=1), 1)
    by_chance = freedom if inflation is None else freedom * inflation
    effect = np.sqrt(np.maximum(0.0, statistic - by_chance) / np.maximum(harmonic, 1))
    enough = sizes[:, 1] >= thresholds.rows
    moved = (adjusted <= thresholds.level) & (effect >= thresholds.moved_pair) & enough
    both = [_correlation(tables[:, sample]) for sample in (0, 1)]
    ordered = [all(reference.cuts[name].dtype.kind == "f" for name in pair) for pair in reference.names]
    found = [
        PairDrift(
            names=pair,
            p_value=float(p_values[at]),
            adjusted=float(adjusted[at]),
            effect=float(effect[at]),
            before=float(both[0][at]) if ordered[at] else math.nan,
            now=float(both[1][at]) if ordered[at] else math.nan,
            moved=bool(moved[at]),
        )
        for at, pair in enumerate(reference.names)
    ]
    return tuple(sorted(found, key=lambda one: (not one.moved, -one.effect)))


def _interaction(tables: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Statistic and degrees of freedom of every pair, shape (pairs,); ``tables`` is (pairs, 2, 5, 5)."""
    expected = _without_interaction(tables)
    smallest = expected.min(axis=1)
    rare = (smallest < _LEAST)[:, None] & np.ones((1, 2, 1, 1), dtype=bool)
    terms = np.where(rare, 0.0, (tables - expected) ** 2 / np.where(rare, 1.0, expected))
    statistic = terms.sum(axis=(1, 2, 3))
    rest = [np.where(rare, one, 0.0).sum(axis=(2, 3)) for one in (tables, expected)]
    enough = rest[1].min(axis=1) >= _LEAST
    remainder = ((rest[0] - rest[1]) ** 2 / np.maximum(rest[1], _LEAST)).sum(axis=1)
    statistic = statistic + np.where(enough, remainder, 0.0)
    cells = (~rare[:, 0]).sum(axis=(1, 2)) + enough
    rows = (tables.sum(axis=(1, 3)) > 0).sum(axis=1)
    columns = (tables.sum(axis=(1, 2)) > 0).sum(axis=1)
    freedom = np.minimum((rows - 1) * (columns - 1), cells - 1).clip(0)
    return statistic, freedom.astype(np.float64)


def _without_interaction(tables: FloatArray) -> FloatArray:
    """Expected rows where both samples have the same odds ratios."""
    fitted = np.ones_like(tables)
    margins = [(axis, tables.sum(axis=axis, keepdims=True)) for axis in (1, 2, 3)]
    for _ in range(_ROUNDS):
        for axis, wanted in margins:
            has = fitted.sum(axis=axis, keepdims=True)
            fitted = fitted * np.where(has > 0, wanted / np.where(has > 0, has, 1.0), 0.0)
    return fitted


def _correlation(tables: FloatArray) -> FloatArray:
    """Of the numbers of the cells, shape (pairs,); NaN where one column has one cell only."""
    total = np.maximum(tables.sum(axis=(1, 2)), 1)
    place = np.arange(CELLS)
    rows, columns = tables.sum(axis=2) / total[:, None], tables.sum(axis=1) / total[:, None]
    first, second = rows @ place, columns @ place
    spread = (rows @ place**2 - first**2) * (columns @ place**2 - second**2)
    product = np.einsum("pij,i,j->p", tables, place, place) / total - first * second
    return np.where(spread > 0, product / np.sqrt(np.where(spread > 0, spread, 1.0)), np.nan)
