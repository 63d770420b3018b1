"""Contending: what a candidate, a blend or a student of a blend is worth, calibrated and priced out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from riskloop.decide.choosing import FEWEST_POSITIVES, choose_policy
from riskloop.decide.policy import PolicyKind
from riskloop.decide.prices import Prices
from riskloop.learn.blending import BLENDS, BlendKind, Recipe, crossfit_recipe
from riskloop.learn.block import Block
from riskloop.learn.calibrating import choose_calibration, choose_forward_calibration
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.candidates.lightgbm import LIGHTGBM
from riskloop.learn.choice import Contender
from riskloop.learn.crossfit import OutOfFold, crossfit, hindsight, nested_margins
from riskloop.learn.evaluation.calibration import calibration_p_value
from riskloop.learn.evaluation.metrics import evaluate
from riskloop.learn.plan import Memory, Plan, Watcher
from riskloop.learn.rounds import best_rounds
from riskloop.learn.threads import considerate_threads

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CONTENDER_RESAMPLES = 200
"""Bootstrap resamples for a contender's intervals; the test block gets more."""
DISTILLED = "distilled"
_BLEND_COMPLEXITY = 10.0
_REJECTED = 0.01
"""Level at which probabilities are taken to be wrong: where they are right that happens once in a hundred times."""


def recency(block: Block) -> FloatArray:
    """Weights of the judged rows, shape (judged rows,): where folds roll forward each counts twice the one before."""
    fold = block.fold[block.judged].astype(np.float64)
    return 2.0 ** (fold - fold.max()) if block.forward else np.ones(len(fold))


@considerate_threads()
def contend(
    name: str,
    complexity: float,
    result: OutOfFold,
    block: Block,
    plan: Plan,
    *,
    candidate: Candidate | None = None,
    recipe: Recipe | None = None,
    target: FloatArray | None = None,
    told: FloatArray | None = None,
) -> Contender:
    """Calibrate, choose a threshold and price a candidate, all out of fold.

    `told`: what the model of each fold says of the rows it learnt from, where folds roll forward and there is a blend.
    """
    outcome = block.outcome[block.judged]
    if block.forward:
        told = hindsight(result, block) if told is None else told
        calibration = choose_forward_calibration(result.margin, told, block.outcome, block.fold, recency(block))
    else:
        calibration = choose_calibration(result.margin, outcome, seed=plan.seed)
    costs = plan.costs_of(block.columns, block.judged)
    kind, because = _policy_kind(plan, block, outcome, calibration.probability)
    policy = choose_policy(
        kind,
        outcome,
        calibration.probability,
        costs,
        declared=plan.costs,
        value=plan.policy_value,
        bands=plan.bands,
        labels=plan.labels,
        seed=plan.seed,
        review=plan.review,
        most_reviewed=plan.most_reviewed,
    )
    policy = replace(policy, why=because + policy.why)
    probability = calibration.probability
    evaluation = evaluate(
        outcome,
        probability,
        policy.act(probability, costs),
        costs,
        seed=plan.seed,
        resamples=CONTENDER_RESAMPLES,
        cost=policy.cost(outcome, probability, costs),
    )
    return Contender(name, complexity, result, calibration, policy, evaluation, candidate, recipe, target, told)


def _policy_kind(plan: Plan, block: Block, outcome: BoolArray, probability: FloatArray) -> tuple[PolicyKind, str]:
    """The policy of the plan; left to us, the theoretical rule.

    Unless probabilities are wrong, and there is one threshold for all that can be found without them.
    """
    if plan.policy != "auto":
        return plan.policy, ""
    if block.forward or isinstance(plan.costs, Prices) or outcome.sum() < FEWEST_POSITIVES:
        return "cost", ""
    p_value = calibration_p_value(outcome, probability)
    if not p_value < _REJECTED:
        return "cost", ""
    return "empirical", f"Calibration is rejected (p = {p_value:.2g}), so the threshold is found by its cost. "


def blended(kind: BlendKind, singles: Sequence[Contender], block: Block, plan: Plan) -> Contender:
    """The singles put together, with weights that never saw the row they are for."""
    margins = {one.name: one.out_of_fold.margin for one in singles}
    found = crossfit_recipe(kind, margins, block, recency(block), seed=plan.seed)
    members = [one.out_of_fold for one in singles if one.name in found.recipe.weights]
    result = OutOfFold(
        found.margin,
        0.0,
        sum(one.predict_seconds for one in members),
        members_megabytes=sum(one.megabytes for one in members),
    )
    complexity = _BLEND_COMPLEXITY + BLENDS.index(kind)
    told = found.hindsight({one.name: one.told for one in singles if one.told is not None}) if block.forward else None
    return contend(kind, complexity, result, block, plan, recipe=found.recipe, told=told)


def distil(
    teacher: Contender,
    singles: Sequence[Contender],
    block: Block,
    plan: Plan,
    memory: Memory | None,
    watcher: Watcher | None,
) -> Contender:
    """A single LightGBM that learns what the blend thinks (Hinton, Vinyals and Dean, 2015).

    To judge it, the teacher is cross-fitted once more inside each fold: half as many fits again as for everything else.
    """
    candidate = _distilled()
    target = _opinion(block, teacher.probability)
    key = f"{candidate.key}-{sha256(target.tobytes()).hexdigest()[:12]}"
    result = memory.recall(key) if memory else None
    if result is None:
        result = crossfit(candidate, block, seed=plan.seed, target=_lessons(teacher, singles, block, plan, watcher))
        if memory:
            memory.keep(key, result)
    candidate, result = best_rounds(candidate, result, block, recency(block))
    return contend(candidate.name, candidate.complexity, result, block, plan, candidate=candidate, target=target)


def _opinion(block: Block, probability: FloatArray) -> FloatArray:
    """What a teacher says of the judged rows, and the outcome of the others, shape (n,)."""
    target = block.outcome.astype(np.float64)
    target[block.judged] = probability
    return target


def _lessons(
    teacher: Contender, singles: Sequence[Contender], block: Block, plan: Plan, watcher: Watcher | None
) -> FloatArray:
    """What the teacher would say without having seen a fold, for each fold, shape (folds, n)."""
    if teacher.recipe is None or block.forward:  # what was said of the past knows nothing of the present
        return np.tile(_opinion(block, teacher.probability), (block.folds, 1))
    nested = {}
    candidates = {one.name: one.candidate for one in singles if one.candidate}
    for number, name in enumerate(teacher.recipe.weights):
        nested[name] = nested_margins(candidates[name], block, seed=plan.seed)
        if watcher:
            watcher.fold(DISTILLED, number + 1, len(teacher.recipe.weights) + 1)
    calibration = teacher.calibration.calibration
    lessons = np.full((block.folds, len(block.outcome)), np.nan)  # a fold is taught nothing about its own rows
    for number, lesson in enumerate(lessons):
        taught = block.fold != number
        margins = {name: lines[number, taught] for name, lines in nested.items()}
        lesson[taught] = calibration.probability(teacher.recipe.margin(margins))
    return lessons


def _distilled() -> Candidate:
    return Candidate(
        DISTILLED,
        LIGHTGBM.complexity + 0.5,
        LIGHTGBM.style,
        LIGHTGBM.fit,
        parameters=LIGHTGBM.parameters,
        monotone=LIGHTGBM.monotone,
    )
