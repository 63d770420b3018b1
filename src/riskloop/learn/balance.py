"""A rare outcome: weights, or synthetic rows, for the rows that a model is fitted to and for no others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.candidates.candidate import Balance

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_NEIGHBOURS = 5


@dataclass(frozen=True)
class Balanced:
    """Training rows after balancing.

    Attributes
    ----------
    matrix : float array, shape (m, p)
    outcome : bool array, shape (m,)
    weight : float array, shape (m,), or None
    shift : float
        What the odds of the training rows were raised by, in log-odds: what a model fitted to them must be lowered by.
    """

    matrix: FloatArray
    outcome: BoolArray
    weight: FloatArray | None = None
    shift: float = 0.0


def balance(kind: Balance, matrix: FloatArray, outcome: BoolArray, categorical: list[int], *, seed: int) -> Balanced:
    """Make both outcomes weigh the same.

    ``weights`` weighs the rows of the rarer outcome; ``smote`` draws new ones between neighbours (Chawla et al., 2002;
    for category codes the level most neighbours have). Missing numbers are taken at the median where neighbours are
    looked for, since distance to the unknown is not defined.

    Parameters
    ----------
    kind : {"none", "weights", "smote"}
    matrix : float array, shape (n, p)
    outcome : bool array, shape (n,)
    categorical : list of int
        Columns that hold codes.
    seed : int
    """
    positives, negatives = int(outcome.sum()), int((~outcome).sum())
    rarer = min(positives, negatives)
    if kind == "none" or not rarer or positives == negatives:
        return Balanced(matrix, outcome)
    shift = math.log(negatives / positives)
    if kind == "weights":
        weight = np.where(outcome, len(outcome) / (2 * positives), len(outcome) / (2 * negatives))
        return Balanced(matrix, outcome, weight, shift)
    if rarer < 2:  # one row has no neighbour to draw towards
        return Balanced(matrix, outcome)
    return _smote(matrix, outcome, categorical, min(_NEIGHBOURS, rarer - 1), seed, shift)


def _smote(
    matrix: FloatArray, outcome: BoolArray, categorical: list[int], neighbours: int, seed: int, shift: float
) -> Balanced:
    from imblearn.over_sampling import SMOTE, SMOTENC  # type: ignore[import-untyped]

    filled = _filled(matrix, categorical)
    if len(categorical) == matrix.shape[1]:  # SMOTENC wants a number; distances between codes alone mean little
        return balance("weights", matrix, outcome, categorical, seed=seed)
    sampler = (
        SMOTENC(categorical, random_state=seed, k_neighbors=neighbours)
        if categorical
        else SMOTE(random_state=seed, k_neighbors=neighbours)
    )
    drawn, labels = sampler.fit_resample(filled, outcome)
    drawn = np.asarray(drawn, dtype=np.float64)
    drawn[: len(matrix)] = matrix  # the rows that were there keep their gaps
    codes = drawn[:, categorical]
    drawn[:, categorical] = np.where(codes < 0, np.nan, codes)
    return Balanced(drawn, np.asarray(labels, dtype=bool), None, shift)


def _filled(matrix: FloatArray, categorical: list[int]) -> FloatArray:
    known = ~np.isnan(matrix)
    middle = np.array(
        [np.median(column[ok]) if ok.any() else 0.0 for column, ok in zip(matrix.T, known.T, strict=True)]
    )
    middle[categorical] = -1.0
    return np.where(known, matrix, middle)
