from __future__ import annotations

import math

import numpy as np

from riskloop.watch.split_check import split_check


def test_customers_who_came_as_meant_are_no_reason_to_doubt() -> None:
    found = split_check([(801, 199), (8_050, 1_950)], 0.2)
    assert not found.off
    assert found.found == 0.195


def test_a_split_that_is_off_by_little_is_found_with_many_customers() -> None:
    assert not split_check([(805, 195)], 0.2).off
    assert split_check([(80_500 + 1_000, 19_500 - 1_000)], 0.2).off


def test_what_was_found_once_stays_found() -> None:
    assert split_check([(950, 50), (9_000, 2_250)], 0.2).off


def test_looking_every_day_raises_a_false_alarm_in_1_percent_at_most() -> None:
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(600):
        challengers = np.cumsum(rng.binomial(100, 0.1, size=60))
        counts = [(100 * (day + 1) - int(one), int(one)) for day, one in enumerate(challengers)]
        alarms += split_check(counts, 0.1).off
    assert alarms / 600 <= 0.01


def test_nobody_yet() -> None:
    found = split_check([], 0.5)
    assert (found.p_value, found.off) == (1.0, False)
    assert math.isnan(found.found)
