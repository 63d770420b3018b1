from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.data.contract import Column, Contract
from riskloop.watch.profile import BINS, profile

CONTRACT = Contract(
    (Column("x", nullable=True), Column("c", "category", levels=("a", "b"), nullable=True, unknown="bin")),
    features=("x", "c"),
)


def of(numbers, codes=None, probability=None):
    numbers = np.array(numbers, dtype=np.float64)
    codes = np.zeros(len(numbers), dtype=np.int32) if codes is None else np.array(codes, dtype=np.int32)
    scores = np.linspace(0.1, 0.9, len(numbers)) if probability is None else np.array(probability)
    made = profile(CONTRACT, {"x": numbers, "c": codes}, scores, scores >= 0.5)
    json.dumps(made, allow_nan=False)
    return made


def number(values):
    return of(values)["columns"]["x"]


def test_numbers_are_counted_between_their_quantiles():
    summary = number(np.arange(1000.0))
    assert len(summary["edges"]) == BINS - 1
    assert summary["counts"] == [50] * BINS
    assert (summary["minimum"], summary["maximum"], summary["mean"]) == (0.0, 999.0, 499.5)
    assert summary["std"] == pytest.approx(np.arange(1000).std(ddof=1))


def test_ties_share_a_bin_and_every_edge_is_there_once():
    summary = number([0.0] * 900 + list(range(1, 101)))
    assert summary["edges"] == sorted(set(summary["edges"]))
    assert summary["counts"][0] == 900
    assert sum(summary["counts"]) == 1000


def test_one_value_is_one_bin():
    summary = number([7.0] * 10)
    assert (summary["edges"], summary["counts"], summary["std"]) == ([7.0], [10, 0], 0.0)


def test_one_row_has_no_deviation():
    assert number([7.0])["std"] == 0.0


def test_a_column_wholly_missing_says_so_and_nothing_else():
    assert number([np.nan] * 4) == {"type": "number", "missing": 1.0}


def test_missing_numbers_are_a_share_and_not_counted():
    summary = number([1.0, np.nan, 3.0, np.nan])
    assert summary["missing"] == 0.5
    assert sum(summary["counts"]) == 2
    assert summary["mean"] == 2.0


def test_categories_are_counted_by_level_with_unknown_and_missing_apart():
    summary = of([0.0] * 6, [0, 0, 1, 2, -1, 2])["columns"]["c"]
    assert summary == {"type": "category", "missing": 1 / 6, "counts": {"a": 2, "b": 1}, "unknown": 2}


def test_a_level_that_nobody_has_counts_zero():
    assert of([0.0, 0.0], [-1, -1])["columns"]["c"] == {
        "type": "category",
        "missing": 1.0,
        "counts": {"a": 0, "b": 0},
        "unknown": 0,
    }


def test_scores_and_decisions_are_summarised_too():
    made = of([0.0] * 4, probability=[0.1, 0.2, 0.6, 0.7])
    assert made["rows"] == 4
    assert made["act_rate"] == 0.5
    assert made["score"]["mean"] == pytest.approx(0.4)


def test_no_rows_make_an_empty_profile():
    made = of([])
    assert made["rows"] == 0
    assert made["columns"]["x"] == {"type": "number", "missing": 0.0}
    assert made["columns"]["c"]["counts"] == {"a": 0, "b": 0}


@given(
    st.lists(
        st.tuples(st.none() | st.floats(-1e15, 1e15) | st.sampled_from([0.0, 1.0]), st.integers(-1, 2)), max_size=60
    )
)
def test_every_row_is_counted_once_whatever_the_values(rows):
    made = of([np.nan if x is None else x for x, _ in rows], [code for _, code in rows])
    x, c = made["columns"]["x"], made["columns"]["c"]
    assert sum(x.get("counts", [])) == sum(value is not None for value, _ in rows)
    assert sum(c["counts"].values()) + c["unknown"] == sum(code >= 0 for _, code in rows)
    assert x.get("edges", []) == sorted(set(x.get("edges", [])))
    assert len(x.get("counts", [0])) == len(x.get("edges", [])) + 1
