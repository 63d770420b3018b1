from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.errors import BundleRefused
from riskloop.scorer.calibration import EDGE, Calibration

unhurried = settings(deadline=None)
margins = st.lists(st.floats(-60, 60), min_size=1, max_size=40)
slope = st.floats(0, 20)
level = st.floats(-15, 15)


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    kind = draw(st.sampled_from(["none", "sigmoid", "beta", "isotonic"]))
    if kind == "sigmoid":
        return Calibration("sigmoid", (draw(slope) + 1e-9, draw(level)))
    if kind == "beta":
        return Calibration("beta", (draw(slope), draw(slope), draw(level)))
    if kind == "isotonic":
        knots = sorted(draw(st.lists(level, min_size=1, max_size=12, unique=True)))
        levels = sorted(draw(st.lists(level, min_size=len(knots), max_size=len(knots))))
        return Calibration("isotonic", knots=tuple(knots), levels=tuple(levels))
    return Calibration()


@unhurried
@given(calibrations(), margins)
def test_a_higher_margin_never_has_a_lower_probability(calibration: Calibration, margin: list[float]) -> None:
    probability = calibration.probability(np.sort(np.array(margin)))
    assert (np.diff(probability) >= -1e-15).all()


@unhurried
@given(calibrations(), margins)
def test_a_probability_is_never_certain(calibration: Calibration, margin: list[float]) -> None:
    probability = calibration.probability(np.array([*margin, -math.inf, math.inf]))
    assert probability.min() >= EDGE * 0.999
    assert probability.max() < 1


@unhurried
@given(calibrations(), margins)
def test_one_customer_gets_the_probability_he_has_in_the_table(calibration: Calibration, margin: list[float]) -> None:
    table = calibration.probability(np.array([*margin, -math.inf, math.inf]))
    alone = [calibration.probability_of(value) for value in [*margin, -math.inf, math.inf]]
    assert np.abs(table - alone).max() < 1e-15


@unhurried
@given(calibrations())
def test_it_survives_json_bit_for_bit(calibration: Calibration) -> None:
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


def test_none_is_the_logistic_function() -> None:
    margin = np.linspace(-20, 20, 101)
    assert np.allclose(Calibration().probability(margin), 1 / (1 + np.exp(-margin)), rtol=1e-14)


def test_beta_with_equal_slopes_is_the_sigmoid() -> None:
    margin = np.linspace(-20, 20, 101)
    beta, sigmoid = Calibration("beta", (0.7, 0.7, -1.0)), Calibration("sigmoid", (0.7, -1.0))
    assert np.allclose(beta.probability(margin), sigmoid.probability(margin), rtol=1e-12)


def test_isotonic_passes_through_its_knots_and_keeps_the_order_beyond_them() -> None:
    calibration = Calibration("isotonic", knots=(-1.0, 0.0, 2.0), levels=(-2.0, -2.0, 1.0))
    at_knots = calibration.probability(np.array([-1.0, 0.0, 2.0]))
    assert np.allclose(at_knots, 1 / (1 + np.exp([2.0, 2.0, -1.0])))
    assert (np.diff(calibration.probability(np.array([-9.0, -5.0, -1.0]))) > 0).all()
    assert (np.diff(calibration.probability(np.array([2.0, 5.0, 9.0]))) > 0).all()


good = Calibration("isotonic", knots=(0.0, 1.0), levels=(0.0, 1.0)).to_dict()
malformed: list[Any] = [
    None,
    [],
    {},
    good | {"extra": 1},
    good | {"kind": "magic"},
    good | {"kind": ["isotonic"]},
    good | {"kind": "sigmoid"},
    good | {"knots": [1.0, 0.0]},
    good | {"knots": [0.0, 0.0]},
    good | {"levels": [1.0, 0.0]},
    good | {"levels": [0.0]},
    good | {"levels": [0.0, math.nan]},
    good | {"levels": [0.0, "1"]},
    good | {"levels": [0.0, True]},
    good | {"levels": "01"},
    good | {"knots": [], "levels": []},
    {"kind": "sigmoid", "coefficients": [-1.0, 0.0], "knots": [], "levels": []},
    {"kind": "sigmoid", "coefficients": [1.0], "knots": [], "levels": []},
    {"kind": "beta", "coefficients": [1.0, -0.1, 0.0], "knots": [], "levels": []},
    {"kind": "none", "coefficients": [1.0], "knots": [], "levels": []},
]


@pytest.mark.parametrize("fields", malformed)
def test_what_is_malformed_is_refused(fields: Any) -> None:
    with pytest.raises(BundleRefused, match="calibration cannot be used"):
        Calibration.from_dict(fields)
