"""Learning from a table that is never in one place: which rows learn, judge and test; what is counted by partition.

Boosters of LightGBM and XGBoost need no statistics of numbers, and codes of categories come from the contract. Only a
category of very many levels is a table of risks: rows and positives by level, which add up over partitions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract
from riskloop.data.dataset import COMMON_PROFILE
from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.choice import Contender
from riskloop.learn.contending import contend, recency
from riskloop.learn.crossfit import Fitted, OutOfFold
from riskloop.learn.export.dispatch import export
from riskloop.learn.features import CODE_LEVELS, INNER_FOLDS, fit_encoding
from riskloop.learn.parity import shortened
from riskloop.learn.plan import Plan
from riskloop.learn.refitting import Ingredient, Refitted
from riskloop.learn.rounds import best_rounds
from riskloop.learn.target_encoding import LevelCounts, table_of
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.scorer import Scorer

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Keys = NDArray[np.uint64]
FAMILIES = ("lightgbm", "xgboost")
"""Those that are fitted to partitions."""
LEARNS, JUDGES, TESTS = 0, 1, 2
"""What a row is for."""
MOST_HELD_OUT = 200_000
"""Rows that judge, and as many that test: a ROC-AUC is then known to about .003, and they fit into any memory."""


def keys_of(ids: Sequence[str | None] | None, first_row: int, rows: int, seed: int) -> Keys:
    """A scrambled number for every row, the same for all rows of a customer, whatever partition they are in.

    A row without an id goes by its place in the dataset.
    """
    places = np.arange(first_row, first_row + rows, dtype=np.uint64) + np.uint64(1 << 32)
    if ids is None:
        return _scrambled(places, seed)
    named = (place if one is None else crc32(one.encode()) for one, place in zip(ids, places.tolist(), strict=True))
    return _scrambled(np.fromiter(named, np.uint64, rows), seed)


def _scrambled(numbers: Keys, seed: int) -> Keys:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    mixed = numbers + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


@dataclass(frozen=True)
class Shares:
    """Of the rows, how many judge, how many test; the rest learns."""

    judges: float
    tests: float

    @classmethod
    def of(cls, rows: int, plan: Plan, most: int = MOST_HELD_OUT) -> Shares:
        """As many as the plan's test block and one of its folds would hold, within limits."""
        return cls(min(1 / plan.folds, most / rows), min(plan.test_share, most / rows))

    def roles(self, keys: Keys) -> NDArray[np.int8]:
        """What every row is for."""
        place = (keys >> np.uint64(11)).astype(np.float64) / 2**53
        held_out = np.where(place < self.tests, TESTS, JUDGES)
        return np.where(place < self.tests + self.judges, held_out, LEARNS).astype(np.int8)


def profiles_of(columns: Columns) -> Keys:
    """A number for what every row looks like: rows alike in every feature share it."""
    return pl.DataFrame(dict(columns)).hash_rows().to_numpy()


def copied(profiles: Keys) -> Keys:
    """Those of held-out rows that must not be learnt from: all but common ones, which are no sign of a copy."""
    values, counts = np.unique(profiles, return_counts=True)
    return values[counts <= max(2.0, COMMON_PROFILE * len(profiles))]


def many_levels(contract: Contract) -> list[str]:
    """Categories of more levels than a histogram takes as codes."""
    return [one.name for one in contract.used if one.type == "category" and len(one.levels) > CODE_LEVELS]


def inner_folds(keys: Keys) -> NDArray[np.int8]:
    """Folds within which the risk of a level is found without the row's own outcome."""
    return (_scrambled(keys, 1) % np.uint64(INNER_FOLDS)).astype(np.int8)


def encoding_of(
    contract: Contract, columns: Columns, derived: Mapping[str, str], counts: Mapping[str, LevelCounts]
) -> Encoding:
    """The encoding that `riskloop.learn.features.fit_encoding` would find on all rows together.

    Parameters
    ----------
    columns : Columns
        Of any rows: nothing of what is counted is taken from them.
    counts : mapping of name to LevelCounts
        Of the rows that learn, for `many_levels`.
    """
    plain = fit_encoding(contract, columns, "native", derived)
    return Encoding(
        tuple(
            table_of(contract.by_name[block.source], counts[block.source]) if block.source in counts else block
            for block in plain.blocks
        )
    )


def matrix_of(
    encoding: Encoding, contract: Contract, columns: Columns, keys: Keys, counts: Mapping[str, LevelCounts]
) -> FloatArray:
    """The matrix that the model is to learn from; see `riskloop.learn.features.fit_matrix`."""
    matrix = encoding.matrix(columns)
    fold = inner_folds(keys)
    for block, place in encoding.places:
        if block.kind == "table":
            column = contract.by_name[block.source]
            matrix[:, place] = counts[block.source].crossfitted(column, columns[block.source], fold)
    return matrix


@dataclass(frozen=True)
class Learnt:
    """A family that was fitted to the rows that learn."""

    candidate: Candidate
    estimator: object
    seconds: float


def contender_of(learnt: Learnt, encoding: Encoding, block: Block, plan: Plan) -> tuple[Contender, Refitted]:
    """What a family is worth on the rows that judge, none of which it has seen, and what would serve.

    It is the same model: nothing is fitted again.
    """
    model = export(learnt.estimator)
    matrix, began = encoding.matrix(block.columns), time.thread_time()
    margin = model.margin(matrix)
    seconds = (time.thread_time() - began) / len(margin) * 1000
    result = OutOfFold(margin, learnt.seconds, seconds, models=((encoding, model),) * block.folds)
    candidate, result = best_rounds(learnt.candidate, result, block, recency(block))
    contender = contend(candidate.name, candidate.complexity, result, block, plan, candidate=candidate)
    estimator = shortened(learnt.estimator, int(candidate.parameters["rounds"]))
    fitted = Fitted(encoding, result.models[0][1], estimator, learnt.seconds)
    scorer = Scorer(block.contract, encoding, fitted.model, contender.calibration.calibration)
    return contender, Refitted(scorer, (Ingredient(fitted, 1.0),))
