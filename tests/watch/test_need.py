from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from riskloop.intervals import Interval
from riskloop.watch.column_drift import Reason
from riskloop.watch.need import Facts, Wanted, need

NOW = datetime(2026, 11, 26, tzinfo=UTC)
QUIET = Facts(
    now=NOW,
    trained_at=NOW - timedelta(days=20),
    drift=None,
    fallen=(),
    judged=900,
    new_labels=2_000,
    held_out=800,
    held_out_rarer=150,
)


def drift(change: float, half: float, *, drifted: bool = True) -> Any:
    """What `need` reads of a `Drift`."""
    harm = Interval(change, change - half, change + half)
    return SimpleNamespace(drifted=drifted, moved=("a", "b"), columns=("a", "b", "c"), relative_harm=harm)


def test_where_nothing_holds_nothing_is_needed_and_every_ground_says_why_not() -> None:
    found = need(QUIET, Wanted())
    assert (found.state, found.reasons, len(found.grounds)) == ("not_needed", (), 4)
    assert all(ground.words.endswith(".") for ground in found.grounds)
    assert "20 days old, and there is no schedule" in " ".join(ground.words for ground in found.grounds)


@pytest.mark.parametrize(
    ("change", "half", "least", "needed"),
    [(0.2, 0.1, 0.0, True), (0.2, 0.25, 0.0, False), (0.2, 0.1, 0.15, False), (-0.2, 0.1, 0.0, False)],
)
def test_drift_is_a_reason_if_it_does_harm_for_sure(change: float, half: float, least: float, needed: bool) -> None:
    found = need(replace(QUIET, drift=drift(change, half)), Wanted(harm=least))
    assert (found.state == "needed") is needed
    assert need(replace(QUIET, drift=drift(0.5, 0.1, drifted=False)), Wanted()).state == "not_needed"


def test_a_fall_of_performance_is_a_reason_and_is_told_in_figures() -> None:
    reason = Reason("fallen_roc_auc", {"promised": {"value": 0.81}, "realised": {"value": 0.702}})
    found = need(replace(QUIET, fallen=(reason,)), Wanted())
    assert found.reasons == ("Performance fell on 900 outcomes: ROC-AUC is 0.702, promised was 0.810.",)


def test_a_schedule_is_due_on_its_day() -> None:
    assert need(QUIET, Wanted(every=timedelta(days=20))).state == "needed"
    early = need(QUIET, Wanted(every=timedelta(days=21)))
    assert early.state == "not_needed"
    assert "due on 2026-11-27" in " ".join(ground.words for ground in early.grounds)


def test_enough_new_outcomes_are_a_reason_where_that_is_declared() -> None:
    assert need(QUIET, Wanted(min_new_labels=2_000)).state == "needed"
    assert need(QUIET, Wanted(min_new_labels=2_001)).state == "not_needed"


@pytest.mark.parametrize("few", [{"held_out": 199}, {"held_out_rarer": 19}])
def test_with_too_few_outcomes_to_judge_by_it_waits_even_if_asked(few: dict[str, int]) -> None:
    found = need(replace(QUIET, **few), Wanted(), asked=True)
    assert found.state == "waiting"
    assert "200 and 20 are needed" in found.lacking


def test_after_an_attempt_in_vain_it_waits_for_a_quarter_more_unless_asked() -> None:
    due, tried = Wanted(every=timedelta(days=1)), replace(QUIET, tried=1_700)
    assert need(tried, due).state == "waiting"
    assert "2,125" in need(tried, due).lacking
    assert need(tried, due, asked=True).state == "needed"
    assert need(replace(tried, new_labels=2_125), due).state == "needed"
