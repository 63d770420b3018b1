"""What a setting loses on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.crew import HERE, Crew
from riskloop.learn.crossfit import fit
from riskloop.learn.rounds import losses_by_stage

Loss = tuple[float, ...]
"""Held-out log loss: after every stage of a booster, or once."""


@dataclass(frozen=True)
class Step:
    """One fit of a trial: which fold is held out, the share of the other rows that train, and what it counts."""

    fold: int
    share: float = 1.0
    weight: float = 1.0


def losses(jobs: Sequence[tuple[Candidate, Step]], block: Block, *, seed: int, crew: Crew = HERE) -> list[Loss]:
    """Held-out log loss of each job, in their order: after every stage of a booster; infinite where a fit failed."""
    return list(crew.each(_loss, [(candidate, step, seed) for candidate, step in jobs], block))


def _loss(block: Block, job: tuple[Candidate, Step, int], threads: int) -> Loss:
    candidate, step, seed = job
    train, held_out = list(block.parts())[step.fold]
    if step.share < 1:
        train = _sample(train, block.outcome, step.share, seed)
    try:
        fitted = fit(candidate, block, train, seed=seed, threads=threads)
    except Exception:  # parameters that a library refuses are a bad trial, not the end of the search
        return (float("inf"),)
    matrix = fitted.encoding.matrix(block.rows(held_out))
    return tuple(losses_by_stage(fitted.model, matrix, block.outcome[held_out], level=block.forward).tolist())


def _sample(train: NDArray[np.bool_], outcome: NDArray[np.bool_], share: float, seed: int) -> NDArray[np.bool_]:
    """A share of the rows of each outcome."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(train), dtype=bool)
    for rows in (np.flatnonzero(train & outcome), np.flatnonzero(train & ~outcome)):
        chosen[rng.permutation(rows)[: max(2, round(share * len(rows)))]] = True
    return chosen
