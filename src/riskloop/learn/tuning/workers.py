"""Where trials are fitted: in this process, or in one process per core with one thread each."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.crossfit import fit
from riskloop.learn.evaluation.metrics import log_loss

_MOST_ROWS = 200_000
"""Rows beyond which one fit fills all cores by itself, and a copy of the table per core costs too much memory."""
_FEWEST_ROWS = 2_000
"""Rows below which starting processes costs more than it gains."""


@dataclass(frozen=True)
class Step:
    """One fit of a trial: which fold is held out, the share of the other rows that train, and what it counts."""

    fold: int
    share: float = 1.0
    weight: float = 1.0


class Workers:
    """A pool of processes for the fits of a search; to be used as a context.

    Libraries would each take every core for every fit; here each process is told to take one, so that two cores do two
    fits and nobody waits for a core.
    """

    def __init__(self, block: Block, *, seed: int, processes: int | None = None) -> None:
        cores = os.cpu_count() or 1
        suits = _FEWEST_ROWS <= len(block.outcome) <= _MOST_ROWS
        self._block, self._seed = block, seed
        self._processes = (cores if suits else 1) if processes is None else processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._processes > 1:
            self._pool = ProcessPoolExecutor(
                self._processes,
                mp_context=get_context("spawn"),  # a fork of a process with OpenMP threads hangs
                initializer=_begin,
                initargs=(self._block, self._seed),
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def losses(self, jobs: Sequence[tuple[Candidate, Step]]) -> list[float]:
        """Held-out log loss of each job, in their order; infinite where a fit failed."""
        if self._pool:
            return list(self._pool.map(_loss_here, jobs))
        return [_loss(self._block, self._seed, None, *job) for job in jobs]


_here: list[tuple[Block, int]] = []
"""In a process of the pool: the block and the seed."""


def _begin(block: Block, seed: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    _here.append((block, seed))


def _loss_here(job: tuple[Candidate, Step]) -> float:
    block, seed = _here[0]
    return _loss(block, seed, 1, *job)


def _loss(block: Block, seed: int, threads: int | None, candidate: Candidate, step: Step) -> float:
    train, held_out = list(block.parts())[step.fold]
    if step.share < 1:
        train = _sample(train, block.outcome, step.share, seed)
    try:
        fitted = fit(candidate, block, train, seed=seed, threads=threads)
    except Exception:  # parameters that a library refuses are a bad trial, not the end of the search
        return float("inf")
    margin = fitted.model.margin(fitted.encoding.matrix(block.rows(held_out)))
    probability = 1 / (1 + np.exp(-np.clip(margin, -500, 500)))
    return float(log_loss(block.outcome[held_out], probability).mean())


def _sample(train: NDArray[np.bool_], outcome: NDArray[np.bool_], share: float, seed: int) -> NDArray[np.bool_]:
    """A share of the rows of each outcome."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(train), dtype=bool)
    for rows in (np.flatnonzero(train & outcome), np.flatnonzero(train & ~outcome)):
        chosen[rng.permutation(rows)[: max(2, round(share * len(rows)))]] = True
    return chosen
