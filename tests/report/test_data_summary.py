from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from riskloop.report.data_summary.association import cramers_v, missing_together, spearman
from riskloop.report.data_summary.groups import MOST_LEVELS, USUAL_BINS, category_groups, number_groups, round_edges
from riskloop.report.data_summary.over_time import over_time

NUMBERS = st.floats(-1e15, 1e15) | st.just(math.nan) | st.integers(-50, 50).map(float)


@settings(max_examples=60, deadline=None)
@given(values=arrays(np.float64, st.integers(1, 300), elements=NUMBERS), seed=st.integers(0, 9))
def test_groups_of_any_numbers_hold_every_row_once(values: np.ndarray, seed: int) -> None:
    outcome = np.random.default_rng(seed).random(len(values)) < 0.4
    groups = number_groups(values, outcome)
    assert sum(group.rows for group in groups) == len(values)
    assert sum(group.positives for group in groups) == outcome.sum()
    assert len(groups) <= 1.25 * USUAL_BINS + 4


def test_ranges_of_numbers_have_round_ends() -> None:
    rng = np.random.default_rng(0)
    assert round_edges(rng.integers(18, 71, 5_000).astype(float)).tolist() == [20.0 + 2 * i for i in range(25)]
    assert set(np.round(np.diff(round_edges(rng.random(5_000))), 9)) == {0.05}


def test_a_range_holds_the_numbers_its_ends_promise() -> None:
    values = np.random.default_rng(0).normal(50, 20, 4_000)
    for group in number_groups(values, values > 60):
        low, high = -math.inf if group.low is None else group.low, math.inf if group.high is None else group.high
        assert group.rows == ((values >= low) & (values < high)).sum()


def test_few_values_get_a_group_each() -> None:
    values = np.array([0.0, 1.0, 1.0, 3.0, np.nan])
    groups = number_groups(values, np.array([True, False, True, False, True]))
    assert [(group.kind, group.low, group.rows, group.positives) for group in groups] == [
        ("value", 0.0, 1, 1),
        ("value", 1.0, 2, 1),
        ("value", 3.0, 1, 0),
        ("missing", None, 1, 1),
    ]


def test_rare_categories_share_a_group_and_nothing_is_lost() -> None:
    codes = np.repeat(np.arange(-1, 31, dtype=np.int32), np.arange(1, 33))
    outcome = np.zeros(len(codes), dtype=bool)
    groups = category_groups(codes, tuple(str(i) for i in range(30)), outcome)
    kinds = [group.kind for group in groups]
    assert kinds == ["level"] * MOST_LEVELS + ["rest", "unknown", "missing"]
    assert groups[0].level == "29"
    assert sum(group.rows for group in groups) == len(codes)


def test_spearman_agrees_with_scipy() -> None:
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3))
    matrix[:, 2] = np.exp(matrix[:, 0])
    expected = spearmanr(matrix).statistic
    assert spearman(matrix) == pytest.approx(expected, abs=1e-12)


def test_spearman_of_columns_with_missing_cells_stays_close_to_the_truth() -> None:
    rng = np.random.default_rng(6)
    matrix = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 4_000)
    whole = spearman(matrix)[0, 1]
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    assert spearman(matrix)[0, 1] == pytest.approx(whole, abs=0.03)


def test_a_column_that_does_not_vary_goes_with_nothing() -> None:
    matrix = np.column_stack([np.arange(50.0), np.ones(50), np.full(50, np.nan)])
    found = spearman(matrix)
    assert found[0, 0] == pytest.approx(1)
    assert np.isnan(found[0, 1:]).all()
    assert math.isnan(cramers_v(np.zeros(50, dtype=np.int32), np.arange(50, dtype=np.int32)))


def test_cramers_v_is_one_for_the_same_thing_and_near_zero_for_independent_ones() -> None:
    rng = np.random.default_rng(7)
    first, second = (rng.integers(0, 30, 3_000).astype(np.int32) for _ in range(2))
    assert cramers_v(first, (first * 7) % 30) == pytest.approx(1)
    assert cramers_v(first, second) < 0.05


def test_rows_are_told_apart_by_exactly_the_columns_they_miss() -> None:
    rng = np.random.default_rng(8)
    columns = {name: np.where(rng.random(500) < 0.4, np.nan, 1.0) for name in "abc"}
    found = missing_together(columns, np.zeros(500, dtype=bool), seed=0)
    mask = {name: np.isnan(values) for name, values in columns.items()}
    for pattern in found:
        alike = np.logical_and.reduce([mask[name] == (name in pattern.columns) for name in "abc"])
        assert pattern.rows == alike.sum()
    assert len(found) == 4


def test_without_an_event_time_rows_are_cut_into_twenty_blocks() -> None:
    outcome = np.arange(1_000) >= 900
    blocks = over_time(outcome, None)
    assert [block.positives for block in blocks.blocks] == [0] * 18 + [50, 50]
    assert blocks.blocks[-1].level == "951 to 1,000"


def test_times_within_one_day_fall_back_to_blocks_in_time_order() -> None:
    time = np.array([3.0, 1.0, 2.0, 0.0])
    found = over_time(np.array([True, False, False, False]), time)
    assert found.by == "time_order"
    assert [block.positives for block in found.blocks] == [0, 0, 0, 1]
