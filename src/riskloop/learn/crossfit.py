"""Cross-fitting: every training row is predicted by a model that has not seen it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract
from riskloop.learn.candidates import Candidate, Fitting
from riskloop.learn.export.dispatch import export
from riskloop.learn.features import fit_encoding
from riskloop.learn.threads import considerate_threads
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.scorer import Model

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """The training block: decoded columns, outcome and fold numbers, arrays of shape (n,)."""

    contract: Contract
    columns: Columns
    outcome: BoolArray
    fold: NDArray[np.int8]
    derived: Mapping[str, str] = field(default_factory=dict)

    def rows(self, mask: BoolArray) -> Columns:
        return {name: values[mask] for name, values in self.columns.items()}


@dataclass(frozen=True)
class Fitted:
    """One fitted family in the form in which it will serve, and the library's own estimator to compare with."""

    encoding: Encoding
    model: Model
    estimator: object
    seconds: float


@dataclass(frozen=True)
class OutOfFold:
    """Log-odds of every training row from a model that has not seen it.

    Attributes
    ----------
    margin : float array, shape (n,)
    fit_seconds, predict_seconds : float
        Mean time to fit one fold, and to predict 1,000 rows.
    """

    margin: FloatArray
    fit_seconds: float
    predict_seconds: float


@considerate_threads()
def fit(candidate: Candidate, block: Block, mask: BoolArray, *, seed: int, threads: int | None = None) -> Fitted:
    """Fit encoding and model on the rows of `mask`, shape (n,), and export the model to plain arrays."""
    started = time.perf_counter()
    columns = block.rows(mask)
    encoding = fit_encoding(block.contract, columns, candidate.style, block.derived)
    data = Fitting(
        encoding.matrix(columns), block.outcome[mask], encoding.categorical, seed, threads or os.cpu_count() or 1
    )
    estimator = candidate.fit(data)
    return Fitted(encoding, export(estimator), estimator, time.perf_counter() - started)


def crossfit(
    candidate: Candidate, block: Block, *, seed: int, on_fold: Callable[[int, int], None] | None = None
) -> OutOfFold:
    """Fit once per fold and predict the fold left out; encodings are fitted inside the folds too."""
    count = int(block.fold.max()) + 1
    margin = np.empty(len(block.outcome))
    fit_seconds, predict_seconds = 0.0, 0.0
    for number in range(count):
        held_out = block.fold == number
        fitted = fit(candidate, block, ~held_out, seed=seed)
        fit_seconds += fitted.seconds
        started = time.perf_counter()
        margin[held_out] = fitted.model.margin(fitted.encoding.matrix(block.rows(held_out)))
        predict_seconds += time.perf_counter() - started
        if on_fold:
            on_fold(number + 1, count)
    return OutOfFold(margin, fit_seconds / count, predict_seconds / len(margin) * 1000)
