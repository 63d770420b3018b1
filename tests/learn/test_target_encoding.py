from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.data.contract import Column
from riskloop.data.leakage import auc
from riskloop.learn.target_encoding import SMOOTHING, crossfitted, target_table

LEVELS = tuple(f"m{i}" for i in range(5))
COLUMN = Column("model", "category", LEVELS, nullable=True, unknown="bin")


def log_odds(rate):
    return np.log(rate / (1 - rate))


def test_the_value_is_the_smoothed_risk_in_log_odds_relative_to_the_average():
    codes = np.repeat([0, 1, -1, 5], [100, 200, 50, 50]).astype(np.int32)
    outcome = np.zeros(400, dtype=bool)
    outcome[[*range(50), *range(100, 130), *range(300, 320)]] = True
    block = target_table(COLUMN, codes, outcome)
    expected = log_odds((50 + SMOOTHING * 0.25) / (100 + SMOOTHING)) - log_odds(0.25)
    assert block.values[0] == pytest.approx(expected)
    assert block.values[2:] == (0.0, 0.0, 0.0)
    assert block.values[1] < 0 < block.absent
    assert block.other < 0


def test_a_rare_level_is_drawn_to_the_average():
    codes = np.repeat([0, 1, 2], [2, 500, 498]).astype(np.int32)
    outcome = (np.arange(1_000) % 2 == 0) | (codes == 0)
    assert 0 < target_table(COLUMN, codes, outcome).values[0] < 0.25


folds_of_three = st.lists(st.tuples(st.integers(-1, 5), st.booleans(), st.integers(0, 2)), min_size=1, max_size=60).map(
    lambda rows: [np.array(column) for column in zip(*rows, strict=True)]
)


@settings(deadline=None, max_examples=100)
@given(folds_of_three)
def test_a_row_is_described_by_the_table_of_the_other_folds(rows):
    codes, outcome, fold = rows
    made = crossfitted(COLUMN, codes.astype(np.int32), outcome, fold)
    for number in set(fold.tolist()):
        rest, held_out = fold != number, fold == number
        block = target_table(COLUMN, codes[rest].astype(np.int32), outcome[rest])
        table = np.array([block.absent, *block.values, block.other])
        assert made[held_out] == pytest.approx(table[codes[held_out] + 1])


def test_noise_in_many_levels_does_not_look_like_knowledge():
    """With its own table, every row of a level would carry a part of its outcome."""
    rng = np.random.default_rng(0)
    column = Column("c", "category", tuple(map(str, range(2_000))))
    codes = rng.integers(0, 2_000, 6_000).astype(np.int32)
    outcome = rng.random(6_000) < 0.3
    block = target_table(column, codes, outcome)
    assert auc(outcome, np.array(block.values)[codes]) > 0.7
    assert auc(outcome, crossfitted(column, codes, outcome, rng.integers(0, 5, 6_000))) < 0.53
