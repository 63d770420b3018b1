"""Streams of decisions whose performance is to be estimated: a model, reference rows it has not seen, and chunks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.datasets import load
from riskloop.scorer.log_odds import logit
from riskloop.watch.recalibration import line

CHUNK = 1_000
THRESHOLD = 1 / 11
"""Of costs FN = 10 FP."""
SIMULATED_CHUNKS = 15
SEEDS = 4

Columns = dict[str, NDArray[Any]]
Model = Callable[[NDArray[Any]], NDArray[np.float64]]


@dataclass(frozen=True)
class Rows:
    """Features, calibrated probabilities and outcomes of n rows."""

    columns: Columns
    probability: NDArray[np.float64]
    outcome: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> Rows:
        return Rows({n: v[rows] for n, v in self.columns.items()}, self.probability[rows], self.outcome[rows])


@dataclass(frozen=True)
class Stream:
    """Reference rows, and what came after them, a chunk after the other."""

    name: str
    categorical: frozenset[str]
    reference: Rows
    chunks: tuple[Rows, ...]


def streams() -> list[Stream]:
    """All of them; the same on every run."""
    simulated = [
        _simulated(kind, seed) for kind in ("covariate", "covariate_misfit", "concept") for seed in range(SEEDS)
    ]
    return [*_bank_marketing(), *simulated]


def _bank_marketing() -> list[Stream]:
    """In the order of time, the model made anew for every tenth of the calls.

    It learns from the three tenths before, but for a third of their rows, drawn at random, which is the reference. The
    share of positives goes from 3 % to 46 %.
    """
    dataset = load("bank_marketing")
    features = dataset.contract.features
    categorical = frozenset(c.name for c in dataset.contract.columns if c.type == "category" and c.name in features)
    columns = {name: dataset.columns[name] for name in features}
    matrix = np.column_stack([values.astype(np.float64) for values in columns.values()])
    edges = np.linspace(0, len(dataset), 11).astype(int)
    made = []
    for tenth in range(3, 10):
        table = np.random.default_rng(tenth).permutation(np.arange(edges[tenth - 3], edges[tenth]))
        held, learnt = np.sort(table[: len(table) // 3]), np.sort(table[len(table) // 3 :])
        model = _boosted(matrix[learnt], dataset.outcome[learnt])
        rows = Rows(columns, model(matrix), dataset.outcome)
        starts = range(edges[tenth], edges[tenth + 1] - CHUNK + 1, CHUNK)
        chunks = tuple(rows.take(np.arange(start, start + CHUNK)) for start in starts)
        made.append(Stream("bank_marketing", categorical, rows.take(held), chunks))
    return made


def _simulated(kind: str, seed: int) -> Stream:
    """Chunks that move away from the reference, step by step.

    ``covariate``: customers move, a booster has learnt how they behave. ``covariate_misfit``: a straight line has been
    fitted to what is curved, and its calibration is off where customers move to. ``concept``: customers stay and come
    to behave otherwise.
    """
    rng = np.random.default_rng(100 + seed)

    def draw(rows: int, shift: float = 0.0, turned: float = 0.0) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        x = rng.normal(size=(rows, 5))
        x[:, 0] += shift
        log_odds = -2.2 + 1.3 * x[:, 0] - 0.45 * np.maximum(x[:, 0], 0) ** 2 + 0.8 * x[:, 1] * (1 - 2 * turned)
        log_odds += 0.5 * x[:, 2] + 0.4 * x[:, 0] * x[:, 3] + turned
        return x, rng.random(rows) < 1 / (1 + np.exp(-log_odds))

    fit = _straight if kind == "covariate_misfit" else _boosted
    model = fit(*draw(8_000))

    def rows_of(x: NDArray[Any], y: NDArray[np.bool_]) -> Rows:
        return Rows({f"x{place}": x[:, place] for place in range(x.shape[1])}, model(x), y)

    steps = np.linspace(0, 1, SIMULATED_CHUNKS)
    moved = [draw(CHUNK, turned=0.6 * at) if kind == "concept" else draw(CHUNK, shift=2.0 * at) for at in steps]
    return Stream(kind, frozenset(), rows_of(*draw(4_000)), tuple(rows_of(*one) for one in moved))


def _straight(learnt: NDArray[Any], outcome: NDArray[np.bool_]) -> Model:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(learnt, outcome)
    return lambda matrix: np.asarray(fitted.predict_proba(matrix)[:, 1])


def _boosted(learnt: NDArray[Any], outcome: NDArray[np.bool_]) -> Model:
    """A booster, calibrated on its out-of-fold log-odds, as training does."""
    from lightgbm import LGBMClassifier

    def fitted(rows: NDArray[np.bool_]) -> Any:
        made = LGBMClassifier(
            n_estimators=150, learning_rate=0.04, num_leaves=8, min_child_samples=40, n_jobs=1, verbosity=-1
        )
        return made.fit(learnt[rows], outcome[rows])

    fold = np.random.default_rng(0).permutation(len(learnt)) % 5
    held = np.empty(len(learnt))
    for one in range(5):
        held[fold == one] = fitted(fold != one).predict_proba(learnt[fold == one])[:, 1]
    found = line(logit(held), outcome.astype(np.float64), np.ones(len(held)))
    assert found is not None, "no calibration line"
    slope, intercept = found.at
    booster = fitted(np.ones(len(learnt), dtype=bool))

    def probability(matrix: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(1 / (1 + np.exp(-(slope * logit(booster.predict_proba(matrix)[:, 1]) + intercept))))

    return probability
