"""Optimal binning: the bins of a number or category that tell most about the outcome, and their weight of evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.encoding import Block

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Trend = Literal["increasing", "decreasing", "peak", "valley", "auto", "free"]
"""How the risk may run over the bins: one way, up and then down, down and then up, the better of these, or anyhow."""

PREBINS = 30
"""Finest bins to choose from: quantiles of a number, or the most frequent levels of a category."""
FEWEST = 30
"""Rows below which missing values are neutral, and a level is pooled with the other rare ones."""
RARE = 0.01
"""Share of the rows below which a level is pooled, too."""
_SMOOTHING = 1.0
_GAIN = 1e-12

_RUNS: dict[str, tuple[tuple[int, ...], ...]] = {
    "increasing": ((1,),),
    "decreasing": ((-1,),),
    "peak": ((1, -1),),
    "valley": ((-1, 1),),
    "auto": ((1, -1), (-1, 1)),
    "free": ((0,),),
}
"""The directions a trend takes one after the other; a later one need not come."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bins must hold to: at most so many, each with a share of the rows and with both outcomes.

    Attributes
    ----------
    max_bins : int
        Missing values are a bin of their own beside these.
    min_share : float
        Smallest share of the rows whose value is present.
    min_events : int
        Fewest positives, and fewest negatives.
    min_errors: float
        Standard errors by which the weights of neighbours differ at least; 1.64 is one-sided 5 %.
    """

    max_bins: int = 6
    min_share: float = 0.05
    min_events: int = 5
    min_errors: float = 1.64


class Average(NamedTuple):
    """Rows and positives of the whole table, missing values included."""

    rows: float
    events: float


def weight_of_evidence(rows: Any, events: Any, average: Average, smoothing: float = _SMOOTHING) -> Any:
    """Log-odds of groups relative to the table's: positive where the risk is above average.

    It is ``ln(share of the positives / share of the negatives)``, the sign in which the model counts; many scorecards
    print its negative. `smoothing` rows of average risk are added to each group (m-estimate), so that it is finite
    where a group has one outcome only, and 0 where it has no rows.
    """
    prior = average.events / average.rows if average.rows else 0.0
    if not 0 < prior < 1:
        return np.zeros(np.shape(rows))
    rate = (events + smoothing * prior) / (rows + smoothing)
    return np.log(rate / (1 - rate)) - np.log(prior / (1 - prior))


def optimal_bins(
    rows: NDArray[np.int64],
    events: NDArray[np.int64],
    *,
    trend: Trend = "auto",
    limits: Limits | None = None,
    average: Average | None = None,
) -> list[int]:
    """Join neighbouring pre-bins so that the information value is greatest: exact, by dynamic programming.

    Parameters
    ----------
    rows, events : int array, shape (k,)
        Rows and positives of each pre-bin, in order.
    trend : Trend
        Which way the weights of evidence may run; it is kept by the values that serve, not by the raw rates.
    limits : Limits, optional
    average : Average, optional
        Of the whole table, where it has more rows than these.

    Returns
    -------
    list of int
        The first pre-bin of every bin, beginning with 0. One bin where the limits allow no more; of equal partitions,
        one with the fewest bins.
    """
    limits = limits or Limits()
    segments = _segments(rows, events, limits, average or Average(float(rows.sum()), float(events.sum())))
    best = max((_best_run(segments, run, limits.max_bins) for run in _RUNS[trend]), key=lambda found: found[0])
    return best[1]


class _Segments(NamedTuple):
    """Every run of pre-bins i to j - 1, at [i, j], by information value (-inf if it is no bin); and the difference in
    weight of evidence from bin (h, i) to bin (i, j), at [h, i, j] (NaN if they may not be neighbours)."""

    value: FloatArray
    step: FloatArray


def _segments(rows: NDArray[np.int64], events: NDArray[np.int64], limits: Limits, average: Average) -> _Segments:
    inside = np.triu(np.ones((len(rows) + 1, len(rows) + 1), dtype=bool), k=1)
    count, bad = (np.where(inside, _spans(one), 0) for one in (rows, events))
    good = count - bad
    evidence = weight_of_evidence(count, bad, average)
    negatives = average.rows - average.events
    value = (bad / max(average.events, 1.0) - good / max(negatives, 1.0)) * evidence
    allowed = inside & (count >= limits.min_share * rows.sum()) & (np.minimum(bad, good) >= limits.min_events)
    step = evidence[None, :, :] - evidence[:, :, None]
    error = _error(good, bad)
    clear = np.abs(step) >= limits.min_errors * np.sqrt(error[None, :, :] + error[:, :, None])
    return _Segments(np.where(allowed, value, -np.inf), np.where(clear, step, np.nan))


def _error(good: NDArray[np.int64], bad: NDArray[np.int64]) -> FloatArray:
    """Squared standard error of a log-odds, half a row added to either count (Haldane, 1956)."""
    return np.asarray(1 / (good + 0.5) + 1 / (bad + 0.5))


def _spans(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    total = np.r_[0, np.cumsum(counts)]
    return np.asarray(total[None, :] - total[:, None])


def _best_run(segments: _Segments, run: tuple[int, ...], max_bins: int) -> tuple[float, list[int]]:
    """Information value and starts of the best partition whose weights take the directions of `run` in turn.

    State: the last segment, at [phase, i, j]; to extend a partition by a bin needs no more than that.
    """
    last = segments.value.shape[0] - 1
    state = np.full((len(run), *segments.value.shape), -np.inf)
    state[0, 0] = segments.value[0]
    best, starts = float(state[0, 0, last]), [0]
    trail: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    for _ in range(1, max_bins):
        state, came = _extended(state, segments, run)
        trail.append(came)
        phase, start = np.unravel_index(int(np.argmax(state[:, :, last])), state.shape[:2])
        if state[phase, start, last] > best + _GAIN:
            best = float(state[phase, start, last])
            starts = _walk_back(trail, int(phase), int(start), last)
    return best, starts


def _extended(
    state: FloatArray, segments: _Segments, run: Sequence[int]
) -> tuple[FloatArray, tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """One more bin: the new state, and for each [phase, i, j] the phase and start h of the bin before."""
    longer = np.full(state.shape, -np.inf)
    phases, starts = np.zeros(state.shape, dtype=np.intp), np.zeros(state.shape, dtype=np.intp)
    for phase, direction in enumerate(run):
        for before in range(max(0, phase - 1), phase + 1):
            reached = np.where(direction * segments.step >= 0, state[before][:, :, None], -np.inf)
            start = reached.argmax(axis=0)
            total = np.take_along_axis(reached, start[None], axis=0)[0] + segments.value
            better = total > longer[phase]
            longer[phase][better], phases[phase][better], starts[phase][better] = total[better], before, start[better]
    return longer, (phases, starts)


def _walk_back(
    trail: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]], phase: int, start: int, stop: int
) -> list[int]:
    found = [start]
    for phases, starts in reversed(trail):
        phase, start, stop = int(phases[phase, start, stop]), int(starts[phase, start, stop]), start
        found.append(start)
    return found[::-1]


def bin_number(
    source: str,
    values: FloatArray,
    outcome: BoolArray,
    *,
    trend: Trend = "auto",
    limits: Limits | None = None,
    formula: str | None = None,
) -> Block:
    """The optimal bins of a number, as a block of their weights of evidence.

    Parameters
    ----------
    source : str
        Name of the column or derived feature.
    values : float array, shape (n,)
        Missing is NaN: a bin of its own, outside the trend, neutral if it has fewer than `FEWEST` rows.
    outcome : bool array, shape (n,)
    trend : Trend
    limits : Limits, optional
    formula : str, optional
        Of a derived feature.
    """
    missing = np.isnan(values)
    average = Average(len(outcome), float(outcome.sum()))
    fine = _prebin_edges(values[~missing])
    rows, events = _count(np.searchsorted(fine, values[~missing], side="right"), outcome[~missing], len(fine) + 1)
    starts = optimal_bins(rows, events, trend=trend, limits=limits, average=average)
    evidence = weight_of_evidence(np.add.reduceat(rows, starts), np.add.reduceat(events, starts), average)
    edges = fine[np.array(starts[1:], dtype=np.intp) - 1]
    absent = _sure_evidence(int(missing.sum()), int(outcome[missing].sum()), average)
    return Block(source, "bins", formula, edges=tuple(edges.tolist()), values=tuple(evidence.tolist()), absent=absent)


def _prebin_edges(present: FloatArray) -> FloatArray:
    """Values of the table at which a new pre-bin begins: each distinct one where they are few, else quantiles."""
    distinct = np.unique(present)
    if len(distinct) > PREBINS:
        distinct = np.unique(np.quantile(present, np.linspace(0, 1, PREBINS + 1)[:-1], method="inverted_cdf"))
    return distinct[1:]


def bin_category(
    source: str,
    codes: NDArray[np.int32],
    levels: tuple[str, ...],
    outcome: BoolArray,
    *,
    limits: Limits | None = None,
) -> Block:
    """The optimal groups of levels, as a block of their weights of evidence.

    Rare levels are pooled with unknown ones; the pool and the frequent levels are sorted by their weight of evidence
    and joined like the pre-bins of a number. Parameters as of `bin_number`.
    """
    average = Average(len(outcome), float(outcome.sum()))
    rows, events = _count(np.minimum(codes, len(levels)) + 1, outcome, len(levels) + 2)
    member = _pooled(rows[1:])
    size = int(member.max()) + 1
    rows_of = np.bincount(member, rows[1:], size).astype(np.int64)
    events_of = np.bincount(member, events[1:], size).astype(np.int64)
    order = np.argsort(weight_of_evidence(rows_of, events_of, average), kind="stable")
    starts = optimal_bins(rows_of[order], events_of[order], trend="free", limits=limits, average=average)
    evidence = weight_of_evidence(
        np.add.reduceat(rows_of[order], starts), np.add.reduceat(events_of[order], starts), average
    )
    evidence = np.repeat(evidence, np.diff([*starts, size]))
    values = evidence[np.argsort(order)][member].tolist()
    absent = _sure_evidence(int(rows[0]), int(events[0]), average)
    return Block(source, "table", levels=levels, values=tuple(values[:-1]), absent=absent, other=values[-1])


def _pooled(rows: NDArray[np.int64]) -> NDArray[np.intp]:
    """A group number per level, 0 for the pool: of the rare, of those beyond the most frequent, and the unknown."""
    frequent = rows >= max(FEWEST, RARE * rows.sum())
    frequent[-1] = False
    ranked = np.argsort(-rows, kind="stable")
    frequent[[level for level in ranked if frequent[level]][PREBINS - 1 :]] = False
    return np.where(frequent, np.cumsum(frequent), 0)


def _sure_evidence(rows: int, events: int, average: Average) -> float:
    return float(weight_of_evidence(rows, events, average)) if rows >= FEWEST else 0.0


def _count(group: NDArray[Any], outcome: BoolArray, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and positives of each group."""
    return np.bincount(group, minlength=size), np.bincount(group[outcome], minlength=size)
