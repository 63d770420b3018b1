"""Cross-fitting: every judged row is predicted by a model that has not seen it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.balance import balance
from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate, Fitting
from riskloop.learn.crew import HERE, Crew
from riskloop.learn.export.dispatch import export
from riskloop.learn.features import fit_matrix
from riskloop.learn.parity import library_margin
from riskloop.learn.threads import considerate_threads, cores, side_by_side
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.forest import Forest
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Model

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Fitted:
    """One fitted family in the form in which it will serve, and the library's own estimator to compare with.

    Attributes
    ----------
    encoding : Encoding
    model : Model
    estimator : object
    seconds : float
    shift : float
        What `model` was lowered by in log-odds because the training rows had been balanced.
    """

    encoding: Encoding
    model: Model
    estimator: object
    seconds: float
    shift: float = 0.0

    def library_margin(self, matrix: FloatArray) -> FloatArray:
        """Log-odds, shape (n,), by the library's own prediction."""
        return library_margin(self.estimator, matrix, self.encoding.categorical) - self.shift


class OutOfTime(Exception):
    """A family that would take longer than there is."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds


@dataclass(frozen=True)
class OutOfFold:
    """Log-odds of every judged row from a model that has not seen it.

    Attributes
    ----------
    margin : float array, shape (judged rows,)
    fit_seconds, predict_seconds : float
        Mean time to fit one fold, and to predict 1,000 rows.
    models : tuple of (Encoding, Model)
        The model of each fold; none of a blend.
    members_megabytes : float
        Of a blend: the size of what it blends.
    """

    margin: FloatArray
    fit_seconds: float
    predict_seconds: float
    models: tuple[tuple[Encoding, Model], ...] = ()
    members_megabytes: float = 0.0

    @property
    def megabytes(self) -> float:
        """Size of one fold's model."""
        sizes = [sum(array.nbytes for array in model.to_arrays().values()) for _, model in self.models]
        return sum(sizes) / max(1, len(sizes)) / 1e6 + self.members_megabytes


@considerate_threads()
def fit(
    candidate: Candidate,
    block: Block,
    mask: BoolArray,
    *,
    seed: int,
    threads: int | None = None,
    target: FloatArray | None = None,
) -> Fitted:
    """Fit encoding and model on the rows of `mask`, shape (n,), and export the model to plain arrays.

    `target`, shape (n,), are probabilities to learn in place of the outcome.
    """
    started = time.perf_counter()
    columns, outcome = block.rows(mask), block.outcome[mask]
    encoding, matrix = fit_matrix(
        block.contract,
        columns,
        outcome,
        candidate.style,
        block.derived,
        seed,
        None if block.groups is None else block.groups[mask],
    )
    balanced = balance(candidate.balance, matrix, outcome, encoding.categorical, seed=seed)
    signs = encoding.monotone(block.contract)
    estimator = candidate.fit(
        Fitting(
            balanced.matrix,
            balanced.outcome if target is None else target[mask],
            encoding.categorical,
            seed,
            threads or cores(),
            candidate.parameters,
            signs if any(signs) else [],
            balanced.weight,
        )
    )
    model, shift = lowered(export(estimator), balanced.shift)
    return Fitted(encoding, model, estimator, time.perf_counter() - started, shift)


def lowered(model: Model, shift: float) -> tuple[Model, float]:
    """A model lowered in log-odds, and by how much: a mean of probabilities has no term to lower, and stays."""
    if isinstance(model, Linear):
        return replace(model, intercept=model.intercept - shift), shift
    if isinstance(model, Forest) and not model.average and not model.float32_sum:
        return replace(model, base=model.base - shift), shift
    return model, 0.0


@dataclass(frozen=True)
class Fold:
    """One fold's model and what it says of the rows held out."""

    margin: FloatArray
    model: tuple[Encoding, Model]
    fit_seconds: float
    predict_seconds: float


def fit_fold(
    candidate: Candidate,
    block: Block,
    number: int,
    *,
    seed: int,
    threads: int | None = None,
    target: FloatArray | None = None,
) -> Fold:
    """Fit on the rows that train for a fold and predict those that it holds out; `target` is of shape (n,)."""
    train, held_out = list(block.parts())[number]
    fitted = fit(candidate, block, train, seed=seed, threads=threads, target=target)
    started = time.thread_time()  # of this thread alone: others fit meanwhile
    matrix = fitted.encoding.matrix(block.rows(held_out))
    margin = fitted.model.margin(matrix)
    seconds = time.thread_time() - started
    return Fold(margin, (fitted.encoding, fitted.model), fitted.seconds, seconds)


@dataclass(frozen=True)
class Lesson:
    """A fold to fit; see `fit_fold`."""

    candidate: Candidate
    number: int
    seed: int
    target: FloatArray | None = None


def teach(block: Block, lesson: Lesson, threads: int) -> Fold:
    """Fit the fold of a lesson."""
    return fit_fold(lesson.candidate, block, lesson.number, seed=lesson.seed, threads=threads, target=lesson.target)


def crossfit(
    candidate: Candidate,
    block: Block,
    *,
    seed: int,
    on_fold: Callable[[int, int], None] | None = None,
    target: FloatArray | None = None,
    until: float | None = None,
    first: Fold | None = None,
    crew: Crew = HERE,
) -> OutOfFold:
    """Fit once per fold and predict the rows held out; encodings are fitted inside the folds too.

    `target`, shape (folds, n), are probabilities to learn in place of the outcome: those of fold k must know nothing of
    the rows that fold k holds out. `first` is the first fold where that is done already; `crew` fits the others.

    Raises
    ------
    OutOfTime
        After the first fold, if at its pace the last would end after `until` (a reading of ``time.monotonic``).
    """
    began, parts = time.monotonic(), list(block.parts())

    done = [first] if first else []
    left = range(len(done), len(parts))
    jobs = [Lesson(candidate, number, seed, None if target is None else target[number]) for number in left]
    with closing(crew.each(teach, jobs, block)) as fits:
        for number, fold in enumerate(fits):
            done.append(fold)
            if on_fold:
                on_fold(len(done), len(parts))
            if number == 0 and until is not None:
                took, times = time.monotonic() - began, crew.rounds(len(left), len(block.outcome))
                if began + times * took > until:
                    raise OutOfTime(times * took)
    margin = np.full(len(block.outcome), np.nan)
    for (_, rows), fold in zip(parts, done, strict=True):
        margin[rows] = fold.margin
    return OutOfFold(
        margin[block.judged],
        sum(fold.fit_seconds for fold in done) / len(done),
        sum(fold.predict_seconds for fold in done) / int(block.judged.sum()) * 1000,
        tuple(fold.model for fold in done),
    )


def hindsight(result: OutOfFold, block: Block) -> FloatArray:
    """Log-odds of the rows that each fold's model learnt from, shape (folds, n); NaN for the others."""
    margins = np.full((block.folds, len(block.outcome)), np.nan)
    parts = list(block.parts())

    def told(number: int, _: int) -> None:
        encoding, model = result.models[number]
        margins[number, parts[number][0]] = model.margin(encoding.matrix(block.rows(parts[number][0])))

    for _ in side_by_side(told, range(len(parts)), rows=len(block.outcome)):
        pass
    return margins


def nested_margins(candidate: Candidate, block: Block, *, seed: int) -> FloatArray:
    """Log-odds for learners of a second level, shape (folds, n).

    Line k holds, for the rows outside fold k, margins of models that saw neither the row nor fold k: without the
    latter, a student would find the held-out outcomes again in its teacher's opinions.
    """
    margins = np.full((block.folds, len(block.outcome)), np.nan)

    def without(pair: tuple[int, int], threads: int) -> None:
        first, second = (block.fold == number for number in pair)
        fitted = fit(candidate, block, ~(first | second), seed=seed, threads=threads)
        for held_out, other in ((first, pair[1]), (second, pair[0])):
            margins[other, held_out] = fitted.model.margin(fitted.encoding.matrix(block.rows(held_out)))

    for _ in side_by_side(without, list(combinations(range(block.folds), 2)), rows=len(block.outcome)):
        pass
    return margins
