from __future__ import annotations

import json
import math
import time
from datetime import date
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.data.column import BrokenRule
from riskloop.data.contract import MISSING_CODE, Column, Contract, Decoded, did_you_mean
from riskloop.errors import ConfigError

AGE = Column("age", minimum=18, maximum=100)
INCOME = Column("income", nullable=True, missing_values=("N/A", "-9"))
REGION = Column("region", "category", ("EU", "NA", "None"))
PLAN = Column("plan", "category", ("basic", "premium"), nullable=True, unknown="bin")
CONTRACT = Contract((AGE, INCOME, REGION, PLAN), ("age", "income", "region", "plan"), known=("id",))
GOOD: dict[str, Any] = {"age": 40, "income": 1.5, "region": "NA", "plan": "basic"}


def decode(typed: bool = True, **changes: object) -> Decoded:
    return CONTRACT.decode_rows([{**GOOD, **changes}], typed=typed)


def complaint(typed: bool = True, **changes: object) -> tuple[str, str, str]:
    (breach,) = decode(typed, **changes).breaches
    return breach.column, breach.code, breach.message


def test_a_good_customer_is_decoded_to_numbers_and_codes() -> None:
    decoded = decode()
    assert not decoded.breaches
    assert {name: values.tolist() for name, values in decoded.columns.items()} == {
        "age": [40.0],
        "income": [1.5],
        "region": [1],
        "plan": [0],
    }


def test_text_that_only_looks_missing_stays_text() -> None:
    for typed in (True, False):
        assert decode(typed, age="40" if not typed else 40, income=None, region="None").columns["region"][0] == 2
        assert decode(typed, age="40" if not typed else 40, income=None, region="NA").columns["region"][0] == 1


@pytest.mark.parametrize("value", [None, "", "  ", "\u00a0", "N/A", " N/A ", -9, -9.0, math.nan])
def test_what_the_contract_calls_missing_is_missing_however_it_is_written(value: object) -> None:
    assert math.isnan(decode(income=value).columns["income"][0])


def test_a_missing_number_reads_the_same_from_a_file() -> None:
    for text in ("-9", "-9.0", "-9e0", " -9 "):
        assert math.isnan(decode(typed=False, income=text).columns["income"][0])


def test_a_missing_category_and_an_unseen_one_differ() -> None:
    assert decode(plan=None).columns["plan"][0] == MISSING_CODE
    assert decode(plan="gold").columns["plan"][0] == len(PLAN.levels)


@pytest.mark.parametrize(
    ("changes", "column", "code", "words"),
    [
        ({"age": None}, "age", "missing", "required"),
        ({"age": "40"}, "age", "not-a-number", "'40'"),
        ({"age": True}, "age", "not-a-number", "True"),
        ({"age": [1]}, "age", "not-a-number", "[1]"),
        ({"age": {}}, "age", "not-a-number", "{}"),
        ({"age": math.inf}, "age", "not-finite", "infinity"),
        ({"age": 10**400}, "age", "too-large", "1e+15"),
        ({"age": 2**60}, "age", "too-large", "1e+15"),
        ({"age": 17}, "age", "below-minimum", "17 is below the minimum 18"),
        ({"age": 101}, "age", "above-maximum", "101 is above the maximum 100"),
        ({"region": "Eu"}, "region", "unknown-category", "'EU', 'NA', 'None'"),
        ({"region": "x" * 10_000}, "region", "unknown-category", "xxx..."),
        ({"region": [1]}, "region", "not-a-category", "[1]"),
        ({"region": math.inf}, "region", "not-a-category", "inf"),
        ({"agee": 3}, "agee", "unexpected", "did you mean 'age'"),
    ],
)
def test_a_broken_rule_is_told_by_column_code_and_example(
    changes: dict[str, object], column: str, code: str, words: str
) -> None:
    found = complaint(**changes)
    assert found[:2] == (column, code)
    assert words in found[2]
    assert len(found[2]) < 200


@pytest.mark.parametrize("text", ["1_000", "1,5", "1 000", "0x10", "nan", "inf", "Infinity", "٣", "1e", "--1", "4O"])
def test_a_text_that_is_no_plain_number_is_refused(text: str) -> None:
    assert complaint(typed=False, age=text)[1] == "not-a-number"


@pytest.mark.parametrize("text", ["40", " 40 ", "+40", "40.", "4e1", "4.0E+1", "\x1c40\u2003"])
def test_a_number_may_be_written_in_the_usual_ways(text: str) -> None:
    assert decode(typed=False, age=text).columns["age"][0] == 40.0


def test_an_empty_object_is_never_scored() -> None:
    decoded = CONTRACT.decode_rows([{}])
    assert [breach.code for breach in decoded.breaches] == ["absent"] * 4
    assert decoded.broken().tolist() == [True]


def test_whole_numbers_name_levels_and_booleans_do_too() -> None:
    coded = Contract((Column("grade", "category", ("1", "true", "2.5")),), ("grade",))
    decoded = coded.decode_rows([{"grade": value} for value in (1, 1.0, "1", True, 2.5)])
    assert not decoded.breaches
    assert decoded.columns["grade"].tolist() == [0, 0, 0, 1, 2]


def test_aliases_and_case_are_cleaned_as_declared() -> None:
    country = Column("c", "category", ("France", "Spain"), aliases=(("FR", "France"),), ignore_case=True)
    contract = Contract((country,), ("c",))
    decoded = contract.decode_rows([{"c": text} for text in ("france", " FRANCE ", "fr", "Spain")])
    assert not decoded.breaches
    assert decoded.columns["c"].tolist() == [0, 0, 0, 1]
    assert contract.decode_rows([{"c": "fra"}]).breaches


def test_an_unseen_category_may_be_coerced_to_missing() -> None:
    column = Column("c", "category", ("a",), nullable=True, unknown="coerce")
    decoded = Contract((column,), ("c",)).decode_rows([{"c": "b"}])
    assert not decoded.breaches
    assert decoded.columns["c"].tolist() == [MISSING_CODE]


def test_only_the_rows_that_break_a_rule_are_named() -> None:
    decoded = CONTRACT.decode_rows([GOOD, {**GOOD, "age": 5}, GOOD, {**GOOD, "age": 7}])
    assert decoded.breaches[0].rows.tolist() == [1, 3]
    assert decoded.breaches[0].message == "5 is below the minimum 18"
    assert decoded.broken().tolist() == [False, True, False, True]


def test_thousands_of_strange_fields_and_values_are_refused_quickly() -> None:
    wide = Contract(tuple(Column(f"feature_{i}") for i in range(500)), tuple(f"feature_{i}" for i in range(500)))
    coded = Contract((Column("c", "category", tuple(f"level {i}" for i in range(200))),), ("c",))
    start = time.perf_counter()
    wide.decode_rows([{f"featre_{i}": 1 for i in range(3_000)}])
    coded.decode_rows([{"c": f"levl {i}"} for i in range(3_000)], typed=False)
    assert time.perf_counter() - start < 2


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(str.strip)
limits = st.one_of(st.none(), st.floats(-1e9, 1e9))


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    nullable, share = draw(st.booleans()), draw(st.floats(0, 1))
    missing = tuple(draw(st.lists(st.sampled_from(["NA", "?", "999", "null", "no"]), max_size=2, unique=True)))
    if draw(st.booleans()):
        low, high = draw(limits), draw(limits)
        if low is not None and high is not None and low > high:
            low, high = high, low
        trend = draw(st.sampled_from(["", "increasing", "decreasing"]))
        return Column(name, "number", (), low, high, nullable, share, missing, monotone=trend)
    if draw(st.booleans()):
        return Column(name, "date", nullable=nullable, max_missing=share, missing_values=missing)
    levels = draw(
        st.lists(texts.filter(lambda text: text and text not in missing), min_size=1, unique=True, max_size=5)
    )
    unknown = draw(st.sampled_from(["reject", "bin", "coerce"] if nullable else ["reject", "bin"]))
    aliases = tuple((f"{level} too", level) for level in levels if draw(st.booleans()))
    return Column(name, "category", tuple(levels), None, None, nullable, share, missing, unknown, aliases)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    named = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    chosen = tuple(draw(columns(name)) for name in named)
    features = tuple(name for name in named if draw(st.booleans()))
    return Contract(chosen, features, tuple(draw(st.lists(names, max_size=2, unique=True))))


@settings(deadline=None, max_examples=100)
@given(contracts())
def test_a_contract_survives_json_and_yaml(contract: Contract) -> None:
    document = contract.to_dict()
    assert Contract.from_dict(json.loads(json.dumps(document))) == contract
    assert Contract.from_dict(yaml.safe_load(yaml.safe_dump(document, sort_keys=False))) == contract


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from([*GOOD, "id", "x"]), json_values))
def test_any_json_object_is_decoded_or_named_in_a_breach(customer: dict[str, object]) -> None:
    decoded = CONTRACT.decode_rows([customer])
    told = {breach.column for breach in decoded.breaches}
    assert set(GOOD) - set(customer) <= told
    for column in CONTRACT.used:
        (value,) = decoded.columns[column.name]
        if column.name not in told and column.type == "number":
            assert np.isnan(value) or abs(value) <= 1e15
        elif column.name not in told:
            assert -1 <= value <= len(column.levels)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"minimun": 3}, "did you mean 'minimum'"),
        ({"minimum": "3"}, "wrong type"),
        ({"minimum": True}, "wrong type"),
        ({"minimum": 3, "maximum": 1}, "not below"),
        ({"minimum": math.nan}, "not below"),
        ({"max_missing": 5}, "between 0 and 1"),
        ({"type": "text"}, "number or category"),
        ({"type": "category"}, "needs levels"),
        ({"type": "category", "levels": ["a", " a "]}, "named twice"),
        ({"type": "category", "levels": ["a", "A"], "ignore_case": True}, "named twice"),
        ({"type": "category", "levels": ["a"], "aliases": {"b": "c"}}, "'c', which is no level"),
        ({"type": "category", "levels": ["a"], "aliases": {"a": "a"}}, "named twice"),
        ({"type": "category", "levels": ["a"], "aliases": ["b"]}, "wrong type"),
        ({"type": "category", "levels": ["a"], "unknown": "coerce"}, "nullable"),
        ({"type": "category", "levels": ["a", "?"], "missing_values": ["?"]}, "missing_values"),
        ({"type": "category", "levels": ["a", ""]}, "missing_values"),
        ({"type": "category", "levels": [True, "a"]}, "in quotes"),
        ({"missing_values": [None]}, "in quotes"),
        ({"type": "category", "levels": ["a"], "unknown": "guess"}, "reject or bin or coerce"),
        ("number", "mapping"),
        ({"monotone": "up"}, "increasing or decreasing"),
        ({"monotone": True}, "wrong type"),
        ({"type": "date", "monotone": "increasing"}, "not in a date"),
        ({"type": "category", "levels": ["a"], "monotone": "increasing"}, "not in a category"),
        ({"type": "date", "minimum": 0}, "neither minimum nor maximum"),
        ({"type": "date", "missing_values": [date(2026, 1, 31)]}, "in quotes"),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_name(rules: Any, words: str) -> None:
    with pytest.raises(ConfigError, match="age") as caught:
        Contract.from_dict({"columns": {"age": rules}})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "document", [{}, {"columns": []}, {"columns": {"a": {}}, "colums": {}}, {"columns": {"a": {}}, "version": 2}]
)
def test_a_document_that_is_no_contract_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Contract.from_dict(document)


def test_a_trend_is_kept_and_no_trend_is_not_written() -> None:
    column = Column.from_dict("age", {"monotone": "increasing"})
    assert column.to_dict() == {"type": "number", "monotone": "increasing"}
    assert Column("age").to_dict() == {"type": "number"}


def test_a_date_that_means_missing_does_so_however_it_is_written() -> None:
    column = Column("until", "date", nullable=True, missing_values=("9999-12-31", "open"))
    texts = ["9999-12-31", "9999-12-31T00:00:00Z", "open", "", None, "2026-01-31"]
    decoded = Contract((column,), ("until",)).decode_rows([{"until": text} for text in texts])
    assert decoded.breaches == ()
    assert np.isnan(decoded.columns["until"]).tolist() == [True] * 5 + [False]


@pytest.mark.parametrize("value", ["soon", 20484, 20484.5, True, ["2026-01-31"], "31.01.2026"])
def test_what_is_no_date_is_told_with_an_example_of_one(value: object) -> None:
    (breach,) = Contract((Column("since", "date"),), ("since",)).decode_rows([{"since": value}]).breaches
    assert breach.code == "not-a-date"
    assert "2026-01-31" in breach.message


def test_a_feature_without_rules_is_refused() -> None:
    with pytest.raises(ConfigError, match="'b' has no column"):
        Contract.from_dict({"columns": {"a": {}}, "features": ["b"]})


def test_a_suggestion_is_made_for_near_names_only() -> None:
    assert did_you_mean("incme", ["income", "age"]) == " (did you mean 'income'?)"
    assert did_you_mean("zzz", ["income", "age"]) == ""
    assert did_you_mean("i" * 1_000_000, ["income"]) == ""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Column("x", minimum=0, personal=True), -4711.0),
        (Column("x", personal=True), "4711 Main Street"),
        (Column("x", "category", ("a",), personal=True), "4711 Main Street"),
        (Column("x", "date", personal=True), "4711 Main Street"),
    ],
)
def test_a_personal_value_is_never_quoted_where_something_is_wrong_with_it(column, value):
    contract = Contract((column,), ("x",))
    (breach,) = contract.decode_rows([{"x": value}]).breaches
    assert "4711" not in breach.message
    assert "(hidden)" in breach.message
    assert Column.from_dict("x", column.to_dict()) == column


TEXTS = st.sampled_from(["EU", "NA", "basic", "9", "", "?"])
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS


@given(st.fixed_dictionaries(dict.fromkeys(GOOD, ANYTHING) | {"id": st.just("7")}, optional={"strange": ANYTHING}))
def test_a_row_by_itself_is_read_as_a_table_of_one_or_not_at_all(row: dict[str, Any]) -> None:
    alone, decoded = CONTRACT.decode_row(row), CONTRACT.decode_rows([row])
    assert (alone is None) == bool(decoded.breaches)
    if alone is not None:
        columns = CONTRACT.columns_of(alone)
        for name, values in decoded.columns.items():
            assert np.array_equal(columns[name], values, equal_nan=values.dtype == np.float64)
            assert columns[name].dtype == values.dtype


def test_a_row_that_lacks_a_field_is_not_read() -> None:
    assert CONTRACT.decode_row({name: value for name, value in GOOD.items() if name != "age"}) is None
    assert CONTRACT.decode_row(GOOD) == [40.0, 1.5, 1, 0]


@settings(deadline=None, max_examples=200)
@given(columns("x"), st.one_of(ANYTHING, st.floats(-1e9, 1e9).map(str), st.integers(0, 999).map(str)), st.booleans())
def test_the_quick_way_to_read_a_value_says_what_the_careful_one_says(column: Column, value: Any, typed: bool) -> None:
    quick = column.usual if typed else column.usual_text
    try:
        careful: float | None = column.read(value, typed=typed)
    except BrokenRule:
        with pytest.raises(BrokenRule):
            quick(value)
        return
    assert quick(value) == careful or (math.isnan(quick(value)) and careful is not None and math.isnan(careful))


@given(st.fixed_dictionaries(dict.fromkeys(GOOD, ANYTHING)))
def test_what_was_accepted_as_json_is_read_alike_from_the_ledger(row: dict[str, Any]) -> None:
    received = CONTRACT.decode_rows([row])
    if not received.breaches:
        kept = CONTRACT.decode_kept([row, {**row, "an earlier column": 1}])
        assert not kept.breaches
        for name, values in received.columns.items():
            assert np.array_equal(kept.columns[name], np.repeat(values, 2), equal_nan=values.dtype == np.float64)
