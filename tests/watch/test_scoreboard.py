from __future__ import annotations

import math

import pytest

from riskloop.intervals import Interval
from riskloop.watch.scoreboard import Held, scoreboard


def held(value, truth, method="plain", metric="roc_auc", half=0.05):
    return Held(method, metric, Interval(value, value - half, value + half), truth)


def test_errors_have_a_direction_and_a_size_and_coverage_says_of_how_many():
    (score,) = scoreboard([held(0.80, 0.82), held(0.80, 0.78), held(0.80, 0.70)])
    assert (score.windows, score.error, score.absolute_error) == pytest.approx((3, 0.1 / 3, 0.14 / 3))
    assert score.covered.value == pytest.approx(2 / 3)
    assert score.covered.low < 0.3
    assert score.covered.high > 0.9


def test_methods_and_metrics_stand_by_themselves_and_what_is_not_defined_is_left_out():
    found = scoreboard([held(0.8, 0.8), held(0.5, 0.5, metric="f1"), held(0.8, 0.7, "weighted"), held(0.8, math.nan)])
    assert [(one.method, one.metric, one.windows) for one in found] == [
        ("plain", "roc_auc", 1),
        ("plain", "f1", 1),
        ("weighted", "roc_auc", 1),
    ]
    assert scoreboard([]) == ()
