"""CatBoost, on numbers and one-hot categories: so its trees export exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskloop.learn.candidates.candidate import Candidate, Fitting, Range


def _fit(data: Fitting) -> Any:
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        iterations=data.whole("rounds"),
        learning_rate=data.number("learning_rate"),
        depth=data.whole("max_depth"),
        l2_leaf_reg=data.number("l2"),
        random_seed=data.seed,
        thread_count=data.few_threads,  # its sums depend on how many add them up
        monotone_constraints=data.monotone or None,
        allow_writing_files=False,
        verbose=False,
    )
    return model.fit(data.matrix, data.outcome.astype(np.int8), sample_weight=data.weight)


CATBOOST = Candidate(
    "catboost",
    6,
    "onehot",
    _fit,
    parameters={"rounds": 1_000, "learning_rate": 0.04, "max_depth": 5, "l2": 3.0},
    space={
        "learning_rate": Range(0.02, 0.2, log=True),
        "max_depth": Range(4, 8, whole=True),
        "l2": Range(0.5, 50, log=True),
    },
    portfolio=({"max_depth": 4, "l2": 3.0},),
    additive=True,
    monotone=True,
)
