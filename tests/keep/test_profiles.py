from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from riskloop.keep.ledger import Ledger, Prediction
from riskloop.keep.profiles import ALL, Profiles, StoredProfile

DAY = datetime(2026, 3, 1, tzinfo=UTC)
ONE = StoredProfile(1, ALL, "", "day", DAY, 7, 9, b"seven", DAY + timedelta(days=2), {"sex": {"f": [1, 7]}})


@pytest.fixture
def profiles(engine: Engine) -> Profiles:
    return Profiles(engine)


def test_a_window_is_stored_once_however_often_it_is_put(profiles: Profiles) -> None:
    profiles.put([ONE])
    profiles.put([ONE, replace(ONE, start=DAY + timedelta(days=1))])
    assert profiles.list(1, "day") == (ONE, replace(ONE, start=DAY + timedelta(days=1)))
    assert profiles.seen(1, "day") == {DAY: 9, DAY + timedelta(days=1): 9}


def test_of_two_writers_the_one_who_saw_more_stands(profiles: Profiles) -> None:
    profiles.put([replace(ONE, seen=12, rows=10)])
    profiles.put([ONE])
    assert [one.rows for one in profiles.list(1, "day")] == [10]
    profiles.put([replace(ONE, seen=13, rows=11)])
    assert [one.rows for one in profiles.list(1, "day")] == [11]


def test_versions_periods_arms_and_segments_are_kept_apart(profiles: Profiles) -> None:
    others = [
        replace(ONE, version=2),
        replace(ONE, period="hour"),
        replace(ONE, arm="challenger"),
        replace(ONE, segment="plan=basic"),
        replace(ONE, segment="plan="),
        replace(ONE, segment="plan_b=gold"),
    ]
    profiles.put([ONE, *others])
    assert profiles.list(1, "day") == (ONE,)
    assert profiles.list(1, "day", segment="plan=basic") == (others[3],)
    assert profiles.arms(1, "day") == (ALL, "challenger")
    assert profiles.levels(1, "day", "plan") == ("basic",)


def test_windows_are_asked_for_by_when_they_start(profiles: Profiles) -> None:
    many = [replace(ONE, start=DAY + timedelta(days=place)) for place in range(5)]
    profiles.put(many)
    found = profiles.list(1, "day", since=DAY + timedelta(days=1), until=DAY + timedelta(days=3))
    assert list(found) == many[1:3]


def test_the_ledger_counts_by_hour_and_day_and_reads_in_the_order_of_time(engine: Engine) -> None:
    ledger = Ledger(engine)
    assert ledger.first_at() is None

    def made(number: int, at: datetime, version: int = 1, arm: str = "champion") -> Prediction:
        return Prediction(f"p{number}", at, "m", version, "d", 0.5, "act", {"a": 1}, arm=arm)

    hours = (5, 1, 1.5, 24, 5)
    ledger.append([made(number, DAY + timedelta(hours=passed)) for number, passed in enumerate(hours)])
    ledger.append([made(8, DAY, version=2), made(9, DAY, arm="shadow")])
    assert ledger.first_at() == DAY
    assert ledger.counts_by("day", DAY) == {DAY: 6, DAY + timedelta(days=1): 1}
    assert ledger.counts_by("hour", DAY + timedelta(hours=1)) == {
        DAY + timedelta(hours=1): 2,
        DAY + timedelta(hours=5): 2,
        DAY + timedelta(days=1): 1,
    }
    read = ledger.within(1, DAY, DAY + timedelta(days=1))
    assert [one.prediction_id for one in read] == ["p1", "p2", "p0", "p4"]
