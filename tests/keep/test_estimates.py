from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from riskloop.keep.estimates import Estimate, Estimates

START = datetime(2026, 1, 1, tzinfo=UTC)
MADE = Estimate(
    1,
    "day",
    START,
    START + timedelta(days=1),
    "plain",
    "roc_auc",
    500,
    0.8,
    0.75,
    0.85,
    START + timedelta(days=2),
    {"why": "alike"},
)


@pytest.fixture
def estimates(engine: Engine) -> Estimates:
    return Estimates(engine)


def test_what_is_kept_is_read_again(estimates: Estimates) -> None:
    both = [MADE, replace(MADE, method="weighted", value=0.79)]
    assert estimates.keep(both) == 2
    assert estimates.of() == tuple(both)
    assert estimates.of(1, "day") == tuple(both)
    assert estimates.of(2) == estimates.of(period="week") == ()


def test_what_stands_for_a_window_is_never_replaced_nor_added_to(estimates: Estimates) -> None:
    estimates.keep([MADE])
    assert estimates.keep([replace(MADE, value=0.2), replace(MADE, metric="f1")]) == 0
    assert estimates.of() == (MADE,)


def test_another_version_and_another_window_have_their_own(estimates: Estimates) -> None:
    estimates.keep([MADE])
    later = replace(MADE, start=MADE.end, end=MADE.end + timedelta(days=1))
    assert estimates.keep([replace(MADE, version=2), later]) == 2
    assert estimates.last("day") == later.end
    assert estimates.last("week") is None
