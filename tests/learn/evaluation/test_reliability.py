from __future__ import annotations

import json

import numpy as np
import pytest

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.evaluation.reliability import in_the_large, reliability


def customers(n: int, seed: int = 5) -> tuple[BoolArray, FloatArray]:
    rng = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-rng.normal(-2, 1.5, n)))
    return rng.random(n) < probability, probability


def test_every_customer_is_in_one_bin_and_bins_rise() -> None:
    curve = reliability(*customers(777))
    assert sum(one.rows for one in curve.bins) == 777
    foreseen = [one.foreseen for one in curve.bins]
    assert foreseen == sorted(foreseen)
    json.dumps(curve.to_dict(), allow_nan=False)


def test_probabilities_that_come_true_lie_within_most_intervals() -> None:
    inside = [
        one.observed.low <= one.foreseen <= one.observed.high
        for seed in range(20)
        for one in reliability(*customers(2_000, seed)).bins
    ]
    assert 0.9 < np.mean(inside) < 0.99


def test_twice_the_positives_foreseen_is_a_ratio_of_two() -> None:
    outcome, probability = customers(5_000)
    ratio = in_the_large(outcome, probability / 2)
    assert ratio.low < 2 < ratio.high
    assert in_the_large(outcome, probability).value == pytest.approx(outcome.sum() / probability.sum())
