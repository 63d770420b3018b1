"""The scorecard: a logistic regression on weights of evidence, written as points that can be added by hand."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Column, Columns, Contract
from riskloop.errors import ConfigError
from riskloop.learn import points_sql
from riskloop.learn.logistic import bounded_logistic
from riskloop.scorer.encoding import Block, Encoding
from riskloop.scorer.linear import Linear

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def fit_scorecard_model(
    matrix: FloatArray, outcome: NDArray[Any], *, penalty: float = 1.0, weight: FloatArray | None = None
) -> Linear:
    """Logistic regression whose coefficients are not negative.

    Weights of evidence rise with the risk, so a negative coefficient would turn what a column says about itself
    around: a suppressor, which no reader of points believes. The likelihood is maximised with every coefficient at
    least 0 (a convex problem with one optimum, whatever the order of the columns); columns that would contradict end
    at exactly 0 and carry no points.

    Parameters
    ----------
    matrix : float array, shape (n, p)
        Weights of evidence, as the style ``woe`` makes them.
    outcome : array, shape (n,)
        Bool, or probabilities.
    penalty : float
        Of half the squared coefficients, in log-likelihood: 1 is what scikit-learn calls C = 1.
    weight : float array, shape (n,), optional
    """
    return bounded_logistic(matrix, outcome, [1] * matrix.shape[1], penalty=penalty, weight=weight)


@dataclass(frozen=True, slots=True)
class PointsRow:
    """One bin of one feature.

    Attributes
    ----------
    feature, bin : str
        ``[18, 25)``, ``missing`` or ``A, B, other`` (other: levels the contract does not know).
    share, bad_rate : float or None
        Share of the rows in this bin, and share of positives among them; None where no rows were given, or none came.
    woe : float
        Weight of evidence: positive is riskier than average.
    points : int
    """

    feature: str
    bin: str
    share: float | None
    bad_rate: float | None
    woe: float
    points: int


@dataclass(frozen=True)
class PointsTable:
    """A scorecard as points: one row per feature applies, and their points are added.

    The total falls as the risk rises: ``total = base - pdo / ln 2 * (ln(odds) + m)``, up to the rounding of each row
    to whole points, where ``m`` is the model's log-odds of the risk before calibration. ``base`` points mean ``odds``
    goods to one bad, and every ``pdo`` points more double these odds (Siddiqi, 2006).

    Attributes
    ----------
    rows : tuple of PointsRow
        Features that carry no points are left out.
    contract : Contract
    encoding : Encoding
        The model's own, with points in place of weights of evidence.
    constant : int
        Points that everyone has; 0 unless no feature carries any.
    base, odds, pdo : float
    """

    rows: tuple[PointsRow, ...]
    contract: Contract
    encoding: Encoding
    constant: int
    base: float
    odds: float
    pdo: float

    def score(self, columns: Columns) -> FloatArray:
        """Total points of decoded columns, shape (n,): whole numbers."""
        return np.asarray(self.encoding.matrix(columns).sum(axis=1) + self.constant)

    def log_odds(self, score: FloatArray) -> FloatArray:
        """The model's log-odds of the risk, shape (n,), that total points stand for."""
        return np.asarray((self.base - score) * math.log(2) / self.pdo - math.log(self.odds))

    def to_csv(self) -> str:
        """The rows under a heading; a cell is empty where there was nothing to count."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([item.name for item in fields(PointsRow)])
        for row in self.rows:
            writer.writerow(["" if value is None else value for value in astuple(row)])
        return text.getvalue()

    def to_sql(self, table: str) -> str:
        """A SELECT that gives every row of a table its points as ``score``; see `riskloop.learn.points_sql`."""
        return points_sql.select(self.encoding, self.contract, self.constant, table)


def points_table(
    contract: Contract,
    encoding: Encoding,
    model: Linear,
    columns: Columns | None = None,
    outcome: BoolArray | None = None,
    base: float = 600,
    odds: float = 50,
    pdo: float = 20,
) -> PointsTable:
    """Write a scorecard as points.

    Parameters
    ----------
    contract : Contract
    encoding : Encoding
        Of the style ``woe``.
    model : Linear
        Fitted to its matrix.
    columns : Columns, optional
        Decoded rows to count, arrays of shape (n,).
    outcome : bool array, shape (n,), optional
        Their outcome, for the bad rates.
    base, odds, pdo : float
        Points at ``odds`` goods to one bad, and points that double the odds.

    Raises
    ------
    ConfigError
        If the encoding is not one of weights of evidence, or the scale makes no sense.
    """
    if not all(block.kind in ("bins", "table") for block in encoding.blocks):
        raise _refused("Points need an encoding of weights of evidence.", "fit it with the style `woe`")
    if not (math.isfinite(base) and 0 < odds < math.inf and 0 < pdo < math.inf):
        raise _refused("Odds, and points to double them, are positive numbers.", "use for example 600, 50 and 20")
    weights = [
        (block, float(weight)) for block, weight in zip(encoding.blocks, model.coefficients, strict=True) if weight
    ]
    factor = pdo / math.log(2)
    offset = base - factor * (math.log(odds) + model.intercept)
    points = [_in_points(block, offset / len(weights), -factor * weight) for block, weight in weights]
    rows = [
        row
        for (block, _), scored in zip(weights, points, strict=True)
        for row in _rows(block, scored, contract, _counts(block, columns, outcome))
    ]
    constant = 0 if points else round(offset)
    return PointsTable(tuple(rows), contract, Encoding(tuple(points)), constant, base, odds, pdo)


def _refused(message: str, step: str) -> ConfigError:
    return ConfigError(message, where="scorecard", next_step=step)


def _in_points(block: Block, share: float, slope: float) -> Block:
    """The block with whole points in place of weights of evidence; each feature has its share of the offset."""
    values = tuple(float(round(share + slope * value)) for value in block.values)
    absent, other = (float(round(share + slope * value)) for value in (block.absent, block.other))
    return replace(block, values=values, absent=absent, other=other if block.kind == "table" else 0.0)


Counts = tuple[NDArray[np.int64], NDArray[np.int64] | None] | None
"""Rows, and positives where the outcome is known, of every cell: missing, each value, and unknown."""


def _counts(block: Block, columns: Columns | None, outcome: BoolArray | None) -> Counts:
    if columns is None:
        return None
    if block.kind == "bins":
        values = block.formula.evaluate(columns) if block.formula else columns[block.source]
        cell = np.where(np.isnan(values), 0, np.searchsorted(block.edges, values, side="right") + 1)
    else:
        cell = np.minimum(columns[block.source], len(block.levels)).astype(np.int64) + 1
    size = len(block.values) + 2
    return np.bincount(cell, minlength=size), None if outcome is None else np.bincount(cell[outcome], minlength=size)


def _rows(block: Block, points: Block, contract: Contract, counts: Counts) -> Iterator[PointsRow]:
    evidence, scored = ((one.absent, *one.values, one.other) for one in (block, points))
    for text, cells in _groups(block, None if block.formula else contract.by_name[block.source]):
        share, rate = _share_and_rate(counts, cells)
        yield PointsRow(block.source, text, share, rate, evidence[cells[0]], int(scored[cells[0]]))


def _groups(block: Block, column: Column | None) -> Iterator[tuple[str, list[int]]]:
    """Each row's text and cells; levels of one weight of evidence share a row."""
    if block.kind == "bins":
        limits = ["(-inf", *(f"[{shown(edge)}" for edge in block.edges)], [*map(shown, block.edges), "inf"]
        yield from ((f"{lower}, {upper})", [cell]) for cell, (lower, upper) in enumerate(zip(*limits, strict=True), 1))
    else:
        names = [*block.levels, *(["other"] if column and column.unknown == "bin" else [])]
        together: dict[float, list[int]] = {}
        for cell, value in zip(range(1, len(names) + 1), (*block.values, block.other), strict=False):
            together.setdefault(value, []).append(cell)
        for value in sorted(together):
            yield ", ".join(names[cell - 1] for cell in together[value]), together[value]
    if column is None or column.nullable:
        yield "missing", [0]


def _share_and_rate(counts: Counts, cells: list[int]) -> tuple[float | None, float | None]:
    if counts is None:
        return None, None
    rows, events = counts
    here = int(rows[cells].sum())
    rate = float(events[cells].sum()) / here if events is not None and here else None
    return here / max(int(rows.sum()), 1), rate


def shown(number: float) -> str:
    """The shortest text that reads back as the number."""
    return repr(number).removesuffix(".0")
