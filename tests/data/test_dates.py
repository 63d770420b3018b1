from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from riskloop.data.dates import PARTS, SECONDS, days_of, text_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1970-01-01", 0.0),
        ("1969-12-31", -1.0),
        ("2000-02-29", 11016.0),
        ("1970-01-02T12:00", 1.5),
        ("1970-01-02 12:00:00", 1.5),
        ("1970-01-02T12:00:00.999999999", 1.5),
        ("1970-01-02T12:00:00Z", 1.5),
        ("1970-01-02T12:00:00+06:00", 1.25),
        ("1970-01-01T23:00-01:00", 1.0),
    ],
)
def test_a_date_is_days_since_1970_and_the_time_of_day_a_fraction(text, days):
    assert days_of(text) == days


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-1-1",
        "2026-02-29",
        "2026-13-01",
        "0000-01-01",
        "20260131",
        "31.01.2026",
        "01/31/2026",
        "2026-W05-6",
        "2026-01-31T24:00",
        "2026-01-31T12",
        "2026-01-31T12:00:60",
        "2026-01-31T12:00+24:00",
        "2026-01-31t12:00z",
        " 2026-01-31",
        "2026-01-31\n",
        "٢٠٢٦-01-31",
        "0001-01-01T00:00+01:00",
        "1767225600",
    ],
)
def test_what_is_no_iso_date_is_none(text):
    assert days_of(text) is None


@example(datetime(1, 1, 1, tzinfo=UTC))
@example(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
@given(moments)
def test_a_date_is_written_as_the_text_that_it_is_read_from(moment):
    days = (moment - EPOCH) / timedelta(days=1)
    assert days_of(text_of(days)) == days
    assert datetime.fromisoformat(text_of(days)).replace(tzinfo=UTC) == moment


@example(datetime(1900, 2, 28, 23, 59, 59, tzinfo=UTC))
@example(datetime(2000, 2, 29, tzinfo=UTC))
@given(moments)
def test_the_parts_are_those_of_the_calendar(moment):
    days = np.array([((moment - EPOCH).days * SECONDS + (moment - EPOCH).seconds) / SECONDS])
    expected = {
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "quarter": (moment.month + 2) // 3,
        "weekday": moment.weekday(),
        "is_weekend": moment.weekday() >= 5,
        "hour": moment.hour,
    }
    assert {name: part(days).tolist() for name, part in PARTS.items()} == {n: [v] for n, v in expected.items()}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_missing_date_is_missing(part):
    assert math.isnan(PARTS[part](np.array([math.nan]))[0])
