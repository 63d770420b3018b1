from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from riskloop.data.contract import Column, Contract
from riskloop.errors import ConfigError, UsageError
from riskloop.learn.candidates.candidate import Candidate, Fitting
from riskloop.learn.crossfit import Block, Fitted, fit
from riskloop.learn.features import fit_encoding, fit_matrix
from riskloop.learn.scorecard import fit_scorecard_model
from riskloop.learn.target_encoding import TARGET_LEVELS
from riskloop.scorer.encoding import Encoding

STYLES = ("scaled", "pieces", "imputed", "onehot", "native")


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


def test_pieces_hold_as_many_rows_each_and_begin_and_end_with_the_values_there_are():
    (block,) = encoding_of(np.arange(1601.0) ** 2, "pieces", nullable=False).blocks
    assert block.edges == pytest.approx(np.arange(0.0, 1601, 100) ** 2, abs=2 * 1600)
    assert (block.edges[0], block.edges[-1]) == (0, 1600**2)


def test_a_number_of_two_values_has_no_pieces():
    (block,) = encoding_of([0.0, 1.0, 1.0, np.nan], "pieces").blocks
    assert (block.kind, block.indicator) == ("number", True)


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
    with pytest.raises(ConfigError, match="which is no number or date among the features") as refused:
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


MODELS = Contract(
    (Column("model", "category", tuple(map(str, range(300))), unknown="bin"), Column("age")), ("model", "age")
)


def cars(rows: int = 3_000, levels: int = 300) -> tuple[dict[str, Any], Any]:
    rng = np.random.default_rng(5)
    columns = {"model": rng.integers(0, levels, rows).astype(np.int32), "age": rng.normal(size=rows)}
    return columns, rng.random(rows) < 0.2 + 0.3 * (columns["model"] % 3 == 0)


@pytest.mark.parametrize("style", STYLES)
def test_a_category_of_many_levels_is_one_column(style):
    columns, outcome = cars()
    encoding, matrix = fit_matrix(MODELS, columns, outcome, style)
    assert [name.partition(" ")[0] for name in encoding.names] == ["model"] + ["age"] * (17 if style == "pieces" else 1)
    assert encoding.categorical == []
    assert matrix.shape == (3_000, len(encoding.names))


@pytest.mark.parametrize("levels", [TARGET_LEVELS, TARGET_LEVELS + 1])
def test_a_category_of_few_levels_is_one_hot_or_codes(levels):
    contract = Contract((Column("model", "category", tuple(map(str, range(levels)))),), ("model",))
    columns, outcome = cars(levels=levels)
    onehot, _ = fit_matrix(contract, columns, outcome, "onehot")
    native, _ = fit_matrix(contract, columns, outcome, "native")
    assert len(onehot.names) == (levels if levels <= TARGET_LEVELS else 1)
    assert native.categorical == [0]


def test_the_training_matrix_is_cross_fitted_and_service_reads_the_whole_table():
    columns, outcome = cars()
    encoding, matrix = fit_matrix(MODELS, columns, outcome, "onehot", seed=1)
    served = encoding.matrix(columns)
    assert np.array_equal(matrix[:, 1], served[:, 1])
    assert not np.array_equal(matrix[:, 0], served[:, 0])
    assert np.corrcoef(matrix[:, 0], outcome)[0, 1] < np.corrcoef(served[:, 0], outcome)[0, 1]
    assert np.corrcoef(matrix[:, 0], served[:, 0])[0, 1] > 0.5


def test_the_same_seed_draws_the_same_inner_folds():
    columns, outcome = cars()
    first, again, other = (fit_matrix(MODELS, columns, outcome, "onehot", seed=seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_customer_of_several_rows_says_nothing_about_himself():
    """Every customer has a model of his own, which alone decides: whoever sees one of his rows knows the others."""
    rng = np.random.default_rng(3)
    customer = np.repeat(np.arange(600), 5)
    contract = Contract((Column("model", "category", tuple(map(str, range(600)))),), ("model",))
    columns = {"model": customer.astype(np.int32)}
    outcome = (rng.random(600) < 0.5)[customer]
    loose, whole = (
        fit_matrix(contract, columns, outcome, "onehot", seed=1, groups=each)[1] for each in (None, customer)
    )
    assert np.corrcoef(loose[:, 0], outcome)[0, 1] > 0.9
    assert abs(np.corrcoef(whole[:, 0], outcome)[0, 1]) < 0.1


@pytest.mark.parametrize("style", [*STYLES, "woe"])
def test_without_a_target_encoded_column_the_matrix_is_that_of_the_encoding(block, style):
    encoding, matrix = fit_matrix(block.contract, block.columns, block.outcome, style, block.derived)
    assert np.array_equal(matrix, encoding.matrix(block.columns), equal_nan=True)
    assert Encoding.from_dict(encoding.to_dict()) == encoding


def test_every_column_has_one_weight_of_evidence(block):
    encoding, matrix = fit_matrix(block.contract, block.columns, block.outcome, "woe", block.derived)
    assert encoding.names == ("age", "debt", "income", "region", "married", "burden")
    assert np.isfinite(matrix).all()


def test_bins_are_not_learnt_without_an_outcome(block):
    with pytest.raises(UsageError):
        fit_encoding(block.contract, block.columns, "woe")


@pytest.mark.parametrize("trend", ["increasing", "decreasing"])
def test_a_declared_trend_holds_in_the_scorecard_that_serves(trend):
    """The risk falls with age up to 40 and rises again; whatever was declared, the served log-odds run one way."""
    contract = Contract((Column("age", monotone=trend), Column("debt")), ("age", "debt"))
    rng = np.random.default_rng(2)
    columns = {"age": rng.uniform(18, 80, 4_000).round(), "debt": rng.normal(size=4_000)}
    outcome = rng.random(4_000) < 1 / (1 + np.exp(2 - (columns["age"] - 40) ** 2 / 400 - columns["debt"]))
    encoding, matrix = fit_matrix(contract, columns, outcome, "woe")
    assert encoding.monotone(contract) == [1, 0]
    model = fit_scorecard_model(matrix, outcome)
    margin = model.margin(encoding.matrix({"age": np.arange(18.0, 81), "debt": np.zeros(63)}))
    assert (np.diff(margin) * (1 if trend == "increasing" else -1) >= 0).all()


DATED = Contract((Column("opened", "date", nullable=True), Column("at", "date"), Column("x")), ("opened", "at", "x"))
DAYS = {"opened": np.array([0.0, 31.0, np.nan, 400.5]), "at": np.full(4, 500.0), "x": np.arange(4.0)}


def test_a_date_enters_by_derived_features_only():
    derived = {"age": "at - opened", "month": "month(opened)", "next": "weekday(1 + opened + x)"}
    encoding = fit_encoding(DATED, DAYS, "native", derived)
    assert encoding.names == ("x", "age", "month", "next")
    assert np.array_equal(encoding.matrix(DAYS)[:, 1], [500.0, 469.0, np.nan, 99.5], equal_nan=True)


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        ("opened", "gives a date"),
        ("opened + 30", "gives a date"),
        ("2 * opened", "only numbers can"),
        ("opened + at", "only numbers can"),
        ("-opened", "only numbers can"),
        ("1 - opened", "only numbers can"),
        ("opened / at", "only numbers can"),
        ("month(x)", "of what is no date"),
        ("month(at - opened)", "of what is no date"),
        ("year(month(at))", "of what is no date"),
    ],
)
def test_what_makes_no_sense_with_dates_is_refused(formula, why):
    with pytest.raises(ConfigError, match=why) as refused:
        fit_encoding(DATED, DAYS, "native", {"odd": formula})
    assert refused.value.where == "features.derived.odd"
