"""What a setting loses on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.crossfit import fit
from riskloop.learn.evaluation.metrics import log_loss
from riskloop.learn.threads import side_by_side


@dataclass(frozen=True)
class Step:
    """One fit of a trial: which fold is held out, the share of the other rows that train, and what it counts."""

    fold: int
    share: float = 1.0
    weight: float = 1.0


def losses(
    jobs: Sequence[tuple[Candidate, Step]], block: Block, *, seed: int, together: int | None = None
) -> list[float]:
    """Held-out log loss of each job, in their order; infinite where a fit failed."""
    return list(
        side_by_side(
            lambda job, threads: _loss(*job, block, seed, threads), jobs, rows=len(block.outcome), most=together
        )
    )


def _loss(candidate: Candidate, step: Step, block: Block, seed: int, threads: int) -> float:
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
