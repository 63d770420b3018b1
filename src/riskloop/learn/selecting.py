"""Selecting: cross-fit every candidate, blend them, calibrate, price, choose, and fit the chosen one on all rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import Costs
from riskloop.data.contract import Columns
from riskloop.data.dataset import Dataset
from riskloop.data.split import SplitKind, folds, rolling_folds
from riskloop.decide.policy import PolicyKind, choose_policy
from riskloop.errors import ConfigError
from riskloop.learn.blending import BLENDS, BlendKind, Recipe, assemble, crossfit_recipe
from riskloop.learn.block import Block
from riskloop.learn.calibrating import choose_calibration
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.candidates.lightgbm import LIGHTGBM
from riskloop.learn.choice import Choice, Contender, choose
from riskloop.learn.crossfit import Fitted, OutOfFold, crossfit, fit, nested_margins
from riskloop.learn.evaluation.metrics import evaluate
from riskloop.learn.threads import considerate_threads
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.scorer import Model, Scorer

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CONTENDER_RESAMPLES = 200
"""Bootstrap resamples for a contender's intervals; the test block gets more."""
DISTILLED = "distilled"
_BLEND_COMPLEXITY = 10.0
_SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True)
class Plan:
    """How to train; see the sections training, features, costs and serving of riskloop.yaml.

    `blends` may hold the kinds of `riskloop.learn.blending.BLENDS` and ``distilled``.
    """

    candidates: Sequence[Candidate]
    costs: Costs
    blends: Sequence[str] = ()
    policy: PolicyKind = "cost"
    policy_value: float | None = None
    bands: tuple[float, float] = (0.4, 0.7)
    labels: tuple[str, str] = ("act", "pass")
    folds: int = 5
    test_share: float = 0.2
    split: SplitKind = "random"
    embargo_days: float = 0.0
    seed: int = 42
    derived: Mapping[str, str] = field(default_factory=dict)
    max_ms_per_thousand: float | None = None
    max_megabytes: float | None = None

    @property
    def embargo(self) -> float:
        """In seconds; in rows where their order is the time, which has no days."""
        return self.embargo_days * _SECONDS_PER_DAY if self.split == "time" else 0.0


class Memory(Protocol):
    """Where finished candidates are kept, so that interrupted training goes on where it stopped."""

    def recall(self, candidate: str) -> OutOfFold | None: ...

    def keep(self, candidate: str, result: OutOfFold) -> None: ...


class Watcher(Protocol):
    """Who is told about progress. Called on the training thread; must return quickly."""

    def fold(self, candidate: str, done: int, total: int) -> None: ...

    def finished(self, contender: Contender) -> None: ...


@dataclass(frozen=True)
class Ingredient:
    """One model of the final scorer; with the library's estimator where it was fitted just now."""

    encoding: Encoding
    model: Model
    weight: float
    fitted: Fitted | None = None

    def reference(self, columns: Columns) -> FloatArray:
        """Log-odds as the library gives them, or the fold's exported model, which was held against it then."""
        matrix = self.encoding.matrix(columns)
        return self.fitted.library_margin(matrix) if self.fitted else self.model.margin(matrix)


@dataclass(frozen=True)
class Refitted:
    """The chosen contender, ready to serve, and what it is made of."""

    scorer: Scorer
    ingredients: tuple[Ingredient, ...]
    recipe: Recipe | None = None
    parity: float = 0.0

    def gap(self, columns: Columns) -> float:
        """Largest difference in probability between the training libraries and the scorer, on these rows."""
        margins = {str(number): one.reference(columns) for number, one in enumerate(self.ingredients)}
        weights = {str(number): one.weight for number, one in enumerate(self.ingredients)}
        recipe = Recipe(self.recipe.kind, weights, self.recipe.intercept) if self.recipe else Recipe("blend", weights)
        expected = self.scorer.calibration.probability(recipe.margin(margins))
        return max(self.parity, float(np.abs(expected - self.scorer.probability(columns)).max(initial=0.0)))


def training_block(dataset: Dataset, rows: NDArray[np.int64], plan: Plan) -> Block:
    """Some rows of the dataset, to train on, with their folds: at random, or rolling forward where time is split."""
    outcome, groups, columns = dataset.outcome[rows], dataset.groups[rows], dataset.take(rows)
    if plan.split == "random":
        fold = folds(outcome, groups, count=plan.folds, seed=plan.seed)
        return Block(dataset.contract, columns, outcome, fold, plan.derived)
    time = dataset.time if plan.split == "time" else None
    order = rows.astype(np.float64) if time is None else time[rows]
    rolling = rolling_folds(outcome, groups, order, count=plan.folds, embargo=plan.embargo)
    return Block(dataset.contract, columns, outcome, rolling.held_out, plan.derived, rolling.trains)


def select(
    block: Block, plan: Plan, memory: Memory | None = None, watcher: Watcher | None = None
) -> tuple[Choice, tuple[Contender, ...]]:
    """Cross-fit and blend on the block, and choose; returns the contenders too, cheapest first."""
    contenders: list[Contender] = []
    for contender in _contenders(block, plan, memory, watcher):
        contenders.append(contender)
        if watcher:
            watcher.finished(contender)
    if not contenders:
        raise ConfigError("There is no candidate to train.", where="training.candidates", next_step="name a family")
    choice = choose(
        _eligible(contenders, plan),
        block.outcome[block.judged],
        seed=plan.seed,
        weight=recency(block) if block.forward else None,
    )
    return choice, tuple(sorted(contenders, key=lambda one: one.cost_per_thousand))


def _eligible(contenders: Sequence[Contender], plan: Plan) -> list[Contender]:
    """Those within the limits on time and size."""
    slowest, largest = plan.max_ms_per_thousand or math.inf, plan.max_megabytes or math.inf
    eligible = [
        one
        for one in contenders
        if one.out_of_fold.predict_seconds * 1000 <= slowest and one.out_of_fold.megabytes <= largest
    ]
    if not eligible:
        raise ConfigError(
            f"None of the {len(contenders)} candidates is within the limits on prediction time and size.",
            where="training.max_ms_per_thousand, training.max_megabytes",
            next_step="raise the limits, or name a lighter family in training.candidates",
        )
    return eligible


def refit(block: Block, plan: Plan, chosen: Contender, contenders: Sequence[Contender]) -> Refitted:
    """The chosen contender on the whole block, under the calibration found out of fold.

    A blend keeps the models of the folds where they saw most of the rows (their average is steadier than one model
    fitted anew); where folds roll forward, they are old, and every member is fitted anew.
    """
    if chosen.recipe is None:
        ingredients = [_anew(_candidate(chosen.name, plan), block, plan, 1.0, chosen.target)]
        encoding, model = ingredients[0].encoding, ingredients[0].model
        parity = 0.0
    else:
        by_name = {one.name: one for one in contenders}
        ingredients, parity = [], 0.0
        for name, weight in chosen.recipe.weights.items():
            candidate, result = _candidate(name, plan), by_name[name].out_of_fold
            if candidate.bagged and not block.forward and result.models:
                share = weight / len(result.models)
                ingredients += [Ingredient(encoding, model, share) for encoding, model in result.models]
                parity = max(parity, result.parity)
            else:
                ingredients.append(_anew(candidate, block, plan, weight))
        encoding, model = assemble(chosen.recipe, [(one.encoding, one.model, one.weight) for one in ingredients])
    scorer = Scorer(block.contract, encoding, model, chosen.calibration.calibration)
    return Refitted(scorer, tuple(ingredients), chosen.recipe, parity)


def _anew(
    candidate: Candidate, block: Block, plan: Plan, weight: float, target: FloatArray | None = None
) -> Ingredient:
    fitted = fit(candidate, block, np.ones(len(block.outcome), dtype=bool), seed=plan.seed, target=target)
    return Ingredient(fitted.encoding, fitted.model, weight, fitted)


def _candidate(name: str, plan: Plan) -> Candidate:
    return next(one for one in (*plan.candidates, _distilled()) if one.name == name)


def _distilled() -> Candidate:
    return Candidate(
        DISTILLED,
        LIGHTGBM.complexity + 0.5,
        LIGHTGBM.style,
        LIGHTGBM.fit,
        parameters=LIGHTGBM.parameters,
        monotone=LIGHTGBM.monotone,
    )


def _contenders(block: Block, plan: Plan, memory: Memory | None, watcher: Watcher | None) -> Iterator[Contender]:
    margins: dict[str, FloatArray] = {}
    singles: list[Contender] = []
    for candidate in plan.candidates:
        result = _crossfitted(candidate, block, plan, memory, watcher)
        contender = contend(candidate.name, candidate.complexity, result, block, plan)
        singles.append(contender)
        if candidate.additive and candidate.balance == "none":
            margins[candidate.name] = contender.out_of_fold.margin
        yield contender
    if len(margins) < 2:
        return
    blended: Contender | None = None
    for kind in BLENDS:
        if kind in plan.blends or (kind == "blend" and DISTILLED in plan.blends):
            contender = _blended(kind, margins, singles, block, plan)
            blended = blended or contender
            if kind in plan.blends:
                yield contender
    if blended and DISTILLED in plan.blends:
        yield _distil(blended, block, plan, memory, watcher)


def _distil(teacher: Contender, block: Block, plan: Plan, memory: Memory | None, watcher: Watcher | None) -> Contender:
    """A single LightGBM that learns what the blend thinks (Hinton, Vinyals and Dean, 2015).

    To judge it, the teacher is cross-fitted once more inside each fold: half as many fits again as for everything else.
    """
    candidate = _distilled()
    target = _opinion(block, teacher.probability)
    key = f"{candidate.key}-{sha256(target.tobytes()).hexdigest()[:12]}"
    result = memory.recall(key) if memory else None
    if result is None:
        result = crossfit(candidate, block, seed=plan.seed, target=_lessons(teacher, block, plan, watcher))
        if memory:
            memory.keep(key, result)
    return contend(candidate.name, candidate.complexity, result, block, plan, target=target)


def _opinion(block: Block, probability: FloatArray) -> FloatArray:
    """What a teacher says of the judged rows, and the outcome of the others, shape (n,)."""
    target = block.outcome.astype(np.float64)
    target[block.judged] = probability
    return target


def _lessons(teacher: Contender, block: Block, plan: Plan, watcher: Watcher | None) -> FloatArray:
    """What the teacher would say without having seen a fold, for each fold, shape (folds, n)."""
    if teacher.recipe is None or block.forward:  # what was said of the past knows nothing of the present
        return np.tile(_opinion(block, teacher.probability), (block.folds, 1))
    nested = {}
    for number, name in enumerate(teacher.recipe.weights):
        nested[name] = nested_margins(_candidate(name, plan), block, seed=plan.seed)
        if watcher:
            watcher.fold(DISTILLED, number + 1, len(teacher.recipe.weights) + 1)
    calibration = teacher.calibration.calibration
    lessons = [
        calibration.probability(teacher.recipe.margin({name: lines[number] for name, lines in nested.items()}))
        for number in range(block.folds)
    ]
    return np.stack(lessons)


def _crossfitted(
    candidate: Candidate, block: Block, plan: Plan, memory: Memory | None, watcher: Watcher | None
) -> OutOfFold:
    result = memory.recall(candidate.key) if memory else None
    if result is None:
        on_fold = (lambda done, total: watcher.fold(candidate.name, done, total)) if watcher else None
        result = crossfit(candidate, block, seed=plan.seed, on_fold=on_fold)
        if memory:
            memory.keep(candidate.key, result)
    return result


def _blended(
    kind: BlendKind, margins: Mapping[str, FloatArray], singles: Sequence[Contender], block: Block, plan: Plan
) -> Contender:
    recipe, margin = crossfit_recipe(kind, margins, block, recency(block), seed=plan.seed)
    models = 1 if block.forward else plan.folds
    seconds = sum(
        one.out_of_fold.predict_seconds * (models if _candidate(one.name, plan).bagged else 1)
        for one in singles
        if one.name in recipe.weights
    )
    result = OutOfFold(margin, 0.0, seconds)
    return contend(kind, _BLEND_COMPLEXITY + BLENDS.index(kind), result, block, plan, recipe=recipe)


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
    recipe: Recipe | None = None,
    target: FloatArray | None = None,
) -> Contender:
    """Calibrate, choose a threshold and price a candidate, all out of fold."""
    outcome = block.outcome[block.judged]
    calibration = choose_calibration(
        result.margin,
        outcome,
        seed=plan.seed,
        weight=recency(block) if block.forward else None,
        forward=block.fold[block.judged] if block.forward else None,
    )
    policy = choose_policy(
        plan.policy,
        outcome,
        calibration.probability,
        plan.costs,
        value=plan.policy_value,
        bands=plan.bands,
        labels=plan.labels,
    )
    probability = calibration.probability
    evaluation = evaluate(
        outcome, probability, policy.act(probability), plan.costs, seed=plan.seed, resamples=CONTENDER_RESAMPLES
    )
    return Contender(name, complexity, result, calibration, policy, evaluation, recipe, target)
