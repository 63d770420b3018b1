"""What goes over the partitions of a dataset, or the fits of a training: this process, or any number of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import DataError
from riskloop.learn.candidates.candidate import Candidate, Fitting
from riskloop.learn.threads import considerate_threads, cores

Item = TypeVar("Item")
Result = TypeVar("Result")
Rows = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""A matrix, shape (n, p), and outcomes, shape (n,)."""


class Engine(Protocol):
    """Does the same work for each of many items.

    An implementation may do an item twice, or at the same time in two places, where a worker dies or is thought dead:
    the work itself sees to it that this changes nothing. It hands over each result once, holds few of them, and lets an
    error of the work out as it is.

    Attributes
    ----------
    shared : bool
        Whether the work is done on other machines, which see only what lies in shared places.
    size : int
        How many items are done at a time.
    """

    @property
    def shared(self) -> bool: ...

    @property
    def size(self) -> int: ...

    def each(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """The position of every item and what the work made of it, as they are done, in any order.

        Parameters
        ----------
        work : callable
            A function of a module, or a `functools.partial` of one: it is sent by its name.
        items : sequence
            Small: they are sent.
        """
        ...

    def boost(self, candidate: Candidate, told: Fitting, load: Callable[[Item], Rows], items: Sequence[Item]) -> Any:
        """One booster of LightGBM or XGBoost, fitted to the rows of all items together, as the library gives it.

        Rows are where they were loaded, and never all in one place where there are several workers.

        Parameters
        ----------
        candidate : Candidate
        told : Fitting
            All but the rows, of which it holds none.
        load : callable
            Gives the matrix of an item, float, shape (n, p), and its outcomes, bool, shape (n,). Sent by its name.
        items : sequence

        Raises
        ------
        DataError
            If there are no rows.
        """
        ...


def nothing_to_learn() -> DataError:
    """That no partition has a row to learn from."""
    return DataError("No row is left to learn from.", next_step="give more rows, or a smaller training.test_share")


class Local:
    """Everything here, one after the other."""

    shared = False
    size = 1

    def each(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """See `Engine.each`; in order."""
        for place, item in enumerate(items):
            yield place, work(item)

    def boost(self, candidate: Candidate, told: Fitting, load: Callable[[Item], Rows], items: Sequence[Item]) -> Any:
        """See `Engine.boost`; the matrix of all rows is in memory."""
        loaded = [load(item) for item in items]
        outcome = np.concatenate([outcome for _, outcome in loaded]) if loaded else np.zeros(0, dtype=bool)
        if not len(outcome):
            raise nothing_to_learn()
        matrix = np.concatenate([matrix for matrix, _ in loaded])
        del loaded
        with considerate_threads():
            return candidate.fit(replace(told, matrix=matrix, outcome=outcome, threads=cores()))
