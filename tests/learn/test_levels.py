from __future__ import annotations

import numpy as np
import pytest

from riskloop.learn.levels import Forecast, Levels, Rows, levelled, shift


def stretches(levels: list[float], slope: float = 0.5, rows: int = 4000) -> Rows:
    """Customers whose log-odds are ``slope * margin + level``."""
    rng = np.random.default_rng(5)
    stretch = np.repeat(np.arange(len(levels)), rows)
    margin = rng.normal(-1, 1.5, len(stretch))
    chance = 1 / (1 + np.exp(-(slope * margin + np.array(levels)[stretch])))
    return Rows(margin, rng.random(len(stretch)) < chance, stretch)


def rolled(rows: Rows) -> tuple[Rows, list[Rows]]:
    """The stretches after the first, and for each of them those before it."""
    return rows.take(rows.stretch > 0), [
        rows.take(rows.stretch < number) for number in range(1, rows.stretch.max() + 1)
    ]


def test_every_stretch_has_its_level() -> None:
    levels = Levels.of(stretches([-2.0, -1.0, 0.5]), 0.5)
    assert levels.level == pytest.approx([-2.0, -1.0, 0.5], abs=0.12)
    assert np.sqrt(levels.variance) == pytest.approx([0.05, 0.04, 0.04], abs=0.015)


def test_a_stretch_without_both_outcomes_has_no_level() -> None:
    rows = stretches([-2.0, -1.0, 0.5])
    rows.outcome[rows.stretch == 1] = False
    assert len(Levels.of(rows, 0.5).level) == 2


def test_a_level_that_stays_is_the_mean_of_all_stretches() -> None:
    rows = stretches([-1.0] * 6)
    forecast = Forecast.learn(*rolled(rows))
    level, deviation = forecast.level(rows)
    assert forecast.slope == pytest.approx(0.5, abs=0.04)
    assert level == pytest.approx(Levels.of(rows, forecast.slope).level.mean(), abs=0.02)
    assert deviation < 0.05


def test_a_level_that_walks_is_the_last_one_and_the_forecast_says_how_unsure_it_is() -> None:
    rows = stretches([-3.0, -2.0, -2.8, -1.5, -1.0])
    level, deviation = Forecast.learn(*rolled(rows)).level(rows)
    assert level == pytest.approx(-1.0, abs=0.15)
    assert 0.6 < deviation < 1.2


def test_an_unsure_level_brings_probabilities_nearer_to_one_half() -> None:
    rows = stretches([-3.0, -3.0], slope=1.0)
    sure, unsure = (Forecast(1.0, step).calibration(rows) for step in (0.0, 1.5))
    assert sure.probability_of(0.0) == pytest.approx(0.0474, abs=3e-3)
    assert sure.probability_of(0.0) < unsure.probability_of(0.0) < 0.5
    # the mean over all levels that may come, by simulation
    drawn = np.random.default_rng(0).normal(*Forecast(1.0, 1.5).level(rows), 200_000)
    assert unsure.probability_of(0.0) == pytest.approx((1 / (1 + np.exp(-drawn))).mean(), abs=0.02)


def test_a_model_that_ranks_backwards_keeps_its_order_and_says_nothing() -> None:
    rows = stretches([-1.0, -1.0, -1.0], slope=-0.6)
    calibration = Forecast.learn(*rolled(rows)).calibration(rows)
    low, high = calibration.probability(np.array([-3.0, 3.0]))
    assert low == pytest.approx(high, abs=1e-6)
    assert low == pytest.approx(rows.outcome.mean(), abs=0.02)


def test_a_shift_brings_the_expected_positives_to_those_observed() -> None:
    rows = stretches([0.7])
    margin, outcome = rows.margin, rows.outcome
    moved = margin * 40 + shift(margin * 40, outcome)
    assert (1 / (1 + np.exp(-moved))).mean() == pytest.approx(outcome.mean(), abs=1e-6)


def test_levelled_margins_differ_from_stretch_to_stretch_by_rank_only() -> None:
    rows = stretches([-3.0, 1.0], slope=1.0)
    margin, outcome, stretch = rows.margin, rows.outcome, rows.stretch
    even = levelled(margin, outcome, stretch)
    for number in (0, 1):
        here = stretch == number
        assert np.ptp(even[here] - margin[here]) == pytest.approx(0, abs=1e-9)
        assert (1 / (1 + np.exp(-even[here]))).mean() == pytest.approx(outcome[here].mean(), abs=1e-6)
