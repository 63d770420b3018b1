from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from riskloop.data.contract import Contract
from riskloop.data.frames import decode_frame
from riskloop.data.infer import Inferred, infer_contract, likely_id
from riskloop.findings import Finding
from riskloop.problem import Problem

N = 400
RNG = np.random.default_rng(0)
AMOUNT = [f"{value:.2f}" for value in RNG.normal(100, 20, N)]
PROBLEM = Problem("y", "1", id="id")


def infer(values: list[Any], name: str = "x", **roles: Any) -> Inferred:
    frame = pl.DataFrame({"id": [f"c{row}" for row in range(len(values))], name: values, "y": ["0"] * len(values)})
    return infer_contract(frame, Problem("y", "1", id="id", **roles))


def finding(inferred: Inferred, code: str) -> Finding:
    (found,) = [one for one in inferred.findings if one.code == code]
    assert found.next_step
    return found


def replaced(values: list[str], rows: int, by: str | None) -> list[str | None]:
    return [by if row < rows else value for row, value in enumerate(values)]


def test_a_number_column_gets_the_limits_it_shows() -> None:
    assert infer(AMOUNT).contract.by_name["x"].to_dict() == {"type": "number", "minimum": 0.0}
    assert infer([f"-{value}" for value in AMOUNT]).contract.by_name["x"].minimum is None


def test_a_parquet_column_of_fractions_is_a_number_column() -> None:
    inferred = infer([*RNG.random(N - 2).tolist(), None, float("nan")])
    column = inferred.contract.by_name["x"]
    assert (column.type, column.nullable) == ("number", True)
    assert finding(inferred, "missing-share").rows == 2


def test_a_region_called_na_is_a_level_and_an_id_called_na_is_an_id() -> None:
    inferred = infer(["NA", "EU", "AF", "None"] * 100, "region")
    assert inferred.contract.by_name["region"].levels == ("AF", "EU", "NA", "None")
    assert inferred.contract.by_name["region"].missing_values == ()
    frame = pl.DataFrame({"customer_id": ["NA", "NB", "null"], "y": ["0", "1", "0"]})
    assert likely_id(frame, but=["y"]) == "customer_id"


@pytest.mark.parametrize("word", ["N/A", "?", "NULL", "nan", "-"])
def test_words_for_missing_in_a_number_column_are_declared(word: str) -> None:
    inferred = infer(replaced(AMOUNT, 80, word))
    column = inferred.contract.by_name["x"]
    assert (column.type, column.missing_values, column.nullable) == ("number", (word,), True)
    assert finding(inferred, "missing-word").rows == 80
    assert finding(inferred, "missing-share").severity == "warning"


def test_a_measurement_that_is_mostly_missing_is_still_a_number() -> None:
    assert infer(replaced(AMOUNT, 300, "NA")).contract.by_name["x"].type == "number"
    assert infer(["none"] * 300 + ["1", "2"] * 50).contract.by_name["x"].type == "category"


def test_a_blank_string_in_a_number_column_is_missing_and_told() -> None:
    inferred = infer(replaced(AMOUNT, 3, " "))
    assert inferred.contract.by_name["x"].nullable
    assert "(3 of them hold blanks only)" in finding(inferred, "missing-share").message


def test_few_texts_among_numbers_are_told_and_not_silently_dropped() -> None:
    inferred = infer(replaced(AMOUNT, 2, "abc"))
    assert inferred.contract.by_name["x"].type == "number"
    assert finding(inferred, "text-in-number").rows == 2


def test_infinity_is_told() -> None:
    assert finding(infer(replaced(AMOUNT, 2, "inf")), "text-in-number").rows == 2


@pytest.mark.parametrize("code", ["999", "-9", "365243", "-999", "9999"])
def test_a_sentinel_code_is_told(code: str) -> None:
    values = [f"{value % 7 + 0.5}" for value in range(N)]
    inferred = infer(replaced(values, 20, code))
    assert finding(inferred, "sentinel").evidence == {"value": float(code), "share": 0.05}


def test_one_sentinel_does_not_hide_another() -> None:
    values = replaced(replaced([str(row % 4) for row in range(N)], 40, "-9"), 20, "-999")
    assert {one.evidence["value"] for one in infer(values).findings if one.code == "sentinel"} == {-9.0, -999.0}


def test_a_true_999_is_no_sentinel() -> None:
    values = [str(900 + row % 200) for row in range(N)]
    assert "sentinel" not in {one.code for one in infer(values).findings}


def test_few_negatives_are_told() -> None:
    assert finding(infer(replaced(AMOUNT, 2, "-5.5")), "few-negatives").rows == 2


@pytest.mark.parametrize("form", ["{},5", "1.{:03},50", "1,{:03}", "1 {:03}", "€{}.20", "{} %", "-{},25 €"])
def test_numbers_in_a_local_way_of_writing_are_told_and_left_out(form: str) -> None:
    inferred = infer([form.format(row) for row in range(60)])
    assert "x" in inferred.dropped
    assert "1234.5" in finding(inferred, "number-format").next_step


@pytest.mark.parametrize(
    ("values", "name", "code"),
    [
        ([None] * N, "x", "empty"),
        (["  "] * N, "x", "empty"),
        (["7"] * N, "x", "constant"),
        (["7"] * (N - 5) + [None] * 5, "x", "constant"),
        ([str(row) for row in range(N)], "x", "id-like"),
        ([str(row * 7919 + 11) for row in range(N)], "account_no", "id-like"),
        ([f"text {row}" for row in range(N)], "x", "id-like"),
        ([f"text {row % 300}" for row in range(N)], "x", "high-cardinality"),
        ([f"Smith {row % 30}" for row in range(N)], "Surname", "personal"),
        ([str(600_000_000 + row * 13) for row in range(N)], "phone_number", "personal"),
        ([float("inf"), float("-inf")] * 20, "x", "too-large"),
        ([10**17 + row for row in range(N)], "x", "too-large"),
        ([str(10**17 + row) for row in range(N)], "x", "id-like"),
        (["2026-01-31"] * (N - 50) + ["2026-02-30"] * 50, "opened", "date-format"),
    ],
)
def test_a_column_that_is_no_feature_is_left_out_with_the_reason(values: list[Any], name: str, code: str) -> None:
    inferred = infer([*values], name)
    assert inferred.dropped[name].startswith(code)
    assert name not in inferred.contract.features
    assert finding(inferred, code).column == name


@pytest.mark.parametrize("name", ["amount_paid", "valid", "idle_days", "income", "mobile_minutes", "email_opens"])
def test_a_measurement_is_kept_though_its_name_resembles_an_id_or_a_person(name: str) -> None:
    assert infer([str(value) for value in RNG.integers(0, 150, N)], name).contract.features == (name,)


def test_distinct_whole_numbers_without_an_id_for_a_name_are_kept_and_told() -> None:
    inferred = infer([str(value) for value in RNG.permutation(N) * 37], "revenue")
    assert inferred.contract.features == ("revenue",)
    assert finding(inferred, "id-like").severity == "warning"


def test_the_customers_id_is_found_by_name_and_uniqueness() -> None:
    unique = [str(row * 3) for row in range(50)]
    for name in ("CLIENTNUM", "customerID", "CustomerId", "IDpol", "ID", "id", "customer_id", "clientid", "Account No"):
        assert likely_id(pl.DataFrame({"amount_paid": unique, name: unique}), but=[]) == name
    assert likely_id(pl.DataFrame({"RowNumber": unique, "paid": unique}), but=[]) is None
    assert likely_id(pl.DataFrame({"loan_id": ["1", "1"]}), but=[]) is None
    assert likely_id(pl.DataFrame({"price_id": ["1.5", "2.5"]}), but=[]) is None


def test_levels_that_differ_only_in_writing_are_told() -> None:
    found = finding(infer(["France", "france ", "Spain", "new-york", "New York"] * 80), "category-format")
    assert found.evidence == {"levels": [["France", "france"], ["New York", "new-york"]]}
    assert found.rows == 320


def test_integer_codes_are_told() -> None:
    assert finding(infer(["1", "2", "3"] * 100), "integer-codes").column == "x"


def test_a_protected_attribute_is_told_unless_it_is_named_so() -> None:
    assert "--sensitive gender" in finding(infer(["m", "f"] * 100, "gender"), "protected").next_step
    inferred = infer(["m", "f"] * 100, "gender", sensitive=("gender",))
    assert inferred.contract.features == ()
    assert "gender" in inferred.contract.by_name
    assert not inferred.findings


def test_the_share_of_missing_cells_that_is_usual_here_is_allowed_and_told() -> None:
    inferred = infer(replaced(AMOUNT, 40, None))
    assert inferred.contract.by_name["x"].max_missing == 0.15
    assert finding(inferred, "missing-share").evidence == {"share": 0.1, "allowed": 0.15}


DAYS = [f"2026-{month:02}-{day:02}" for month in range(1, 6) for day in range(1, 21)] * 4


def test_a_column_of_dates_is_kept_and_its_parts_are_proposed() -> None:
    inferred = infer(replaced(DAYS, 8, None), "opened on")
    column = inferred.contract.by_name["opened on"]
    assert (column.type, column.nullable) == ("date", True)
    assert inferred.derived == {"opened on_month": "month(`opened on`)", "opened on_weekday": "weekday(`opened on`)"}
    assert "2026-01-01 to 2026-05-20" in finding(inferred, "date").message


def test_a_part_that_does_not_vary_is_not_proposed() -> None:
    assert infer(["2026-01-30", "2026-01-31"] * 20, "opened").derived == {"opened_weekday": "weekday(opened)"}


def test_a_parquet_column_of_times_is_a_column_of_dates() -> None:
    series = pl.Series(DAYS).str.to_datetime()
    inferred = infer(series.to_list(), "opened")
    assert inferred.contract.by_name["opened"].type == "date"


def test_a_few_cells_that_are_no_dates_are_told() -> None:
    assert finding(infer([*DAYS[:398], "soon", "2026-02-30"], "opened"), "text-in-date").rows == 2


def test_days_are_counted_back_from_the_event_time_which_is_then_asked_for() -> None:
    frame = pl.DataFrame({"id": [*range(400)], "at": ["2026-06-30"] * 400, "opened": DAYS, "y": ["0", "1"] * 200})
    inferred = infer_contract(frame, Problem("y", "1", id="id", time="at"))
    assert inferred.derived["opened_days_before"] == "at - opened"
    assert inferred.contract.features == ("at", "opened")


def test_an_event_time_that_no_formula_needs_is_no_feature() -> None:
    frame = pl.DataFrame({"id": [*range(400)], "at": DAYS, "x": AMOUNT, "y": ["0", "1"] * 200})
    inferred = infer_contract(frame, Problem("y", "1", id="id", time="at"))
    assert inferred.contract.features == ("x",)
    assert inferred.derived == {}


def test_many_levels_are_kept_where_each_has_rows_to_learn_from() -> None:
    inferred = infer([f"model {row % 300}" for row in range(6_000)])
    assert inferred.contract.by_name["x"].unknown == "bin"
    assert "x" in infer([f"model {row % 300}" for row in range(5_000)]).dropped


def test_the_inferred_contract_accepts_the_table_it_came_from() -> None:
    frame = pl.DataFrame(
        {
            "id": [f"c{row}" for row in range(N)],
            "amount": replaced(AMOUNT, 30, "N/A"),
            "region": replaced(["NA", "EU"] * (N // 2), 9, "?"),
            "rare": [f"r{row % 40}" for row in range(N)],
            "opened": replaced(DAYS, 9, None),
            "y": ["0", "1"] * (N // 2),
        }
    )
    contract = infer_contract(frame, PROBLEM).contract
    assert contract.features == ("amount", "region", "rare", "opened")
    assert decode_frame(contract, frame).breaches == ()
    assert Contract.from_dict(contract.to_dict()) == contract
