from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.errors import BundleRefused
from riskloop.scorer.linear import Linear


def model(width: int, seed: int = 0) -> Linear:
    rng = np.random.default_rng(seed)
    return Linear(rng.normal(size=width) * 10.0 ** rng.integers(-8, 8, width), -1.25)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 70), st.integers(1, 9), st.integers(0, 1000), st.sampled_from("CF"))
def test_a_row_gives_the_same_bits_alone_as_among_others(width, rows, seed, order):
    matrix = np.array(np.random.default_rng(seed).normal(size=(rows, width)), order=order)
    linear = model(width, seed)
    together = linear.margin(matrix)
    assert together.tolist() == [linear.margin(matrix[row : row + 1])[0] for row in range(rows)]


def test_a_row_gives_the_same_bits_alone_as_within_a_hundred_thousand():
    matrix = np.random.default_rng(1).normal(size=(100_003, 23))
    linear = model(23)
    together = linear.margin(matrix)
    for row in (0, 1, 2047, 2048, 2049, 50_000, 100_002):
        assert linear.margin(matrix[row : row + 1])[0] == together[row]
        assert linear.margin(np.asfortranarray(matrix[row : row + 3]))[0] == together[row]


def test_the_margin_is_the_exact_sum_to_within_rounding():
    matrix = np.random.default_rng(2).normal(size=(50, 40))
    linear = Linear(np.random.default_rng(3).normal(size=40), 0.5)
    exact = [math.fsum([*(row * linear.coefficients), 0.5]) for row in matrix]
    assert np.allclose(linear.margin(matrix), exact, rtol=0, atol=1e-13)


def test_a_missing_value_has_no_margin():
    assert np.isnan(Linear(np.ones(2), 0.0).margin(np.array([[1.0, np.nan], [1.0, 1.0]]))).tolist() == [True, False]


def test_nobody_has_no_margin():
    assert Linear(np.ones(2), 0.0).margin(np.empty((0, 2))).shape == (0,)


def test_arrays_come_back():
    linear = model(5)
    again = Linear.from_arrays(linear.to_arrays())
    assert again.intercept == linear.intercept
    assert again.n_features == 5
    assert np.array_equal(again.coefficients, linear.coefficients)


@pytest.mark.parametrize(
    "change",
    [
        {"coefficients": np.array([np.nan])},
        {"coefficients": np.array([np.inf])},
        {"coefficients": np.array([1])},
        {"coefficients": np.array([True])},
        {"coefficients": np.array([[1.0]])},
        {"coefficients": np.array([])},
        {"coefficients": np.array(1.0)},
        {"intercept": np.array([np.nan])},
        {"intercept": np.array([1.0, 2.0])},
        {"intercept": np.array(1.0)},
        {"more": np.array([1.0])},
    ],
)
def test_arrays_that_are_no_linear_model_are_refused(change):
    with pytest.raises(BundleRefused):
        Linear.from_arrays(model(1).to_arrays() | change)
    with pytest.raises(BundleRefused):
        Linear.from_arrays({"coefficients": np.ones(1)})
