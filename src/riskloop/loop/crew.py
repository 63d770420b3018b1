"""The crew of a training on an engine: workers that fit folds and trials, and read the rows from the project's folder.

They are sent a path, parameters and a number, and send back a loss or a model in plain arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from shutil import rmtree
from typing import TypeVar

from riskloop.engines.engine import Engine
from riskloop.errors import Conflict, Unavailable
from riskloop.learn.block import Block
from riskloop.learn.crew import HERE, Crew, Work
from riskloop.learn.shared_block import read_block, write_block
from riskloop.learn.threads import considerate_threads
from riskloop.loop.record import libraries

Job = TypeVar("Job")
Result = TypeVar("Result")


@contextmanager
def crew_on(engine: Engine | None, folder: Path) -> Iterator[Crew]:
    """Workers of the engine for as long as the block lasts, or threads of this process where there is none.

    Parameters
    ----------
    folder : Path
        Where rows lie meanwhile; all workers see it under this path.
    """
    if engine is None:
        yield HERE
        return
    crew = Workers(engine, folder.resolve())
    try:
        yield crew
    finally:
        crew.clear()


class Workers:
    """A `riskloop.learn.crew.Crew` of an engine's workers, each fit in one thread."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._laid: list[tuple[Block, Path]] = []

    def each(self, work: Work[Job, Result], jobs: Sequence[Job], block: Block) -> Generator[Result]:
        """See `riskloop.learn.crew.Crew.each`."""
        do: Callable[[Job], Result] = partial(_do, _There(self._lay(block), libraries()), work)
        early: dict[int, Result] = {}
        wanted = 0
        for place, result in self._engine.each(do, list(jobs)):
            early[place] = result
            while wanted in early:
                yield early.pop(wanted)
                wanted += 1

    def rounds(self, jobs: int, rows: int) -> int:  # noqa: ARG002
        """See `riskloop.learn.crew.Crew.rounds`."""
        return -(-jobs // self._engine.size)

    def clear(self) -> None:
        """Remove the rows."""
        for _, path in self._laid:
            rmtree(path, ignore_errors=True)

    def _lay(self, block: Block) -> Path:
        for known, path in self._laid:
            if known is block:
                return path
        self._laid.append((block, write_block(block, self._folder)))
        return self._laid[-1][1]


@dataclass(frozen=True)
class _There:
    """What a worker is told."""

    folder: Path
    libraries: dict[str, str]

    def block(self) -> Block:
        """The rows, mapped once by each worker.

        Raises
        ------
        Conflict
            If the libraries are not the caller's: the result would not be either.
        Unavailable
            If the rows cannot be read here.
        """
        check_libraries(self.libraries)
        try:
            return _mapped(self.folder)
        except OSError as error:
            raise Unavailable(
                "A worker cannot read the rows.",
                where=str(self.folder),
                next_step="let all workers see the project's folder under the same path, as the same user",
            ) from error


def check_libraries(wanted: Mapping[str, str]) -> None:
    """Refuse to work where results would be others.

    Raises
    ------
    Conflict
        If a library whose arithmetic is in a bundle is of another version here.
    """
    for name, version in wanted.items():
        if (found := libraries().get(name)) != version:
            raise Conflict(
                f"A worker has {name} {found or '(none)'}, where the training has {version}.",
                where=name,
                next_step="install the same versions on all workers",
            )


_mapped = lru_cache(maxsize=2)(read_block)


def _do(there: _There, work: Work[Job, Result], job: Job) -> Result:
    block = there.block()
    with considerate_threads():
        return work(block, job, 1)
