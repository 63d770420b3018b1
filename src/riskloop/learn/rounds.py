"""Rounds: how many trees of a booster are worth keeping, read off the models that were fitted anyway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.crew import HERE, Crew
from riskloop.learn.crossfit import Fold, Lesson, OutOfFold, crossfit, teach
from riskloop.learn.evaluation.metrics import log_loss
from riskloop.learn.levels import levelled, shift
from riskloop.learn.threads import MOST_ROWS, side_by_side
from riskloop.scorer.calibration import LIMIT
from riskloop.scorer.forest import Forest
from riskloop.scorer.forest.cutting import trees
from riskloop.scorer.scorer import Model

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
STAGES = 20
"""A booster is judged after every twentieth of its rounds."""


def crossfit_boosted(
    candidate: Candidate,
    block: Block,
    *,
    seed: int,
    on_fold: Callable[[int, int], None] | None = None,
    until: float | None = None,
    crew: Crew = HERE,
) -> OutOfFold:
    """Cross-fit, where fits are long with no more rounds than half again as many as the first fold had a use for.

    Raises
    ------
    OutOfTime
        See `riskloop.learn.crossfit.crossfit`.
    """
    first = None
    if len(block.outcome) > MOST_ROWS and "rounds" in candidate.parameters:
        candidate, first = _sounded(candidate, block, seed, crew)
        if on_fold:
            on_fold(1, block.folds)
    return crossfit(candidate, block, seed=seed, on_fold=on_fold, until=until, first=first, crew=crew)


def _sounded(candidate: Candidate, block: Block, seed: int, crew: Crew) -> tuple[Candidate, Fold]:
    """The first fold, cut to half again its best rounds, and the family with as many."""
    (fold,) = crew.each(teach, [Lesson(candidate, 0, seed)], block)
    encoding, forest = fold.model
    if not isinstance(forest, Forest) or forest.average:
        return candidate, fold
    rows = block.fold == 0
    matrix, outcome = encoding.matrix(block.rows(rows)), block.outcome[rows]
    best = int(losses_by_stage(forest, matrix, outcome, level=block.forward).argmin()) + 1
    count = forest.n_trees * min(STAGES, -(-3 * best // 2)) // STAGES
    if count == forest.n_trees:
        return candidate, fold
    cut = trees(forest, 0, count)
    return candidate.tuned({"rounds": count}), replace(fold, margin=cut.margin(matrix), model=(encoding, cut))


def best_rounds(
    candidate: Candidate, result: OutOfFold, block: Block, weight: FloatArray
) -> tuple[Candidate, OutOfFold]:
    """The family with the number of rounds whose log loss out of fold is lowest, and what it gives out of fold.

    The first k trees of a booster are what it would have been after k rounds, so every number of rounds below the one
    fitted is known without another fit. Families that are no boosters are returned as they are.

    Parameters
    ----------
    candidate : Candidate
    result : OutOfFold
        Of this candidate on this block.
    block : Block
    weight : float array, shape (judged rows,)
    """
    forests = [model for _, model in result.models if isinstance(model, Forest) and not model.average]
    rounds = int(candidate.parameters.get("rounds", 0))
    if not rounds or not forests or len(forests) < len(result.models):
        return candidate, result
    longest = max(forest.n_trees for forest in forests)
    margins = _by_stage(forests, longest, result, block)
    best = int(np.argmin([_loss(margin[block.judged], block, weight) for margin in margins])) + 1
    if best == STAGES:
        return candidate.tuned({"rounds": longest}), result
    kept = [trees(forest, 0, min(forest.n_trees, longest * best // STAGES)) for forest in forests]
    margin = np.full(len(block.outcome), np.nan)
    for (_, held_out), (encoding, _), forest in zip(block.parts(), result.models, kept, strict=True):
        margin[held_out] = forest.margin(encoding.matrix(block.rows(held_out)))
    shorter = replace(
        result,
        margin=margin[block.judged],
        predict_seconds=result.predict_seconds * best / STAGES,
        models=tuple((encoding, forest) for (encoding, _), forest in zip(result.models, kept, strict=True)),
    )
    return candidate.tuned({"rounds": longest * best // STAGES}), shorter


def staged(forest: Forest, longest: int, matrix: FloatArray) -> FloatArray:
    """Log-odds after each twentieth of `longest` trees, shape (stages, n)."""
    margins = np.zeros((STAGES, len(matrix)))
    for stage in range(STAGES):
        start, stop = (min(forest.n_trees, longest * at // STAGES) for at in (stage, stage + 1))
        before = margins[stage - 1] if stage else np.full(len(matrix), forest.base)
        margins[stage] = before
        if start < stop:
            margins[stage] += replace(trees(forest, start, stop), base=0.0).margin(matrix)
    return margins


def after(candidate: Candidate, stage: int) -> int:
    """Rounds of a booster at the end of a stage, the last of which is number 20."""
    return max(1, int(candidate.parameters["rounds"]) * stage // STAGES)


def losses_by_stage(model: Model, matrix: FloatArray, outcome: BoolArray, *, level: bool) -> FloatArray:
    """Mean log loss after each stage of a booster, of any other model once; `level`: at the level of these rows."""
    if isinstance(model, Forest) and not model.average:
        margins = staged(model, model.n_trees, matrix)
    else:
        margins = model.margin(matrix)[None]
    if level:
        margins = margins + np.array([shift(np.clip(margin, -LIMIT, LIMIT), outcome) for margin in margins])[:, None]
    return np.array([log_loss(outcome, _probability(margin)).mean() for margin in margins])


def _probability(margin: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(margin, -500, 500))))


def _by_stage(forests: Sequence[Forest], longest: int, result: OutOfFold, block: Block) -> FloatArray:
    """Margins after each stage, shape (stages, n)."""
    margins = np.full((STAGES, len(block.outcome)), np.nan)
    parts = list(block.parts())

    def held_out(number: int, _: int) -> None:
        rows = parts[number][1]
        margins[:, rows] = staged(forests[number], longest, result.models[number][0].matrix(block.rows(rows)))

    for _ in side_by_side(held_out, range(len(parts)), rows=len(block.outcome)):
        pass
    return margins


def _loss(margin: FloatArray, block: Block, weight: FloatArray) -> float:
    """Mean log loss; where folds roll forward, at the level of each stretch: that is not for the rounds to mend."""
    outcome = block.outcome[block.judged]
    if block.forward:
        margin = levelled(margin, outcome, block.fold[block.judged])
    return float(np.average(log_loss(outcome, _probability(margin)), weights=weight))
