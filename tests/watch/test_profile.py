from __future__ import annotations

import json
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.decide.review import Review
from riskloop.errors import DataError
from riskloop.watch.column import BINS
from riskloop.watch.moments import Moments
from riskloop.watch.profile import Profile, Scores

CONTRACT = Contract(
    (Column("x", nullable=True), Column("c", "category", levels=("b", "a"), nullable=True, unknown="bin")),
    features=("x", "c"),
)
POLICY = Policy("fixed", 0.5, Costs(fp=10, fn=100))


def rows(numbers, codes=None, probability=None):
    numbers = np.array(numbers, dtype=np.float64)
    codes = np.zeros(len(numbers), dtype=np.int32) if codes is None else np.array(codes, dtype=np.int32)
    scores = np.linspace(0.1, 0.9, len(numbers)) if probability is None else np.array(probability)
    return {"x": numbers, "c": codes}, Scores.of(POLICY, scores, POLICY.costs)


def of(numbers, codes=None, probability=None):
    made = Profile.of(CONTRACT, *rows(numbers, codes, probability))
    json.dumps(made.to_dict(), allow_nan=False)
    return made


def number(values):
    return of(values).columns["x"]


def test_numbers_are_counted_between_their_quantiles():
    column = number(np.arange(1000.0))
    assert len(column.edges) == BINS - 1
    assert column.counts.tolist() == [50] * BINS
    assert (column.minimum, column.maximum, column.moments.mean) == (0.0, 999.0, 499.5)
    assert column.moments.std == pytest.approx(np.arange(1000).std(ddof=1))


def test_ties_share_a_bin_and_every_edge_is_there_once():
    column = number([0.0] * 900 + list(range(1, 101)))
    assert column.edges.tolist() == sorted(set(column.edges.tolist()))
    assert column.counts[0] == 900
    assert column.counts.sum() == 1000


def test_one_value_is_one_bin_and_frozen():
    column = number([7.0] * 10)
    assert (column.edges.tolist(), column.counts.tolist(), column.moments.std) == ([7.0], [10, 0], 0.0)
    assert column.frozen


def test_one_row_has_no_deviation():
    assert number([7.0]).moments.std == 0.0


def test_a_column_wholly_missing_has_no_mean():
    told = number([np.nan] * 4).to_dict()
    assert told["missing"] == 1.0
    assert "mean" not in told


def test_missing_numbers_are_a_share_and_not_counted():
    column = number([1.0, np.nan, 3.0, np.nan])
    assert (column.missing, column.counts.sum(), column.moments.mean) == (2, 2, 2.0)
    assert column.to_dict()["missing"] == 0.5


def test_categories_are_counted_by_level_with_unknown_and_missing_apart():
    column = of([0.0] * 6, [0, 0, 1, 2, -1, 2]).columns["c"]
    assert (column.counts.tolist(), column.unknown, column.missing) == ([2, 1], 2, 1)
    assert column.to_dict()["counts"] == {"b": 2, "a": 1}


def test_scores_and_decisions_are_summarised_too():
    made = of([0.0] * 4, probability=[0.1, 0.2, 0.6, 0.7])
    assert (made.rows, made.scored, made.acted, made.act_rate) == (4, 4, 2, 0.5)
    assert made.score.moments.mean == pytest.approx(0.4)
    assert made.cost.mean == pytest.approx(np.mean([10, 20, 4, 3]))


def test_a_review_is_priced_as_a_review():
    policy = Policy("fixed", 0.5, Costs(fp=10, fn=100), review=Review(cost=1))
    scores = Scores.of(policy, np.array([0.3]), policy.costs)
    assert scores.reviewed.all()
    assert scores.expected_cost.tolist() == [1.0]


def test_no_rows_make_an_empty_profile():
    made = of([])
    assert (made.rows, made.act_rate, made.columns["x"].rows) == (0, 0.0, 0)
    assert made.columns["c"].counts.tolist() == [0, 0]


def test_the_reference_knows_what_the_rows_of_every_cell_cost():
    made = of([1.0, 1.0, 2.0, np.nan], [0, 1, 1, -1], [0.1, 0.2, 0.6, 0.9])
    assert made.columns["c"].cost.tolist() == pytest.approx([10, 12, np.mean([10, 20, 4, 1]), 1])


def test_it_survives_json_with_sorted_keys():
    made = of(np.arange(50.0), [1, 0] * 25)
    again = Profile.from_dict(json.loads(json.dumps(made.to_dict(), sort_keys=True)))
    assert again.to_dict() == made.to_dict()
    assert again.columns["c"].levels == ("b", "a")
    assert again.columns["c"].measure(np.array([1], dtype=np.int32)).counts.tolist() == [0, 1]


def test_a_profile_of_an_earlier_riskloop_is_refused_with_what_to_do():
    with pytest.raises(DataError, match="train"):
        Profile.from_dict({"rows": 3, "columns": {}})


def test_refused_cells_are_counted_apart():
    reference = of(np.arange(100.0))
    columns, scores = rows([1.0, 2.0, np.nan])
    made = reference.measure(columns, scores.take(np.array([0])), {"x": np.array([False, True, True])})
    assert (made.columns["x"].refused, made.columns["x"].rows, made.scored) == (2, 1, 1)


def test_profiles_by_other_edges_are_not_added():
    with pytest.raises(DataError, match="edges"):
        of(np.arange(10.0)).merge(of(np.arange(20.0)))


CELL = st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0])
TABLE = st.lists(st.tuples(CELL, st.integers(-1, 2), st.floats(0, 1)), max_size=40)


def table(many):
    return rows(
        [np.nan if x is None else x for x, _, _ in many], [code for _, code, _ in many], [p for _, _, p in many]
    )


@given(TABLE)
def test_every_row_is_counted_once_whatever_the_values(many):
    columns, scores = table(many)
    made = Profile.of(CONTRACT, columns, scores)
    x, c = made.columns["x"], made.columns["c"]
    assert x.counts.sum() == sum(value is not None for value, _, _ in many)
    assert x.rows == c.rows == made.rows == len(many)
    assert all(low < high for low, high in pairwise(x.edges.tolist()))
    assert len(x.counts) == len(x.edges) + 1


@given(TABLE, st.lists(TABLE, min_size=1, max_size=4))
def test_parts_add_up_to_the_whole_in_any_grouping(base, parts):
    reference = Profile.of(CONTRACT, *table(base))
    whole = reference.measure(*table([row for part in parts for row in part]))
    measured = [reference.measure(*table(part)) for part in parts]
    left = reduce(Profile.merge, measured)
    right = reduce(lambda later, earlier: earlier.merge(later), reversed(measured))
    backwards = reduce(Profile.merge, reversed(measured))
    for made in (left, right, backwards):
        for name, column in whole.columns.items():
            assert made.columns[name].cells.tolist() == column.cells.tolist()
        assert (made.rows, made.acted, made.scored) == (whole.rows, whole.acted, whole.scored)
        assert made.score.counts.tolist() == whole.score.counts.tolist()
        assert made.cost.sums == pytest.approx(whole.cost.sums, rel=1e-9, abs=1e-9)
        assert made.columns["x"].moments.sums == pytest.approx(whole.columns["x"].moments.sums, rel=1e-9, abs=1e-9)
        assert made.columns["x"].minimum == whole.columns["x"].minimum


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=60))
def test_moments_are_those_of_the_values(values):
    array = np.array(values)
    made = Moments.of(array)
    assert made.mean == pytest.approx(array.mean(), rel=1e-9, abs=1e-6)
    assert made.std == pytest.approx(array.std(ddof=1), rel=1e-6, abs=1e-6)


def test_moments_are_exact_far_from_zero():
    values = 1e9 + np.random.default_rng(0).normal(size=10_000)
    made = Moments.of(values[:5_000]).measure(values)
    assert made.std == pytest.approx(values.std(ddof=1), rel=1e-6)
    assert made.kurtosis == pytest.approx(3, abs=0.15)
