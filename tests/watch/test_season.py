from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from riskloop.watch.drift import drift
from riskloop.watch.profile import Profile
from riskloop.watch.season import beside_season, same_season
from riskloop.watch.windows import window_of
from tests.watch.test_blocks import CONTRACT, days, scores, together

RNG = np.random.default_rng(12)
ROWS = together(days(RNG, 100, 80, 0.0))
REFERENCE = Profile.of(CONTRACT, ROWS, scores(ROWS))


def window(rng, shift, apart=0.0, rows=250):
    columns = days(rng, 1, rows, apart)[0]
    columns["x"] = columns["x"] + shift + rng.normal(0, apart)
    return REFERENCE.measure(columns, scores(columns))


def judged(current, past):
    return beside_season(drift(REFERENCE, current), current, past)


def verdict_of(found, name="x"):
    return next(one.verdict for one in found.columns if one.name == name)


def test_what_moves_so_in_every_season_is_no_alarm():
    past = [window(RNG, 0.9, 0.1) for _ in range(4)]
    current = window(RNG, 0.95, 0.1)
    assert drift(REFERENCE, current).drifted
    found = judged(current, past)
    assert verdict_of(found) == "season"
    assert not found.drifted
    assert next(one.reasons[0].values["windows"] for one in found.columns if one.name == "x") == 4


def test_what_moves_farther_than_the_season_does_is():
    past = [window(RNG, 0.9, 0.05) for _ in range(6)]
    assert judged(window(RNG, 2.2, 0.05), past).drifted
    assert judged(window(RNG, -0.9, 0.05), past).drifted


def test_two_past_windows_say_nothing():
    current = window(RNG, 0.9)
    assert judged(current, [window(RNG, 0.9) for _ in range(2)]).drifted
    assert not judged(current, [window(RNG, 0.9) for _ in range(3)]).drifted


@pytest.mark.parametrize("apart", [0.0, 0.3])
def test_windows_of_one_season_are_hardly_ever_said_to_differ_from_it(apart):
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(200):
        past = [window(rng, 0.9, apart) for _ in range(4)]
        alarms += verdict_of(judged(window(rng, 0.9, apart), past)) == "drifted"
    assert alarms <= 20  # one in ten, at the 5 % of the test


def test_seasons_are_hours_of_the_week_days_of_the_week_and_months():
    sunday = datetime(2026, 3, 29, 10, tzinfo=UTC)

    def alike(other, period):
        return same_season(window_of(sunday, period), window_of(other, period), period)

    assert alike(datetime(2026, 3, 22, 23, tzinfo=UTC), "day")
    assert not alike(datetime(2026, 3, 28, tzinfo=UTC), "day")
    assert alike(datetime(2026, 3, 22, 10, tzinfo=UTC), "hour")
    assert not alike(datetime(2026, 3, 22, 11, tzinfo=UTC), "hour")
    assert alike(datetime(2025, 3, 1, tzinfo=UTC), "month")
    assert not alike(datetime(2026, 3, 22, tzinfo=UTC), "week")
