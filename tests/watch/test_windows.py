from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.watch.windows import Period, window_of

_MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
_PERIODS = st.sampled_from(["hour", "day", "week", "month"])


@given(_MOMENTS, _PERIODS)
def test_a_moment_lies_in_its_window_and_the_next_one_begins_where_it_ends(moment: datetime, period: Period) -> None:
    window = window_of(moment, period)
    assert moment in window
    assert window.end not in window
    assert window_of(window.end, period).start == window.end
    assert window_of(window.end - timedelta(microseconds=1), period) == window


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    moment = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
    assert window_of(moment, "week").start == datetime(2026, 2, 23, tzinfo=UTC)
    assert window_of(moment, "month").end == datetime(2026, 3, 1, tzinfo=UTC)


def test_windows_are_of_utc_wherever_the_moment_was_told() -> None:
    paris = datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert window_of(paris, "month").start == datetime(2026, 2, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="timezone"):
        window_of(datetime(2026, 3, 1), "day")
