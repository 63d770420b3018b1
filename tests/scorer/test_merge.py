from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from riskloop.learn.export.dispatch import export
from riskloop.scorer.forest.merge import alike, merge


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(4)
    matrix = np.column_stack([rng.normal(0, 1, 900), rng.normal(0, 1, 900), rng.integers(0, 12, 900)])
    matrix[::7, 0] = np.nan
    return matrix, rng.random(900) < 1 / (1 + np.exp(-(matrix[:, 1] + (matrix[:, 2] % 3))))


def boosting(matrix, outcome, seed):
    model = HistGradientBoostingClassifier(max_iter=12, max_leaf_nodes=7, categorical_features=[2], random_state=seed)
    rows = np.random.default_rng(seed).random(len(outcome)) < 0.6
    return export(model.fit(matrix[rows], outcome[rows]))


def test_merged_forests_give_the_weighted_sum(customers):
    matrix, outcome = customers
    forests = [boosting(matrix, outcome, seed) for seed in range(4)]
    weights = [0.4, 0.3, 0.2, -0.1]
    strange = matrix.copy()
    strange[:50, 2] = 40  # a code that no tree has seen
    expected = sum(weight * forest.margin(strange) for forest, weight in zip(forests, weights, strict=True))
    assert np.abs(merge(forests, weights).margin(strange) - expected).max() < 1e-12


def test_a_mean_of_probabilities_is_not_merged(customers):
    matrix, outcome = customers
    forest = export(RandomForestClassifier(5, max_depth=3, random_state=1).fit(np.nan_to_num(matrix), outcome))
    assert not alike(forest, forest)
    assert not alike(forest, boosting(matrix, outcome, 1))
