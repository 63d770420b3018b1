"""Auditing: decisions of a training held against the protected attributes that the project names."""

from __future__ import annotations

import numpy as np
import polars as pl

from riskloop.data.dataset import Dataset
from riskloop.decide.tally import Tally
from riskloop.learn.evaluation.fairness import Fairness, Labels, find_alternatives, find_proxies, group_table, grouped
from riskloop.learn.plan import Plan, training_block
from riskloop.learn.training import Trained
from riskloop.settings import FairnessSection

_TEST_RUNGS = 200


def audit(
    rows: pl.DataFrame, dataset: Dataset, plan: Plan, trained: Trained, limits: FairnessSection
) -> Fairness | None:
    """How groups fare under the decisions of a training; None where no protected attribute is named, or in the table.

    Groups are judged on the test block; proxies and alternatives are sought on the training rows.

    Parameters
    ----------
    rows : DataFrame
        The rows of the dataset as they were read: protected attributes are no features.
    """
    named = [name for name in dataset.problem.sensitive if name in rows.columns]
    if not named:
        return None
    labels = {name: grouped(rows[name].to_list()) for name in named}
    test = trained.split.test
    act = trained.policy.act(trained.test_probability, trained.test_costs)
    groups, small = group_table(
        _of(labels, test),
        dataset.outcome[test],
        trained.test_probability,
        act,
        favourable=limits.favourable,
        minimum_rows=limits.minimum_rows,
    )
    block = training_block(dataset, trained.split.train, plan)
    training = _of(labels, trained.split.train)
    return Fairness(
        favourable=limits.favourable,
        minimum_rows=limits.minimum_rows,
        groups=groups,
        small=small,
        proxies=find_proxies(training, block, minimum_rows=limits.minimum_rows, seed=plan.seed),
        alternatives=find_alternatives(
            {name: each[block.judged] for name, each in training.items()},
            trained.contenders,
            trained.choice.chosen,
            trained.training_outcome,
            trained.training_costs,
            favourable=limits.favourable,
            minimum_rows=limits.minimum_rows,
            seed=plan.seed,
        ),
    )


def tallies(
    rows: pl.DataFrame, dataset: Dataset, plan: Plan, trained: Trained, limits: FairnessSection
) -> dict[str, Tally]:
    """Scores counted by outcome: ``out_of_fold``, where thresholds may be tried, by protected group too; and ``test``.

    Where customers cost differently, each has a threshold of their own, which no count of scores can show.
    """
    labels = {name: grouped(rows[name].to_list()) for name in dataset.problem.sensitive if name in rows.columns}
    judged = training_block(dataset, trained.split.train, plan).judged
    training = {name: each[judged] for name, each in _of(labels, trained.split.train).items()}
    threshold = trained.policy.threshold
    return {
        "out_of_fold": Tally.of(
            trained.training_outcome,
            trained.choice.chosen.probability,
            thresholds=(threshold,),
            groups=training,
            minimum_rows=limits.minimum_rows,
        ),
        "test": Tally.of(
            dataset.outcome[trained.split.test], trained.test_probability, thresholds=(threshold,), rungs=_TEST_RUNGS
        ),
    }


def _of(labels: Labels, rows: np.ndarray) -> Labels:
    return {name: each[rows] for name, each in labels.items()}
