from __future__ import annotations

import numpy as np
import pytest

from riskloop.data.recency import Recency
from riskloop.errors import UsageError

DAY = 86_400.0
TIMES = np.array([np.nan, 100.0, 10.0, 50.0]) * DAY


@pytest.mark.parametrize("text", ["all", "recent:180d", "sliding:5000"])
def test_a_window_reads_as_it_is_written(text: str) -> None:
    assert str(Recency.parse(text)) == text


@pytest.mark.parametrize("text", ["", "recent", "recent:0d", "sliding:-1", "sliding:9d", "all:3", "recent:half", "new"])
def test_what_is_no_window_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="sliding:50000"):
        Recency.parse(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("all", [True, True, True, True]),
        ("recent:50d", [False, True, False, True]),
        ("recent:49d", [False, True, False, False]),
        ("sliding:2", [False, True, False, True]),
        ("sliding:3", [False, True, True, True]),
        ("sliding:9", [True, True, True, True]),
    ],
)
def test_age_is_counted_from_the_newest_row_and_rows_without_a_time_are_the_oldest(text: str, kept: list[bool]) -> None:
    assert Recency.parse(text).of(TIMES).tolist() == kept


def test_without_any_time_nothing_is_recent() -> None:
    assert not Recency.parse("recent:9d").of(np.array([np.nan, np.nan])).any()
