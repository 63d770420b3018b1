"""Days as blocks: false alarms where days differ, and what is still seen."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.watch.blocks import blocked, inflation, inflation_of_mean
from riskloop.watch.drift import drift
from riskloop.watch.moments import Moments
from riskloop.watch.profile import Profile, Scores

POLICY = Policy("fixed", 0.5, Costs(fp=10, fn=100))
CONTRACT = Contract(
    (Column("x"), Column("y", nullable=True), Column("plan", "category", levels=tuple("abcde"))),
    features=("x", "y", "plan"),
)


def days(rng, count, rows, apart):
    """Rows of a day share a shift, shares of plans, and a share of missing cells."""
    made = []
    for _ in range(count):
        shares = np.array([0.5, 0.2, 0.15, 0.1, 0.05]) * np.exp(rng.normal(0, apart, 5))
        y = rng.exponential(size=rows)
        y[rng.random(rows) < 0.05 * np.exp(rng.normal(0, apart))] = np.nan
        plan = rng.choice(5, rows, p=shares / shares.sum()).astype(np.int32)
        made.append({"x": rng.normal(rng.normal(0, apart), 1, rows), "y": y, "plan": plan})
    return made


def together(parts):
    return {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}


def scores(columns):
    return Scores.of(POLICY, 1 / (1 + np.exp(2 - 0.5 * columns["x"])), POLICY.costs)


def profiles(reference, parts):
    made = [reference.measure(one, scores(one)) for one in parts]
    return reduce(Profile.merge, made), made


def reference_of(apart, seed=7):
    rows = together(days(np.random.default_rng(seed), 300, 60, apart))
    return Profile.of(CONTRACT, rows, scores(rows))


def alarms(apart, count, rows, tables=200):
    """How often any column is significant: as independent rows, and by days."""
    reference, rng = reference_of(apart), np.random.default_rng(count)
    plain = by_day = 0
    for _ in range(tables):
        current, parts = profiles(reference, days(rng, count, rows, apart))
        plain += min(one.adjusted for one in drift(reference, current).columns) <= 0.01
        by_day += min(one.adjusted for one in drift(reference, current, days=parts).columns) <= 0.01
    return plain / tables, by_day / tables


def test_where_days_differ_independent_rows_raise_false_alarms_and_blocks_do_not():
    plain, by_day = alarms(0.2, 10, 120)
    assert plain > 0.15
    assert by_day <= 0.035


def test_where_days_do_not_differ_both_hold_their_level():
    plain, by_day = alarms(0.0, 6, 100)
    assert plain <= 0.035
    assert by_day <= 0.035


def test_a_shift_beyond_what_days_differ_is_still_seen():
    reference = reference_of(0.1)
    parts = days(np.random.default_rng(3), 10, 120, 0.1)
    for one in parts:
        one["x"] = one["x"] + 0.8
    current, made = profiles(reference, parts)
    found = drift(reference, current, days=made)
    assert found.days == 10
    assert [one.name for one in found.moved] == ["x"]
    assert found.columns[0].design_effect > 1


def test_fewer_than_five_days_cannot_tell():
    reference = reference_of(0.0)
    current, made = profiles(reference, days(np.random.default_rng(3), 4, 100, 0.0))
    found = drift(reference, current, days=made)
    assert found.days == 0
    assert found.columns[0].design_effect is None


def test_the_design_effect_is_the_variance_of_whole_days_drawn_with_replacement():
    rng = np.random.default_rng(1)
    counts = np.array([np.bincount(rng.integers(0, 4, 50) * rng.integers(0, 2), minlength=4) for _ in range(30)])
    drawn = counts[rng.integers(0, 30, (4_000, 30))].sum(axis=1)
    share = counts.sum(axis=0) / counts.sum()
    rows = counts.sum()
    expected = ((drawn / rows).var(axis=0) * 30 / 29 * rows / share).sum() / 3
    assert blocked(counts).effect == pytest.approx(expected, rel=0.06)
    score = np.arange(4.0)
    variance = (share * (score - share @ score) ** 2).sum()
    expected = (drawn @ score / rows).var() * 30 / 29 * rows / variance
    assert inflation(score, counts) == pytest.approx(expected, rel=0.06)


def test_the_mean_of_values_knows_its_days_too():
    rng = np.random.default_rng(1)
    whole = Moments.of(rng.normal(size=10))
    alike = [whole.measure(rng.normal(size=200)) for _ in range(40)]
    apart = [whole.measure(rng.normal(rng.normal(), 1, 200)) for _ in range(40)]
    assert inflation_of_mean(alike) < 2
    assert inflation_of_mean(apart) == pytest.approx(100, rel=0.6)
