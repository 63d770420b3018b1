"""RiskClassifier behaves as scikit-learn expects of a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskloop.learn.estimator import RiskClassifier


@parametrize_with_checks([RiskClassifier()])
def test_it_passes_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture
def customers() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"age": rng.integers(18, 80, 800).astype(float), "plan": rng.choice(["basic", "plus", "NA"], 800)}
    )
    frame.loc[:20, "age"] = np.nan
    risk = 1 / (1 + np.exp(-(0.05 * (frame["age"].fillna(40) - 45) + 1.5 * (frame["plan"] == "NA"))))
    return frame, (rng.random(800) < risk).to_numpy()


def test_a_data_frame_with_categories_and_missing_values_is_learnt_from(
    customers: tuple[pd.DataFrame, np.ndarray],
) -> None:
    frame, outcome = customers
    scores = cross_val_score(RiskClassifier(), frame, outcome, scoring="roc_auc", cv=3)
    assert scores.mean() > 0.7


def test_a_dearer_missed_positive_lowers_the_threshold(customers: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, outcome = customers
    even = RiskClassifier().fit(frame, outcome).predict(frame).mean()
    careful = RiskClassifier(cost_fn=10).fit(frame, outcome).predict(frame).mean()
    assert careful > even


def test_an_unseen_category_is_scored_as_unknown(customers: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, outcome = customers
    model = RiskClassifier().fit(frame, outcome)
    stranger = pd.DataFrame({"age": [50.0], "plan": ["gold"]})
    assert 0 < model.predict_proba(stranger)[0, 1] < 1
