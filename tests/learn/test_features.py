from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from riskloop.data.contract import Column, Contract
from riskloop.errors import ConfigError
from riskloop.learn.candidates.candidate import Candidate, Fitting
from riskloop.learn.crossfit import Block, Fitted, fit
from riskloop.learn.features import fit_encoding
from riskloop.scorer.encoding import Encoding

STYLES = ("scaled", "imputed", "onehot", "native")


def encoding_of(values: Any, style: Any = "scaled", *, nullable: bool = True) -> Encoding:
    return fit_encoding(Contract((Column("x", nullable=nullable),), ("x",)), {"x": np.array(values)}, style)


def small_tree(data: Fitting) -> Any:
    return DecisionTreeClassifier(max_depth=3, random_state=data.seed).fit(data.matrix, data.outcome)


def same_model(one: Fitted, other: Fitted) -> bool:
    ours, theirs = one.model.to_arrays(), other.model.to_arrays()
    return one.encoding == other.encoding and all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("poison", [1e15, -1e15, np.nan])
def test_what_is_learnt_never_sees_a_held_out_row(block, style, poison):
    held_out = block.fold == 1
    poisoned = replace(block, columns={name: values.copy() for name, values in block.columns.items()})
    for name in ("age", "debt", "income"):
        poisoned.columns[name][held_out] = poison
    for name in ("region", "married"):
        poisoned.columns[name][held_out] = 1
    candidate = Candidate("tree", 0, style, small_tree)
    assert same_model(*(fit(candidate, one, ~held_out, seed=1) for one in (block, poisoned)))


def test_the_poison_would_show_if_it_were_seen(block):
    everyone = np.ones(len(block.outcome), dtype=bool)
    columns = block.columns | {"age": np.where(block.fold == 1, 1e15, block.columns["age"])}
    candidate = Candidate("tree", 0, "scaled", small_tree)
    assert not same_model(*(fit(candidate, one, everyone, seed=1) for one in (block, replace(block, columns=columns))))


def test_scaled_numbers_have_mean_zero_and_deviation_one(block):
    encoding = fit_encoding(block.contract, block.columns, "scaled", block.derived)
    matrix = encoding.matrix(block.columns)
    for name in ("age", "debt", "income", "burden"):
        column = matrix[:, encoding.names.index(name)]
        assert column.mean() == pytest.approx(0, abs=1e-12)
        assert column.std() == pytest.approx(1)
    assert np.isfinite(matrix).all()


def test_the_median_stands_in_for_what_is_missing():
    encoding = encoding_of([1.0, 2.0, 100.0, np.nan], "imputed")
    assert encoding.matrix({"x": np.array([np.nan, 5.0])}).tolist() == [[2.0, 1.0], [5.0, 0.0]]


def test_a_number_never_missing_in_training_has_no_indicator_and_is_imputed_all_the_same():
    encoding = encoding_of([1.0, 2.0, 9.0], "imputed")
    assert encoding.names == ("x",)
    assert encoding.matrix({"x": np.array([np.nan])}).tolist() == [[2.0]]


def test_a_column_wholly_missing_is_a_constant():
    encoding = encoding_of([np.nan, np.nan])
    assert encoding.matrix({"x": np.array([np.nan, 3.0])}).tolist() == [[0.0, 1.0], [3.0, 0.0]]


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9 + 0.1, -7.3, 0.0])
def test_a_constant_is_not_blown_up_by_the_rounding_of_its_mean(value):
    """The deviation of a thousand times 0.1 is 1e-17, and dividing by it makes 1e17 of the next customer."""
    encoding = encoding_of(np.full(1001, value))
    made = encoding.matrix({"x": np.array([value, value + 1])})[:, 0]
    assert made == pytest.approx([0, 1], abs=1e-6)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-1e15, 1e15) | st.just(np.nan), min_size=1, max_size=20))
def test_whatever_the_column_the_scaled_matrix_is_finite_and_small(values):
    matrix = encoding_of(values).matrix({"x": np.array(values)})
    assert np.abs(matrix).max() <= max(1.0, np.sqrt(len(values)) + 1e-6) or np.nanstd(values) < 1e-6


@pytest.mark.parametrize("style", ["onehot", "native"])
def test_styles_that_leave_missing_numbers_to_the_model_learn_nothing(block, style):
    first, second = (fit_encoding(block.contract, block.rows(block.fold == fold), style) for fold in (0, 1))
    assert first == second
    assert np.isnan(first.matrix(block.columns)[:, first.names.index("debt")]).any()


def test_a_category_that_may_be_missing_has_a_column_for_it_and_native_ones_are_codes(block):
    onehot = fit_encoding(block.contract, block.columns, "onehot")
    assert "region is missing" in onehot.names
    assert "married is missing" not in onehot.names
    native = fit_encoding(block.contract, block.columns, "native")
    assert [native.names[position] for position in native.categorical] == ["region", "married"]


@pytest.mark.parametrize("formula", ["debt / region", "debt / outcome", "`married` * 2", "burden * 2"])
def test_a_formula_needs_number_features(block, formula):
    with pytest.raises(ConfigError, match="which is no number among the features") as refused:
        fit_encoding(block.contract, block.columns, "scaled", {"burden": "debt / income", "odd": formula})
    assert refused.value.where == "features.derived.odd"


@pytest.mark.parametrize("formula", ["debt /", "debt ** 2", "1 + 1", ""])
def test_a_text_that_is_no_formula_is_refused(block, formula):
    with pytest.raises(ConfigError):
        fit_encoding(block.contract, block.columns, "scaled", {"odd": formula})


def test_a_column_dropped_from_the_features_cannot_come_back_through_a_formula(block):
    contract = replace(block.contract, features=("age", "debt"))
    with pytest.raises(ConfigError, match="'income'"):
        fit_encoding(contract, block.columns, "scaled", {"burden": "debt / income"})


def test_a_block_is_cut_by_rows(block):
    assert isinstance(block, Block)
    mask = block.outcome
    assert all(len(values) == mask.sum() for values in block.rows(mask).values())
