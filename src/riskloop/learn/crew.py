"""Who fits: threads of this process, or workers elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from riskloop.learn.block import Block
from riskloop.learn.threads import rounds, side_by_side

Job = TypeVar("Job")
Result = TypeVar("Result")
Work = Callable[[Block, Job, int], Result]
"""Gets the block, a job, and the number of threads that it may take."""


class Crew(Protocol):
    """Does many jobs on the rows of one block.

    A job may be done twice, where a worker dies: it must come out the same. What the work raises comes out as it is.
    """

    def each(self, work: Work[Job, Result], jobs: Sequence[Job], block: Block) -> Generator[Result]:
        """Results in the order of the jobs, as they come.

        Parameters
        ----------
        work : callable
            A function of a module: it may be sent by its name.
        jobs : sequence
            Small: they may be sent.

        Notes
        -----
        When the generator is closed early, jobs that have not begun never do.
        """
        ...

    def rounds(self, jobs: int, rows: int) -> int:
        """How many times as long as one job so many of them take, on a block of so many rows."""
        ...


@dataclass(frozen=True)
class Threads:
    """Threads of this process; see `riskloop.learn.threads`.

    Attributes
    ----------
    most : int or None
        Jobs at a time, at most; one per core by default.
    """

    most: int | None = None

    def each(self, work: Work[Job, Result], jobs: Sequence[Job], block: Block) -> Generator[Result]:
        """See `Crew.each`."""
        return side_by_side(
            lambda job, threads: work(block, job, threads), jobs, rows=len(block.outcome), most=self.most
        )

    def rounds(self, jobs: int, rows: int) -> int:
        """See `Crew.rounds`."""
        return rounds(jobs, rows=rows)


HERE = Threads()
