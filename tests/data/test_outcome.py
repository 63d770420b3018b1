from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from riskloop.data.outcome import can_learn, guess_positive, known_outcome, outcome
from riskloop.errors import DataError
from riskloop.problem import Problem


def table(values: list[Any], name: str = "y") -> pl.DataFrame:
    return pl.DataFrame({name: values, "x": range(len(values))})


def refusal(frame: pl.DataFrame, problem: Problem) -> str:
    with pytest.raises(DataError) as caught:
        outcome(frame, problem)
    assert caught.value.where
    assert caught.value.next_step
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["No", "Yes", "Yes"], "Yes"),
        (["0", "1"], "1"),
        ([0, 1, 1], "1"),
        ([0.0, 1.0, None], "1"),
        ([True, False], "true"),
        (["Existing Customer", "Existing Customer", "Attrited Customer"], "Attrited Customer"),
        (["a", "a", "b"], "b"),
        ([" <=50K", " >50K", " >50K"], ">50K"),
    ],
)
def test_the_risk_is_a_well_known_word_or_the_rarer_value(values: list[Any], positive: str) -> None:
    assert guess_positive(table(values), "y") == positive


@pytest.mark.parametrize(
    ("values", "words"),
    [(["a", "b", "c"], "--positive"), (["a", "a"], "same outcome"), ([None, " "], "No row"), ([1, 2, 3], "y > 0")],
)
def test_a_target_that_is_not_binary_says_how_to_make_it_so(values: list[Any], words: str) -> None:
    with pytest.raises(DataError, match="y") as caught:
        guess_positive(table(values), "y")
    assert words in str(caught.value)


def test_a_blank_outcome_is_unknown_and_na_is_a_value() -> None:
    positive, known = known_outcome(table(["yes", "NA", " ", None]), Problem("y", " yes "))
    assert positive.tolist() == [True, False, False, False]
    assert known.tolist() == [True, True, False, False]


def test_a_comparison_makes_the_outcome() -> None:
    frame = table(["0", "2", "x", None], "ClaimNb")
    problem = Problem("ClaimNb > 0", "true")
    positive, known = known_outcome(frame, problem)
    assert positive.tolist() == [False, True, False, False]
    assert known.tolist() == [True, True, False, False]
    assert problem.target_column == "ClaimNb"
    assert "ClaimNb" in problem.not_features()
    assert known_outcome(table(["a", "b"]), Problem("y == 'b'", "true"))[0].tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "problem", "words"),
    [
        (["0", "1"] * 60, Problem("z", "1"), "no column 'z'"),
        (["0", "1"] * 60, Problem("y", "2"), "does not occur; the target holds '0', '1'"),
        (["Yes", "No"] * 60, Problem("y", "yes"), "did you mean 'Yes'"),
        (["1"] * 100, Problem("y", "1"), "same outcome"),
        (["0"] * 100, Problem("y > 0", "true"), "same outcome"),
        ([None, "  "] * 60, Problem("y", "1"), "No row has an outcome"),
        (["a", "b"] * 60, Problem("y > 0", "true"), "No row has an outcome"),
        (["1"] * 49 + ["0"] * 200, Problem("y", "1"), "Only 49 of 249"),
        (["1"] * 200 + ["0"] * 49, Problem("y", "1"), "Only 49 of 249"),
    ],
)
def test_a_target_that_cannot_be_learnt_says_why(values: list[Any], problem: Problem, words: str) -> None:
    assert words in refusal(table(values), problem)


def test_fifty_of_each_outcome_are_enough() -> None:
    frame = table(["1"] * 50 + ["0"] * 50)
    assert outcome(frame, Problem("y", "1"))[0].sum() == 50
    assert can_learn(frame, Problem("y", "1"))
    assert not can_learn(frame.head(99), Problem("y", "1"))
    assert not can_learn(frame, Problem("z", "1"))
