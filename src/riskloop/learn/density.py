"""The density ratio: how much likelier rows are now than in the reference, by a classifier that tells them apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import FloatArray
from riskloop.learn.evaluation.ranking import Ranking
from riskloop.watch.recalibration import line

Columns = Mapping[str, NDArray[Any]]
MOST_ROWS = 20_000
"""Rows of either side that the classifier sees; more hardly change it."""

_FOLDS = 5
_LARGEST = 20.0
_Z = 2.576  # of 99 %: below, the two are taken to be alike
_PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_child_samples": 50,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "cat_smooth": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
_ROUNDS = 150


@dataclass(frozen=True, slots=True)
class DensityRatio:
    """How the current rows are distributed over the reference.

    Attributes
    ----------
    weights : float array, shape (n,)
        Of the reference rows, with mean 1: how much likelier each is now. All 1 where nothing tells them apart.
    roc_auc : float
        Of the classifier, on rows that it had not seen: .5 where old and new rows are alike.
    shifted : bool
        Whether it does better than chance.
    overlap : float
        Share of the current rows that have reference rows like them: near 0 where every row gives its side away.
    """

    weights: FloatArray
    roc_auc: float
    shifted: bool
    overlap: float


def density_ratio(reference: Columns, current: Columns, categorical: frozenset[str], *, seed: int) -> DensityRatio:
    """Weights of reference rows that make them look like the current ones.

    A booster learns to tell current rows from reference rows in five folds, and every row is judged by a model that has
    not seen it; odds over the ratio of the sizes are the density ratio (Bickel, Brückner and Scheffer, 2009). They are
    calibrated, cut at 20 and brought to mean 1; what their mean was before is the overlap, for a density ratio has mean
    1 over the reference if that reaches everywhere. Where the booster is no better than chance all weights are 1: noise
    would only cost rows.

    Parameters
    ----------
    reference, current : mapping of str to array
        Decoded features: numbers with NaN, categories as codes with -1.
    categorical : frozenset of str
    """
    import lightgbm

    names = sorted(reference)
    before, now = _matrix(reference, names, categorical), _matrix(current, names, categorical)
    matrix = np.vstack([before, now])
    is_now = np.arange(len(matrix)) >= len(before)
    fold = np.random.default_rng(seed).permutation(len(matrix)) % _FOLDS
    at = [place for place, name in enumerate(names) if name in categorical]
    margin = np.empty(len(matrix))
    for one in range(_FOLDS):
        rows = lightgbm.Dataset(
            matrix[fold != one], is_now[fold != one].astype(np.float64), categorical_feature=at or "auto"
        )
        booster = lightgbm.train({**_PARAMETERS, "seed": seed}, rows, num_boost_round=_ROUNDS)
        margin[fold == one] = booster.predict(matrix[fold == one], raw_score=True)
    ranking = Ranking.of(is_now, margin)
    found = ranking.counted(np.ones(len(matrix))).roc_auc()
    error = math.sqrt((len(matrix) + 1) / (12 * len(before) * len(now)))  # of the ROC-AUC under no difference
    told = line(margin, is_now.astype(np.float64), np.ones(len(margin)), hold=1.0)
    if told is None or told.at[0] <= 0 or found <= 0.5 + _Z * error:
        return DensityRatio(np.ones(len(before)), found, False, 1.0)
    odds = np.exp(np.clip(told.at[0] * margin[~is_now] + told.at[1], -30, 30)) * len(before) / len(now)
    cut = np.minimum(odds, _LARGEST)
    return DensityRatio(cut / cut.mean(), found, True, min(1.0, float(cut.mean())))


def _matrix(columns: Columns, names: list[str], categorical: frozenset[str]) -> FloatArray:
    made = []
    for name in names:
        values = columns[name].astype(np.float64)
        made.append(np.where(values < 0, np.nan, values) if name in categorical else values)
    return np.column_stack(made)
