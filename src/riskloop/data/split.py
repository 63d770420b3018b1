"""The split: a training block, and a test block that is read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import DataError

IntArray = NDArray[np.int64]
SplitKind = Literal["random", "time", "row_order"]
_FEWEST_PER_STRETCH = 10
"""Rows of the rarer outcome below which a stretch of time says nothing about a model."""


@dataclass(frozen=True)
class Split:
    """Positions of the rows of each block, and how they were chosen."""

    train: IntArray
    test: IntArray
    kind: SplitKind


def split(
    outcome: NDArray[np.bool_],
    *,
    test_share: float,
    seed: int,
    groups: IntArray | None = None,
    time: NDArray[np.float64] | None = None,
    embargo: float = 0.0,
    kind: SplitKind = "random",
) -> Split:
    """Split rows into blocks.

    Parameters
    ----------
    outcome : bool array, shape (n,)
    test_share : float
        Share of the rows in the test block.
    seed : int
    groups : int array, shape (n,), optional
        Rows of one group (one customer, or identical rows) stay on one side.
    time : float array, shape (n,), optional
        Event time in seconds, for ``kind="time"``.
    embargo : float
        Seconds before the test block that belong to neither block, for ``kind="time"``.
    kind : {"random", "time", "row_order"}
        Stratified at random; or the latest rows, by time or by their order in the table, become the test block.

    Raises
    ------
    DataError
        If a block would lack one of the outcomes, or there is no time to split by.
    """
    groups = np.arange(len(outcome)) if groups is None else groups
    where = f"training.split: {kind}"
    if kind == "random":
        test = _random(outcome, groups, test_share, seed)
        train = ~test
    elif kind == "row_order":
        train, test = _latest(np.arange(len(outcome), dtype=np.float64), groups, test_share, 0.0)
    elif time is None:
        raise DataError("A split by time needs an event time.", where=where, next_step="name it in problem.time")
    else:
        train, test = _latest(time, groups, test_share, embargo)
    for name, block in (("training", train), ("test", test)):
        if not block.any() or outcome[block].all() or not outcome[block].any():
            held = "one outcome only" if block.any() else "no rows"
            raise DataError(
                f"The {name} block would hold {held}.",
                where=where,
                next_step="choose another split, a shorter embargo or another test_share, or gather more rows",
            )
    return Split(np.flatnonzero(train), np.flatnonzero(test), kind)


def _random(outcome: NDArray[np.bool_], groups: IntArray, share: float, seed: int) -> NDArray[np.bool_]:
    """Whole groups, stratified by whether a group has a positive."""
    labels, member = np.unique(groups, return_inverse=True)
    positive = np.zeros(len(labels), dtype=bool)
    np.logical_or.at(positive, member, outcome)
    sizes = np.bincount(member)
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=bool)
    for stratum in (np.flatnonzero(positive), np.flatnonzero(~positive)):
        order = rng.permutation(stratum)
        before = np.cumsum(sizes[order]) - sizes[order]
        chosen[order[before < round(share * sizes[stratum].sum())]] = True
    return chosen[member]


def _latest(
    when: NDArray[np.float64], groups: IntArray, share: float, embargo: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The latest rows are the test block; a customer seen there does not train."""
    start = np.sort(when)[int(np.floor(len(when) * (1 - share)))]
    test = when >= start
    train = (when < start - embargo) & ~np.isin(groups, np.unique(groups[test]))
    return train, test


def folds(outcome: NDArray[np.bool_], groups: IntArray, *, count: int, seed: int) -> NDArray[np.int8]:
    """Fold number of every row, shape (n,): stratified, groups kept whole."""
    labels, member = np.unique(groups, return_inverse=True)
    positive = np.zeros(len(labels), dtype=bool)
    np.logical_or.at(positive, member, outcome)
    rng = np.random.default_rng(seed)
    fold = np.empty(len(labels), dtype=np.int8)
    for stratum in (np.flatnonzero(positive), np.flatnonzero(~positive)):
        fold[rng.permutation(stratum)] = np.arange(len(stratum)) % count
    return fold[member]


@dataclass(frozen=True)
class Folds:
    """Which rows are held out when, and what their judges learn from.

    Attributes
    ----------
    held_out : int8 array, shape (n,)
        Number of the fold in which a row is held out; -1 where it only trains.
    trains : tuple of bool array, shape (n,)
        For each fold the rows that train.
    """

    held_out: NDArray[np.int8]
    trains: tuple[NDArray[np.bool_], ...]


def rolling_folds(
    outcome: NDArray[np.bool_], groups: IntArray, order: NDArray[np.float64], *, count: int, embargo: float = 0.0
) -> Folds:
    """Folds that roll forward in time: each is judged by a model of its own past (Tashman, 2000).

    The rows are cut into ``count + 1`` stretches of equal size; the first only trains. Rows of one instant stay
    together, and a group seen in a fold does not train for it. A stretch whose past or present holds too few of either
    outcome is not judged, and trains those after it.

    Parameters
    ----------
    outcome : bool array, shape (n,)
    groups : int array, shape (n,)
    order : float array, shape (n,)
        Event time in seconds, or the number of the row.
    count : int
        Folds, at most.
    embargo : float
        Seconds before a fold that do not train for it.

    Raises
    ------
    DataError
        If no stretch can be judged.
    """
    cuts = np.quantile(order, np.arange(1, count + 1) / (count + 1), method="higher")
    stretch = np.searchsorted(np.unique(cuts), order, side="right")
    held_out = np.full(len(order), -1, dtype=np.int8)
    trains: list[NDArray[np.bool_]] = []
    for number in range(1, int(stretch.max()) + 1):
        now = stretch == number
        past = (order < order[now].min() - embargo) & ~np.isin(groups, groups[now])
        if min(_rarer(outcome[now]), _rarer(outcome[past])) >= _FEWEST_PER_STRETCH:
            held_out[now] = len(trains)
            trains.append(past)
    if not trains:
        raise DataError(
            "No stretch of time has enough rows of both outcomes, before it and in it, to judge a model.",
            where="training.folds",
            next_step="set fewer folds or a shorter embargo, or gather more rows",
        )
    return Folds(held_out, tuple(trains))


def _rarer(outcome: NDArray[np.bool_]) -> int:
    return int(min(outcome.sum(), (~outcome).sum()))
