from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.errors import BundleRefused
from riskloop.scorer.interval import VennAbers

STEPS = VennAbers((0.2, 0.6), (0.1, 0.5), (0.3, 0.8))


@pytest.mark.parametrize(
    ("probability", "interval"),
    [(0.1, (0.0, 0.3)), (0.2, (0.1, 0.3)), (0.4, (0.1, 0.8)), (0.6, (0.5, 0.8)), (0.7, (0.5, 1.0))],
)
def test_between_two_knots_the_ends_are_those_of_the_knot_below_and_of_the_knot_above(
    probability: float, interval: tuple[float, float]
) -> None:
    assert STEPS.of(probability) == interval


def test_without_knots_nothing_is_known() -> None:
    assert VennAbers().of(0.3) == (0.0, 1.0)


@given(probability=st.floats(0, 1))
def test_one_customer_and_many_get_the_same_bits_and_the_probability_lies_inside(probability: float) -> None:
    low, high = STEPS.of_many(np.array([probability, 0.5]))
    assert (low[0], high[0]) == STEPS.of(probability)
    assert low[0] <= probability <= high[0]


def test_a_row_without_a_probability_has_no_interval() -> None:
    low, high = STEPS.of_many(np.array([math.nan]))
    assert np.isnan([low[0], high[0]]).all()


def test_it_survives_json_bit_for_bit() -> None:
    thirds = VennAbers((1 / 3,), (0.1 + 0.2,), (2 / 3,))
    assert VennAbers.from_dict(json.loads(json.dumps(thirds.to_dict()))) == thirds


@pytest.mark.parametrize(
    "changes",
    [
        {"knots": [0.6, 0.2]},
        {"knots": [0.2, 0.2]},
        {"knots": [0.2]},
        {"low": [0.5, 0.1]},
        {"high": [0.8, 0.3]},
        {"low": [0.4, 0.5]},
        {"high": [0.3, 1.1]},
        {"low": [-0.1, 0.5]},
        {"low": [math.nan, 0.5]},
        {"high": [0.3, math.inf]},
        {"low": [True, 0.5]},
        {"low": ["0.1", 0.5]},
        {"low": None},
        {"more": []},
    ],
)
def test_what_is_no_pair_of_steps_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BundleRefused, match="interval"):
        VennAbers.from_dict(STEPS.to_dict() | changes)


@pytest.mark.parametrize("document", [None, [], {}, {"knots": []}])
def test_what_is_no_interval_at_all_is_refused(document: object) -> None:
    with pytest.raises(BundleRefused):
        VennAbers.from_dict(document)


def test_more_knots_than_any_training_makes_are_refused() -> None:
    many = tuple(np.linspace(0, 1, 20_000).tolist())
    with pytest.raises(BundleRefused, match="too many"):
        VennAbers(many, many, many)
