from __future__ import annotations

import numpy as np
import pytest

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.levels import Levels, levelled, shift


def stretches(levels: list[float], slope: float = 0.5, rows: int = 4000) -> tuple[FloatArray, BoolArray, np.ndarray]:
    """Margins, outcomes and stretches of customers whose log-odds are ``slope * margin + level``."""
    rng = np.random.default_rng(5)
    stretch = np.repeat(np.arange(len(levels)), rows)
    margin = rng.normal(-1, 1.5, len(stretch))
    chance = 1 / (1 + np.exp(-(slope * margin + np.array(levels)[stretch])))
    return margin, rng.random(len(stretch)) < chance, stretch


def test_the_slope_is_common_and_every_stretch_has_its_level() -> None:
    levels = Levels.of(*stretches([-2.0, -1.0, 0.5]))
    assert levels.slope == pytest.approx(0.5, abs=0.04)
    assert levels.level == pytest.approx([-2.0, -1.0, 0.5], abs=0.12)
    assert np.sqrt(levels.variance) == pytest.approx([0.05, 0.04, 0.04], abs=0.015)


def test_a_level_that_stays_is_the_mean_of_all_stretches() -> None:
    levels = Levels.of(*stretches([-1.0] * 6))
    level, deviation = levels.forecast()
    assert level == pytest.approx(levels.level.mean(), abs=0.02)
    assert deviation < 0.05


def test_a_level_that_walks_is_the_last_one_and_the_forecast_says_how_unsure_it_is() -> None:
    level, deviation = Levels.of(*stretches([-3.0, -2.0, -2.8, -1.5, -1.0])).forecast()
    assert level == pytest.approx(-1.0, abs=0.15)
    assert 0.6 < deviation < 1.2


def test_an_unsure_level_brings_probabilities_nearer_to_one_half() -> None:
    sure = Levels(1.0, np.array([-3.0, -3.0, -3.0]), np.full(3, 1e-4)).calibration()
    unsure = Levels(1.0, np.array([-4.0, -1.5, -3.0]), np.full(3, 1e-4)).calibration()
    assert sure.probability_of(0.0) == pytest.approx(0.0474, abs=1e-3)
    assert sure.probability_of(0.0) < unsure.probability_of(0.0) < 0.5
    # the mean over all levels that may come, by simulation
    level, deviation = Levels(1.0, np.array([-4.0, -1.5, -3.0]), np.full(3, 1e-4)).forecast()
    drawn = np.random.default_rng(0).normal(level, deviation, 200_000)
    assert unsure.probability_of(0.0) == pytest.approx((1 / (1 + np.exp(-drawn))).mean(), abs=0.02)


def test_a_model_that_ranks_backwards_keeps_its_order_and_says_nothing() -> None:
    margin, outcome, stretch = stretches([-1.0, -1.0], slope=-0.6)
    calibration = Levels.of(margin, outcome, stretch).calibration()
    low, high = calibration.probability(np.array([-3.0, 3.0]))
    assert low == pytest.approx(high, abs=1e-6)
    assert low == pytest.approx(outcome.mean(), abs=0.02)


def test_a_shift_brings_the_expected_positives_to_those_observed() -> None:
    margin, outcome, _ = stretches([0.7])
    moved = margin * 40 + shift(margin * 40, outcome)
    assert (1 / (1 + np.exp(-moved))).mean() == pytest.approx(outcome.mean(), abs=1e-6)


def test_levelled_margins_differ_from_stretch_to_stretch_by_rank_only() -> None:
    margin, outcome, stretch = stretches([-3.0, 1.0], slope=1.0)
    even = levelled(margin, outcome, stretch)
    for number in (0, 1):
        here = stretch == number
        assert np.ptp(even[here] - margin[here]) == pytest.approx(0, abs=1e-9)
        assert (1 / (1 + np.exp(-even[here]))).mean() == pytest.approx(outcome[here].mean(), abs=1e-6)
