from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from riskloop.data.contract import Column, Contract
from riskloop.data.quality import Quality, check_table
from riskloop.findings import Finding, blocking
from riskloop.problem import Problem

N = 200
PROBLEM = Problem("y", "1", id="id")
CONTRACT = Contract(
    (
        Column("age", minimum=18),
        Column("income", nullable=True, missing_values=("N/A",)),
        Column("region", "category", ("EU", "NA")),
    ),
    ("age", "income", "region"),
    known=("id", "y"),
)


def table(**changes: dict[int, str | None]) -> pl.DataFrame:
    cells: dict[str, list[str | None]] = {
        "id": [f"c{row}" for row in range(N)],
        "age": [str(20 + row % 60) for row in range(N)],
        "income": [f"{row * 7.5}" for row in range(N)],
        "region": ["NA" if row % 3 else "EU" for row in range(N)],
        "y": [str(row % 2) for row in range(N)],
    }
    for name, replaced in changes.items():
        for row, value in replaced.items():
            cells[name][row] = value
    return pl.DataFrame(cells)


def gate(frame: pl.DataFrame, **options: Any) -> Quality:
    quality = check_table(frame, CONTRACT, PROBLEM, **options)
    assert all(finding.next_step for finding in quality.findings)
    return quality


def found(quality: Quality, code: str) -> Finding:
    (finding,) = [one for one in quality.findings if one.code == code]
    return finding


def test_a_table_that_keeps_the_contract_passes_whole() -> None:
    quality = gate(table())
    assert quality.findings == ()
    assert quality.keep.all()


def test_bad_rows_are_set_aside_with_every_reason_and_the_rest_is_kept() -> None:
    quality = gate(table(age={3: "-5", 7: "abc", 9: None}, region={3: "eu"}))
    assert np.flatnonzero(~quality.keep).tolist() == [3, 7, 9]
    assert quality.reasons[3] == "age: -5 is below the minimum 18; region: 'eu' is not one of 'EU', 'NA'"
    assert quality.reasons[7] == "age: expected a number, got 'abc'"
    assert quality.reasons[9] == "age: a value is required"
    assert not blocking(quality.findings)
    finding = found(quality, "below-minimum")
    assert (finding.column, finding.rows, finding.evidence) == ("age", 1, {"first_rows": [3]})


def test_too_many_bad_rows_block() -> None:
    quality = gate(table(age=dict.fromkeys(range(6), "x"), region=dict.fromkeys(range(10, 16), "x")))
    assert found(quality, "too-many-bad-rows").rows == 12
    assert [finding.code for finding in blocking(quality.findings)] == ["too-many-bad-rows"]


def test_a_column_over_five_percent_missing_is_refused_unless_allowed() -> None:
    frame = table(income={row: " N/A " if row % 2 else None for row in range(11)})
    finding = found(gate(frame), "missing-share")
    assert (finding.severity, finding.rows) == ("error", 11)
    assert "max_missing" in finding.next_step
    assert gate(table(income=dict.fromkeys(range(10)))).findings == ()
    allowing = Contract((Column("income", nullable=True, max_missing=0.1, missing_values=("N/A",)),), ("income",))
    assert not blocking(check_table(frame, allowing, PROBLEM).findings)


def test_a_sentinel_declared_as_missing_counts_as_missing() -> None:
    contract = Contract((Column("income", nullable=True, missing_values=("999",)),), ("income",))
    frame = table(income=dict.fromkeys(range(30), "999.0"))
    assert check_table(frame, contract, PROBLEM).findings[-1].rows == 30


def test_absent_columns_block_and_the_near_name_is_given() -> None:
    quality = gate(table().rename({"income": "incme"}))
    finding = found(quality, "absent-column")
    assert (finding.severity, finding.column) == ("error", "income")
    assert "did you mean 'incme'" in finding.message
    assert quality.decoded is None
    assert not quality.keep.any()
    assert found(quality, "unexpected-column").severity == "info"


def test_a_table_of_another_kind_is_told_in_a_few_findings() -> None:
    many = Contract(tuple(Column(f"c{i}") for i in range(500)), tuple(f"c{i}" for i in range(500)))
    findings = check_table(table(), many, PROBLEM).findings
    assert len(blocking(findings)) == 11
    assert "490 more columns" in findings[10].message


def test_a_column_that_changes_its_type_is_named_with_an_example() -> None:
    words = gate(table().with_columns(pl.Series("age", ["young", "old"] * (N // 2))))
    assert found(words, "not-a-number").severity == "error"
    assert "'young'" in found(words, "not-a-number").message
    numbers = gate(table().with_columns(pl.Series("region", range(N))))
    assert found(numbers, "unknown-category").rows == N


def test_rows_without_an_outcome_are_set_aside() -> None:
    known = np.arange(N) >= 4
    quality = gate(table(), known_outcome=known)
    assert np.flatnonzero(~quality.keep).tolist() == [0, 1, 2, 3]
    assert quality.reasons[0] == "y: the outcome is missing"
    assert found(quality, "unknown-outcome").severity == "warning"
    third = gate(table(), known_outcome=np.arange(N) % 3 > 0)
    assert not blocking(third.findings)  # they break no rule of the contract


def test_missing_and_repeated_ids_and_an_id_called_na() -> None:
    quality = gate(table(id={0: None, 1: " ", 2: "NA", 3: "c9"}))
    assert found(quality, "missing-id").rows == 2
    assert found(quality, "duplicate-id").rows == 1
    assert quality.keep.all()


@pytest.mark.parametrize(("copies", "severity"), [(1, "info"), (50, "warning")])
def test_copied_rows_are_told(copies: int, severity: str) -> None:
    frame = table()
    more = frame.head(copies).with_columns(id=pl.lit("n") + pl.int_range(copies).cast(pl.String))
    finding = found(gate(pl.concat([frame, more])), "duplicate-rows")
    assert (finding.rows, finding.severity) == (copies, severity)


def test_findings_are_plain_json_and_the_same_again() -> None:
    frame = table(age={3: "-5", 4: "inf"}, income={5: "x"}, id={0: None})
    first, again = (json.dumps([one.to_dict() for one in gate(frame).findings]) for _ in range(2))
    assert first == again
    assert {"code", "severity", "message", "next_step", "column", "rows", "evidence"} == set(json.loads(first)[0])
