from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.learn.binning import (
    FEWEST,
    Average,
    Limits,
    bin_category,
    bin_number,
    optimal_bins,
    weight_of_evidence,
)

TRENDS = ("increasing", "decreasing", "peak", "valley", "auto", "free")


def one_turn(first, then):
    return any(first[:i].all() and then[i:].all() for i in range(len(first) + 1))


def runs(evidence, trend):
    step = np.diff(evidence)
    up, down = step >= 0, step <= 0
    return {
        "increasing": up.all(),
        "decreasing": down.all(),
        "peak": one_turn(up, down),
        "valley": one_turn(down, up),
        "auto": one_turn(up, down) or one_turn(down, up),
        "free": True,
    }[trend]


def joined(rows, events, starts):
    return np.add.reduceat(rows, starts), np.add.reduceat(events, starts)


def information(rows, events, average):
    good = (rows - events) / max(average.rows - average.events, 1)
    return float(((events / max(average.events, 1) - good) * weight_of_evidence(rows, events, average)).sum())


def allowed(rows, events, limits, average, trend, total):
    evidence = weight_of_evidence(rows, events, average)
    error = 1 / (events + 0.5) + 1 / (rows - events + 0.5)
    return (
        (rows >= limits.min_share * total).all()
        and (np.minimum(events, rows - events) >= limits.min_events).all()
        and (np.abs(np.diff(evidence)) >= limits.min_errors * np.sqrt(error[1:] + error[:-1])).all()
        and runs(evidence, trend)
    )


@st.composite
def tables(draw):
    cells = draw(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1)), min_size=1, max_size=8))
    rows = np.array([count for count, _ in cells])
    events = np.array([round(count * rate) for count, rate in cells])
    elsewhere = draw(st.integers(0, 40))
    return rows, events, Average(rows.sum() + elsewhere, events.sum() + draw(st.integers(0, elsewhere)))


limits = st.builds(
    Limits,
    st.integers(1, 5),
    st.sampled_from([0.0, 0.05, 0.2]),
    st.integers(0, 6),
    st.sampled_from([0.0, 1.0, 1.64]),
)


@settings(deadline=None, max_examples=150)
@given(tables(), limits, st.sampled_from(TRENDS))
def test_no_other_allowed_partition_tells_more(table, some_limits, trend):
    rows, events, average = table
    found = optimal_bins(rows, events, trend=trend, limits=some_limits, average=average)
    counts = joined(rows, events, found)
    assert len(found) == 1 or allowed(*counts, some_limits, average, trend, rows.sum())
    best = information(*counts, average)
    for size in range(2, some_limits.max_bins + 1):
        for cuts in itertools.combinations(range(1, len(rows)), size - 1):
            others = joined(rows, events, [0, *cuts])
            if allowed(*others, some_limits, average, trend, rows.sum()):
                assert information(*others, average) <= best + 1e-9


def test_a_known_case():
    """Two levels of risk hidden in six pre-bins: the optimum is to cut between them and nowhere else."""
    rows, events = np.array([100] * 6), np.array([10, 10, 10, 40, 40, 40])
    assert optimal_bins(rows, events) == [0, 3]


def test_a_trend_joins_what_runs_against_it():
    rows, events = np.array([200] * 4), np.array([20, 80, 40, 120])
    assert optimal_bins(rows, events, trend="free") == [0, 1, 2, 3]
    assert optimal_bins(rows, events, trend="increasing") == [0, 1, 3]
    assert optimal_bins(rows, events, trend="decreasing") == [0]


def test_a_turn_is_found_where_there_is_one():
    rows, events = np.array([200] * 5), np.array([120, 60, 20, 60, 120])
    assert optimal_bins(rows, events, trend="auto") == optimal_bins(rows, events, trend="valley") == [0, 1, 2, 3, 4]
    assert len(optimal_bins(rows, events, trend="peak")) < 5


def test_the_weight_of_evidence_is_the_log_ratio_of_the_shares():
    """30 of 100 positives and 10 of 300 negatives: ln(0.3 / 0.0333...)."""
    assert weight_of_evidence(40, 30, Average(400, 100), smoothing=0) == pytest.approx(math.log(9))


def test_a_group_of_one_outcome_is_finite_and_one_without_rows_is_neutral():
    rows, events = np.array([50, 50, 0]), np.array([50, 0, 0])
    high, low, none = weight_of_evidence(rows, events, Average(200, 80))
    assert 3 < high < 6
    assert -6 < low < -3
    assert none == 0
    assert weight_of_evidence(rows, np.zeros(3), Average(100, 0)).tolist() == [0, 0, 0]


def sample(rows, seed=0):
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows).round(2))
    risk = np.where(np.isnan(x), 0.5, 1 / (1 + np.exp(1.5 - x)))
    return x, rng.random(rows) < risk


def test_the_bins_of_a_number_hold_to_the_limits_and_to_the_declared_trend():
    x, y = sample(4_000)
    for trend, sign in (("increasing", 1), ("decreasing", -1)):
        block = bin_number("x", x, y, trend=trend)
        assert (np.diff(block.values) * sign >= 0).all()
    block = bin_number("x", x, y, trend="increasing")
    assert 4 <= len(block.values) <= 6
    share = np.bincount(np.searchsorted(block.edges, x[~np.isnan(x)], side="right")) / (~np.isnan(x)).sum()
    assert (share >= 0.05).all()
    assert bin_number("x", x, y, trend="decreasing").values == pytest.approx([block.values[0] * 0], abs=0.2)


def test_missing_values_are_a_bin_of_their_own_if_there_are_enough():
    x, y = sample(4_000)
    missing = np.isnan(x)
    average = Average(len(y), y.sum())
    assert bin_number("x", x, y).absent == weight_of_evidence(missing.sum(), y[missing].sum(), average) > 0
    few = ~missing | (np.cumsum(missing) < FEWEST)
    assert bin_number("x", x[few], y[few]).absent == 0


@pytest.mark.parametrize("x", [[np.nan] * 40, [3.0] * 40, [1.0, 2.0] * 20])
@pytest.mark.parametrize("y", [[True] * 40, [False] * 40, [True, False] * 20])
def test_whatever_the_column_there_are_bins_of_finite_weight(x, y):
    block = bin_number("x", np.array(x), np.array(y))
    assert np.isfinite([*block.values, block.absent]).all()


def test_a_few_distinct_values_are_cut_at_themselves():
    x = np.repeat([0.0, 1.0, 2.0], 200)
    block = bin_number("x", x, np.random.default_rng(0).random(600) < x / 4 + 0.1)
    assert block.edges == (1.0, 2.0)


def test_levels_are_grouped_by_their_risk_and_rare_ones_pooled_with_the_unknown():
    rng = np.random.default_rng(0)
    codes = rng.choice(6, 6_000, p=[0.3, 0.3, 0.2, 0.19, 0.005, 0.005]).astype(np.int32)
    outcome = rng.random(6_000) < np.array([0.1, 0.4, 0.1, 0.4, 1.0, 0.0])[codes]
    codes[:100] = -1
    block = bin_category("c", codes, tuple("abcdef"), outcome)
    values = dict(zip("abcdef", block.values, strict=True))
    assert values["a"] == values["c"] < 0 < values["b"] == values["d"]
    assert values["e"] == values["f"] == block.other
    assert block.absent != 0


def test_a_category_whose_levels_are_all_rare_says_nothing():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 900, 2_000).astype(np.int32)
    block = bin_category("c", codes, tuple(map(str, range(900))), rng.random(2_000) < 0.3)
    assert {*block.values, block.other} == {0.0}


def test_of_many_frequent_levels_the_most_frequent_stand_for_themselves():
    codes = np.repeat(np.arange(60), 50 + np.arange(60)).astype(np.int32)
    outcome = np.random.default_rng(0).random(len(codes)) < np.where(codes >= 50, 0.6, 0.1)
    block = bin_category("c", codes, tuple(map(str, range(60))), outcome)
    assert min(block.values[50:]) > 1 > max(block.values[:50])
