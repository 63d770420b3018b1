"""What goes over the partitions of a dataset, or the fits of a training: this process, or any number of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


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


class Local:
    """Everything here, one after the other."""

    shared = False
    size = 1

    def each(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """See `Engine.each`; in order."""
        for place, item in enumerate(items):
            yield place, work(item)
