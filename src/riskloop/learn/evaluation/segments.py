"""Weak segments: groups of customers on whom the model does significantly worse than elsewhere."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Column, Columns, Contract
from riskloop.data.dates import text_of
from riskloop.learn.evaluation.metrics import log_loss
from riskloop.learn.evaluation.ranking import Ranking, ratio

Measure = Literal["roc_auc", "log_loss", "calibration", "cost"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""All are held against what the probabilities themselves promise, so that a segment is not weak for being risky, or for
being all alike. ``roc_auc``: what is missing. ``log_loss``: what it exceeds by, in nats. ``calibration``: positives
observed per positive expected. ``cost``: what decisions cost beyond what was expected, per 1,000 customers."""

MOST_ROWS = 100_000
FEWEST_ROWS = 50
FEWEST_PER_OUTCOME = 10
LEAST_SHARE = 0.01
"""Share of the rows below which a level is not looked at."""
MOST_OVERLAP = 0.5
MOST_PAIRED = 4
"""So many features, the most important ones, are looked at in pairs."""
_LEAST_GAP = {"roc_auc": 0.02, "log_loss": 0.01, "calibration": 0.1, "cost": 0.0}
"""Gaps below are no news, however significant."""


@dataclass(frozen=True, slots=True)
class WeakSegment:
    """A group of customers, and the measure by which it is most clearly worse than the others.

    Attributes
    ----------
    name : str
        ``region = NA``, ``age up to 34``, or two of these.
    measure : str
        One of `MEASURES`.
    here, elsewhere : float
    rows, positives : int
    p_value : float
    """

    name: str
    measure: Measure
    here: float
    elsewhere: float
    rows: int
    positives: int
    p_value: float

    @property
    def gap(self) -> float:
        """How much worse than elsewhere, in the unit of the measure."""
        if self.measure == "calibration":
            return abs(self.here - 1) - abs(self.elsewhere - 1)
        return self.here - self.elsewhere

    def words(self, currency: str) -> str:
        """One sentence."""
        said = {
            "roc_auc": f"ROC-AUC falls {self.here:.3f} short of what the probabilities promise",
            "log_loss": f"log loss is {self.here:.3f} above what the probabilities promise",
            "calibration": f"{self.here:.2f} positives came for each expected",
            "cost": f"decisions cost {self.here:,.0f} {currency} per 1,000 beyond what was expected",
        }
        digits = {"roc_auc": "+.3f", "log_loss": "+.3f", "calibration": ".2f", "cost": ",.0f"}[self.measure]
        return f"{self.name} ({self.rows:,} customers): {said[self.measure]}, elsewhere {self.elsewhere:{digits}}"

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


def weak_segments(
    contract: Contract,
    columns: Columns,
    outcome: BoolArray,
    probability: FloatArray,
    excess_cost: FloatArray,
    *,
    seed: int,
    important: Sequence[str] = (),
    false_discoveries: float = 0.05,
) -> list[WeakSegment]:
    """Look for weak segments among levels, quartiles, and pairs of these for the most important features.

    Each is held against all other rows, by each measure: ROC-AUC with the standard error of Hanley and McNeil (1982),
    means with that of Welch (1947). Of all comparisons together the share of false alarms is held (Benjamini and
    Hochberg, 1995). What is mostly the same customers as a segment listed already is left out.

    Parameters
    ----------
    contract : Contract
    columns : Columns
        Decoded features, arrays of shape (n,).
    outcome : bool array, shape (n,)
    probability : float array, shape (n,)
        Of models that had not seen the row.
    excess_cost : float array, shape (n,)
        What every decision cost beyond what was expected of it.
    seed : int
        Of the rows taken where there are more than 100,000.
    important : sequence of str
        Features, the most important first.
    false_discoveries : float

    Returns
    -------
    list of WeakSegment
        The most certain first, each segment once.
    """
    rows = np.random.default_rng(seed).permutation(len(outcome))[:MOST_ROWS]
    rows = rows[np.argsort(-probability[rows], kind="stable")]
    judge = _Judge.of(outcome[rows], probability[rows], excess_cost[rows])
    members = dict(_members(contract, {name: values[rows] for name, values in columns.items()}, important))
    found = [one for name, here in members.items() for one in judge.against_the_rest(name, here)]
    return _apart(_discovered(found, false_discoveries), members)


def write_segments(path: Path, segments: Sequence[WeakSegment]) -> None:
    """Write segments as CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(WeakSegment.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(one.to_dict() for one in segments)


def _members(contract: Contract, columns: Columns, important: Sequence[str]) -> Iterator[tuple[str, BoolArray]]:
    """Every segment by name, and who belongs to it: single ones first, then pairs."""
    groups = {column.name: dict(_groups(column, columns[column.name])) for column in contract.used}
    for single in groups.values():
        yield from single.items()
    top = [groups[name] for name in important if name in groups][:MOST_PAIRED]
    for one, other in combinations(top, 2):
        for (first, here), (second, there) in product(one.items(), other.items()):
            yield f"{first}, {second}", here & there


def _groups(column: Column, values: NDArray[Any]) -> Iterator[tuple[str, BoolArray]]:
    """Levels of a category, quarters of a number, and the missing."""
    name = column.name
    if column.type == "category":
        codes, rows = np.unique(values, return_counts=True)
        for code in codes[rows >= LEAST_SHARE * len(values)].tolist():
            yield f"{name} {'is missing' if code < 0 else '= ' + (*column.levels, 'other')[code]}", values == code
        return
    yield f"{name} is missing", np.isnan(values)
    said = text_of if column.type == "date" else "{:.4g}".format
    cuts = _cuts(values[~np.isnan(values)])
    for low, high in pairwise((-math.inf, *cuts, math.inf)) if cuts else ():
        ends = (("above", low), ("up to", high))
        words = [f"{word} {said(end)}" for word, end in ends if math.isfinite(end)]
        yield f"{name} {' and '.join(words)}", (values > low) & (values <= high)


def _cuts(known: FloatArray) -> list[float]:
    """Quartiles; every value but the last where there are at most four."""
    distinct = np.unique(known)
    cuts = distinct if len(distinct) <= 4 else np.unique(np.quantile(known, (0.25, 0.5, 0.75), method="lower"))
    return [float(cut) for cut in cuts if cut < distinct[-1]]


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """Rows in falling order of their probability, and what every row adds to a measure."""

    outcome: BoolArray
    probability: FloatArray
    excess_loss: FloatArray
    excess_cost: FloatArray

    @classmethod
    def of(cls, outcome: BoolArray, probability: FloatArray, excess_cost: FloatArray) -> _Judge:
        surprise = log_loss(outcome, probability) - _entropy(probability)
        return cls(outcome, probability, surprise, excess_cost * 1000)

    def against_the_rest(self, name: str, here: BoolArray) -> list[WeakSegment]:
        """The segment by each measure, weak or not; none if it, or the rest, is too small to judge."""
        positives, rows = int(self.outcome[here].sum()), int(here.sum())
        rest_positives, rest = int(self.outcome.sum()) - positives, len(here) - rows
        smallest = min(positives, rows - positives, rest_positives, rest - rest_positives)
        if min(rows, rest) < FEWEST_ROWS or smallest < FEWEST_PER_OUTCOME:
            return []
        compared = {
            "roc_auc": self._ranking(here),
            "log_loss": _means(self.excess_loss, here),
            "calibration": self._calibration(here),
            "cost": _means(self.excess_cost, here),
        }
        return [
            WeakSegment(name, measure, value, other, rows, positives, p_value)
            for measure, (value, other, p_value) in zip(MEASURES, compared.values(), strict=True)
        ]

    def _ranking(self, here: BoolArray) -> tuple[float, float, float]:
        missing, error = _shortfall(self.outcome[here], self.probability[here])
        other, other_error = _shortfall(self.outcome[~here], self.probability[~here])
        return missing, other, _upper_tail(missing - other, math.hypot(error, other_error))

    def _calibration(self, here: BoolArray) -> tuple[float, float, float]:
        residual = self.outcome - self.probability
        _, _, above = _means(residual, here)
        ratios = [ratio(float(self.outcome[rows].sum()), float(self.probability[rows].sum())) for rows in (here, ~here)]
        return ratios[0], ratios[1], 2 * min(above, 1 - above)


def _means(values: FloatArray, here: BoolArray) -> tuple[float, float, float]:
    one, other = values[here], values[~here]
    error = math.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    return float(one.mean()), float(other.mean()), _upper_tail(float(one.mean() - other.mean()), error)


def _shortfall(outcome: BoolArray, probability: FloatArray) -> tuple[float, float]:
    """What the ROC-AUC lacks of the one that outcomes drawn from the probabilities would have, and its standard error
    (Hanley and McNeil, 1982)."""
    ranking, every = Ranking.of(outcome, probability), np.ones(len(outcome))
    counted = ranking.counted(every)
    promised = replace(ranking, positive=probability[ranking.order]).counted(every).roc_auc()
    auc, m, n = counted.roc_auc(), counted.positives, counted.negatives
    both_positive, both_negative = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (m - 1) * (both_positive - auc**2) + (n - 1) * (both_negative - auc**2)
    return promised - auc, math.sqrt(max(variance, 0.0) / (m * n))


def _upper_tail(gap: float, error: float) -> float:
    return math.erfc(gap / error / math.sqrt(2)) / 2 if error > 0 else 1.0


def _entropy(probability: FloatArray) -> FloatArray:
    inside = np.clip(probability, 1e-15, 1 - 1e-15)
    return np.asarray(-inside * np.log(inside) - (1 - inside) * np.log1p(-inside))


def _discovered(found: Sequence[WeakSegment], share: float) -> list[WeakSegment]:
    """Those that Benjamini and Hochberg let pass and whose gap is worth a word, the most certain first."""
    ranked = sorted(found, key=lambda one: (one.p_value, one.name))
    limits = [share * (place + 1) / len(ranked) for place in range(len(ranked))]
    last = max((place for place, one in enumerate(ranked) if one.p_value <= limits[place]), default=-1)
    return [one for one in ranked[: last + 1] if one.gap >= _LEAST_GAP[one.measure]]


def _apart(weak: Sequence[WeakSegment], members: Mapping[str, BoolArray]) -> list[WeakSegment]:
    """Without those who are mostly the same customers as a segment that is more certain."""
    kept: list[WeakSegment] = []
    for one in weak:
        if all(_overlap(members[one.name], members[other.name]) <= MOST_OVERLAP for other in kept):
            kept.append(one)
    return kept


def _overlap(one: BoolArray, other: BoolArray) -> float:
    """Share of the smaller group that belongs to the other, too."""
    return float((one & other).sum()) / min(int(one.sum()), int(other.sum()))
