from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.errors import UsageError
from riskloop.intervals import Interval
from riskloop.watch.experiment import Design, Look, Tally, days_more, difference, looks, rounded
from riskloop.watch.power import Drawn, detectable, needed

COSTS = (0.0, 1.0, 10.0)
MEAN = 0.4
DESIGN = Design(share=0.2, low=-MEAN, high=10 - MEAN, span=10, spread=1.4, planned=20_000)
USUAL = (0.78, 0.20, 0.02)
BETTER = (0.79, 0.20, 0.01)


def tally(champion: tuple[int, ...], challenger: tuple[int, ...], alike: int = 0) -> Tally:
    made = Tally()
    for arm, counts in enumerate((champion, challenger)):
        for cost, count in zip(COSTS, counts, strict=True):
            made.add(arm, cost - MEAN, cost, count)
    made.add(0, None, 0.0, alike)
    return made


def days(
    rng: np.random.Generator, challenger: tuple[float, ...], count: int, a_day: int
) -> Iterator[tuple[date, Tally]]:
    for day in range(count):
        arms = rng.binomial(a_day, DESIGN.share)
        drawn = rng.multinomial(a_day - arms, USUAL), rng.multinomial(arms, challenger)
        yield date(2026, 1, 1) + timedelta(days=day), tally(*(tuple(map(int, one)) for one in drawn))


def test_a_challenger_that_misses_less_is_told_to_save() -> None:
    found = looks(days(np.random.default_rng(1), BETTER, 40, 1_000), DESIGN)
    assert found[0].difference.high > 0 > found[-1].difference.high
    assert found[-1].difference.low < -0.1 < found[-1].difference.high


def test_the_interval_only_narrows_from_day_to_day() -> None:
    found = looks(days(np.random.default_rng(2), USUAL, 30, 300), DESIGN)
    lows = [one.difference.low for one in found]
    highs = [one.difference.high for one in found]
    assert lows == sorted(lows)
    assert highs == sorted(highs, reverse=True)


def test_looking_every_day_finds_a_difference_that_is_not_there_in_5_percent_at_most() -> None:
    """With rare, dear misses in a small arm only, where tests that lean on a variance are wrong a third of the time."""
    rng = np.random.default_rng(3)
    champion, challenger = (0.80, 0.20, 0.00), (0.98, 0.00, 0.02)
    made = replace(DESIGN, share=0.1, low=-0.2, high=9.8, planned=2_000)
    both = np.concatenate([0.9 * np.array(champion), 0.1 * np.array(challenger)])
    residual = np.array(COSTS) - 0.2
    z = np.concatenate([made.weights[0] * residual, made.weights[1] * residual])
    experiments, wrong = 400, 0
    for _ in range(experiments):
        counts = np.cumsum(rng.multinomial(200, both, size=40), axis=0)
        for sign, (stakes, weights) in zip((1, -1), made.stakes, strict=True):
            capital = counts @ np.log1p(np.outer(sign * z, stakes)) + weights
            if (np.log(np.exp(capital).sum(axis=1)) >= math.log(2 / made.level)).any():
                wrong += 1
                break
    assert wrong / experiments <= 0.05


def test_the_interval_says_what_the_gamblers_capital_says() -> None:
    """The edge is where the capital just reaches 2 / level, computed here by the definition, customer by customer."""
    counted = tally((160, 35, 5), (40, 9, 1))
    found = difference(counted, DESIGN)
    customers = [
        DESIGN.weights[arm] * (cost - MEAN)
        for arm, counts in enumerate(((160, 35, 5), (40, 9, 1)))
        for cost, count in zip(COSTS, counts, strict=True)
        for _ in range(count)
    ]
    for edge, sign, (stakes, weights) in ((found.low, 1, DESIGN.stakes[0]), (found.high, -1, DESIGN.stakes[1])):
        capital = np.exp(weights)
        for z in customers:
            capital = capital * (1 + stakes * sign * (z - edge))
        assert capital.sum() == pytest.approx(2 / DESIGN.level, rel=1e-6)


def test_the_value_is_the_difference_of_the_means_where_arms_came_as_meant() -> None:
    found = difference(tally((800, 180, 20), (200, 45, 5)), DESIGN)
    assert found.value == pytest.approx(0.0, abs=1e-12)
    found = difference(tally((800, 180, 20), (205, 45, 0)), DESIGN)
    assert found.value == pytest.approx(-0.2)


def test_customers_decided_alike_dilute_the_difference_and_narrow_the_interval() -> None:
    apart = tally((390, 90, 20), (110, 15, 0))
    alone, diluted = difference(apart, DESIGN), difference(tally((390, 90, 20), (110, 15, 0), alike=5_625), DESIGN)
    assert diluted.value == pytest.approx(alone.value / 10)
    assert diluted.high - diluted.low < (alone.high - alone.low) / 5


def test_nobody_yet_tells_nothing() -> None:
    found = difference(Tally(), DESIGN)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (-10, 10)
    assert math.isnan(Tally().mean_cost(0))


def test_costs_beyond_the_bound_count_as_the_bound() -> None:
    huge, bound = Tally(), Tally()
    for counted, residual in ((huge, 1e9), (bound, DESIGN.high)):
        counted.add(1, residual, 1.0)
        counted.add(0, 0.0, 1.0, 50)
    assert difference(huge, DESIGN) == difference(bound, DESIGN)


def test_when_costs_change_on_the_way_the_last_look_stands_for_itself() -> None:
    dear, cheap = tally((400, 100, 0), (0, 0, 125)), tally((0, 0, 40_000), (9_000, 1_000, 0))
    found = looks([(date(2026, 1, 1), dear), (date(2026, 1, 2), cheap)], DESIGN)
    assert found[0].difference.low > 0
    assert found[1].difference.high < 0


@pytest.mark.parametrize("wrong", [{"share": 1.0}, {"low": 11.0}, {"level": 0.0}, {"planned": 0}, {"span": 0.0}])
def test_a_design_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        replace(DESIGN, **wrong)  # type: ignore[arg-type]


def test_a_design_survives_the_promotion_log() -> None:
    assert Design.from_dict(DESIGN.to_dict()) == DESIGN


@given(st.lists(st.floats(-25, 25), min_size=1, max_size=50))
@settings(max_examples=40)
def test_rounding_moves_a_residual_by_3_percent_at_most_or_hardly(values: list[float]) -> None:
    residual = np.array(values)
    found = rounded(residual, 25.0, np.full(len(values), 0.5))
    assert (np.abs(found - residual) <= np.maximum(0.031 * np.abs(residual), 25e-4)).all()


def test_rounding_is_right_in_the_mean() -> None:
    rng = np.random.default_rng(4)
    found = rounded(np.full(200_000, 3.21), 10.0, rng.random(200_000))
    assert len(np.unique(found)) == 2
    assert found.mean() == pytest.approx(3.21, abs=1e-3)


# How long


def test_a_larger_difference_needs_fewer_customers_and_a_wider_spread_more() -> None:
    few, more = needed(0.2, DESIGN), needed(0.1, DESIGN)
    assert few.customers < more.customers < needed(0.1, replace(DESIGN, spread=2.8)).customers
    assert more.fixed < more.customers
    assert needed(0.0, DESIGN).customers == math.inf


def test_what_so_many_customers_can_tell_needs_about_so_many() -> None:
    least = detectable(20_000, DESIGN)
    assert needed(least, DESIGN).customers == pytest.approx(20_000, rel=0.05)


def test_the_power_is_about_what_was_asked_for() -> None:
    rng = np.random.default_rng(5)
    residual = np.array(COSTS) - MEAN
    z = np.concatenate([DESIGN.weights[0] * residual, DESIGN.weights[1] * residual])
    drawn = Drawn.of(z, np.concatenate([0.8 * np.array(USUAL), 0.2 * np.array(BETTER)]))
    assert drawn.mean == pytest.approx(-0.1)
    exact = replace(DESIGN, spread=drawn.deviation * 0.4)
    customers = needed(0.1, exact, drawn=drawn).customers
    assert customers > needed(0.1, exact).customers
    told = 0
    for _ in range(60):
        found = looks(days(rng, BETTER, 4, round(customers / 4)), exact)
        told += found[-1].difference.high < 0
    assert 0.7 <= told / 60 <= 0.95


def test_days_more_follow_from_the_interval_and_the_traffic() -> None:
    seen = Look(date(2026, 1, 9), (800, 200), (0.4, 0.3), Interval(-0.1, -0.3, 0.1))
    assert days_more(seen, DESIGN, 100) == pytest.approx(30)
    assert days_more(replace(seen, difference=Interval(0.0, -1, 1)), DESIGN, 100) is None
    assert days_more(replace(seen, difference=Interval(-0.1, -10, 10)), DESIGN, 100) is None
    assert days_more(seen, DESIGN, 0) is None
