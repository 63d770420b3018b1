from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.data.split import folds, rolling_folds, split
from riskloop.errors import DataError

DAY = 86_400.0


def outcomes(n: int, rate: float = 0.2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(n) < rate


@settings(deadline=None, max_examples=80)
@given(n=st.integers(250, 800), rate=st.floats(0.1, 0.9), share=st.floats(0.1, 0.5), seed=st.integers(0, 99))
def test_a_random_split_is_stratified_within_one_row(n: int, rate: float, share: float, seed: int) -> None:
    outcome = outcomes(n, rate, seed)
    parts = split(outcome, test_share=share, seed=seed)
    assert sorted([*parts.train, *parts.test]) == list(range(n))
    for label in (True, False):
        assert abs((outcome[parts.test] == label).sum() - share * (outcome == label).sum()) <= 1


def test_the_seed_decides() -> None:
    outcome = outcomes(500)
    first, again, other = (split(outcome, test_share=0.2, seed=seed).test for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 99), customers=st.integers(40, 200))
def test_the_rows_of_a_customer_stay_on_one_side(seed: int, customers: int) -> None:
    groups = np.random.default_rng(seed).integers(0, customers, 800)
    outcome = outcomes(800, seed=seed)
    parts = split(outcome, test_share=0.25, seed=seed, groups=groups)
    assert not set(groups[parts.train]) & set(groups[parts.test])
    assert abs(len(parts.test) / 800 - 0.25) < 0.12


def test_the_latest_rows_are_the_test_block_and_the_embargo_belongs_to_nobody() -> None:
    time = np.random.default_rng(0).permutation(100) * DAY
    parts = split(outcomes(100, 0.5), test_share=0.2, seed=0, time=time, embargo=10 * DAY, kind="time")
    assert time[parts.test].min() == 80 * DAY
    assert time[parts.train].max() == 69 * DAY
    assert len(parts.train) + len(parts.test) == 90


def test_equal_times_are_never_torn_apart() -> None:
    time = np.repeat(np.arange(10.0), 10)
    parts = split(outcomes(100, 0.5), test_share=0.15, seed=0, time=time, kind="time")
    assert not set(time[parts.train]) & set(time[parts.test])


def test_a_customer_seen_in_the_test_block_does_not_train() -> None:
    groups = np.arange(200) % 50
    groups[:100] += 1_000
    parts = split(outcomes(200, 0.5), test_share=0.2, seed=0, groups=groups, time=np.arange(200.0), kind="time")
    assert not set(groups[parts.train]) & set(groups[parts.test])
    assert parts.train.max() < 160


def test_row_order_knows_no_days_and_so_no_embargo() -> None:
    parts = split(outcomes(100, 0.5), test_share=0.2, seed=0, embargo=30 * DAY, kind="row_order")
    assert parts.test.tolist() == list(range(80, 100))
    assert parts.train.tolist() == list(range(80))


@pytest.mark.parametrize(
    ("outcome", "options", "words"),
    [
        (np.arange(100) < 50, {"kind": "row_order"}, "test block would hold one outcome only"),
        (np.arange(100) % 2 == 0, {"kind": "time"}, "needs an event time"),
        (np.arange(100) % 2 == 0, {"kind": "time", "time": np.zeros(100)}, "training block would hold no rows"),
        (
            np.arange(100) % 2 == 0,
            {"kind": "time", "time": np.arange(100.0), "embargo": 1e9},
            "training block would hold no rows",
        ),
        (np.arange(100) % 2 == 0, {"groups": np.zeros(100, dtype=np.int64)}, "no rows"),
    ],
)
def test_a_block_without_both_outcomes_is_refused(outcome: np.ndarray, options: dict, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        split(outcome, test_share=0.2, seed=0, **options)
    assert caught.value.next_step


def test_folds_are_stratified_and_keep_groups_whole() -> None:
    outcome, groups = outcomes(1_000), np.arange(1_000) // 2
    number = folds(outcome, groups, count=5, seed=3)
    assert all(len(set(number[groups == group])) == 1 for group in range(0, 500, 50))
    rates = [outcome[number == fold].mean() for fold in range(5)]
    assert max(rates) - min(rates) < 0.05
    np.testing.assert_array_equal(number, folds(outcome, groups, count=5, seed=3))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 300), min_size=200, max_size=400),
    st.integers(2, 6),
    st.integers(0, 30),
    st.integers(0, 2**16),
)
def test_folds_roll_forward_with_an_embargo_and_groups_kept_whole(times, count, embargo, seed):
    order = np.array(times, dtype=np.float64)
    rng = np.random.default_rng(seed)
    outcome, groups = rng.random(len(order)) < 0.4, rng.integers(0, 300, len(order))
    try:
        rolling = rolling_folds(outcome, groups, order, count=count, embargo=embargo)
    except DataError:
        return
    last = -np.inf
    for number, train in enumerate(rolling.trains):
        held_out = rolling.held_out == number
        assert order[train].max() < order[held_out].min() - embargo
        assert not set(groups[train]) & set(groups[held_out])
        assert order[held_out].min() > last
        last = order[held_out].max()
        assert min(outcome[held_out].sum(), (~outcome[held_out]).sum()) >= 10
    assert len(rolling.trains) <= count


def test_a_past_without_outcomes_cannot_judge():
    order = np.arange(300, dtype=np.float64)
    with pytest.raises(DataError, match="No stretch of time"):
        rolling_folds(order > 290, np.arange(300), order, count=5)
