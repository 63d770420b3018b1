from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from riskloop.watch.groups import rates_over_time
from riskloop.watch.windows import window_of


def windows(rng, rates, rows=200, count=10):
    """Customers acted on by group, day by day."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for place in range(count):
        groups = {level: (int(rng.binomial(rows, rate)), rows) for level, rate in rates.items()}
        made.append((window_of(first + timedelta(days=place), "day"), {"sex": groups}))
    return made


def test_groups_that_fare_alike_hardly_ever_break_the_rule():
    rng, broken = np.random.default_rng(1), 0
    for _ in range(200):
        found = rates_over_time(windows(rng, {"f": 0.4, "m": 0.4, "x": 0.4}), favourable="act", least=30)
        broken += any(one.adverse for one in found)
    assert broken <= 10


def test_a_group_at_four_fifths_is_not_called_adverse_more_often_than_the_level():
    rng, broken = np.random.default_rng(2), 0
    for _ in range(200):
        found = rates_over_time(windows(rng, {"f": 0.4, "m": 0.5}), favourable="act", least=30)
        broken += any(one.adverse for one in found)
    assert broken <= 14


def test_a_group_at_half_the_rate_is():
    found = rates_over_time(windows(np.random.default_rng(3), {"f": 0.25, "m": 0.5}), favourable="act", least=30)
    assert {one.level for one in found if one.adverse} == {"f"}
    assert all(one.best == "m" for one in found)
    assert sum(one.adverse for one in found) >= 8
    assert all(one.ratio.low < one.ratio.value < one.ratio.high for one in found if one.level == "f")


def test_where_passing_is_favourable_rates_turn_round():
    found = rates_over_time(windows(np.random.default_rng(3), {"f": 0.25, "m": 0.5}), favourable="pass", least=30)
    assert {one.best for one in found} == {"f"}


def test_small_groups_are_shown_and_not_judged():
    rates = windows(np.random.default_rng(3), {"f": 0.1, "m": 0.9}, rows=20)
    found = rates_over_time(rates, favourable="act", least=30)
    assert len(found) == 20
    assert not any(one.adverse for one in found)
    assert all(one.ratio.value != one.ratio.value for one in found)
