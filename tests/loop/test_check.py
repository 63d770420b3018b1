from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from riskloop.data.source import Source
from riskloop.data.source import reading as source_module
from riskloop.errors import DataError, GateRefused, RiskloopError
from riskloop.findings import Finding
from riskloop.loop.project import Project
from riskloop.loop.workflows.check import Checked, check, prepare_table, refuse_blocked
from riskloop.loop.workflows.initialise import initialise
from riskloop.settings import read_yaml
from riskloop.wiring import open_project

N = 500


def customers() -> dict[str, list[Any]]:
    rng = np.random.default_rng(1)
    return {
        "customer_id": ["NA", "null", *[f"c{row}" for row in range(2, N)]],
        "region": rng.choice(["NA", "EU", "AF"], N).tolist(),
        "income": [f"{value:.2f}" for value in rng.normal(3_000, 500, N)],
        "tenure": rng.integers(0, 60, N).tolist(),
        "churned": rng.choice(["no", "yes"], N, p=[0.7, 0.3]).tolist(),
    }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    pl.DataFrame(customers()).write_csv(tmp_path / "customers.csv")
    initialise(tmp_path / "project", Source(str(tmp_path / "customers.csv")), "churned")
    return open_project(tmp_path / "project", {})


def other(project: Project, *, name: str = "batch.csv", **changes: dict[int, Any]) -> Checked:
    cells = {key: [str(value) for value in values] for key, values in customers().items()}
    for key, replaced in changes.items():
        for row, value in replaced.items():
            cells[key][row] = value
    path = project.folder.parent / name
    pl.DataFrame(cells).write_csv(path)
    return check(project, str(path))


def found(checked: Checked, code: str) -> Finding:
    (finding,) = [one for one in checked.findings if one.code == code]
    assert finding.next_step
    return finding


def test_the_training_table_passes(project: Project) -> None:
    checked = check(project)
    assert checked.passed
    assert (checked.rows, checked.kept, checked.quarantine) == (N, N, None)


def test_an_id_called_na_is_a_customer_like_others(project: Project) -> None:
    assert {"missing-id", "duplicate-id"}.isdisjoint(finding.code for finding in check(project).findings)


def test_bad_rows_go_to_a_file_with_their_reasons_and_the_rest_is_kept(project: Project) -> None:
    checked = other(project, income={3: "lots", 8: "-5"}, region={8: "Mars"})
    assert checked.passed
    assert checked.kept == N - 2
    assert checked.quarantine is not None
    written = pl.read_csv(checked.quarantine, infer_schema=False)
    assert written["riskloop_row"].to_list() == ["4", "9"]
    assert "'lots'" in written["riskloop_reason"][0]
    assert "'Mars'" in written["riskloop_reason"][1]
    assert "below the minimum" in written["riskloop_reason"][1]
    assert written["income"].to_list() == ["lots", "-5"]


def test_a_mended_table_leaves_no_quarantine_behind(project: Project) -> None:
    before = other(project, income={3: "lots"}).quarantine
    assert before is not None
    assert other(project).quarantine is None
    assert not before.exists()


def test_the_gravest_comes_first(project: Project) -> None:
    checked = other(project, income=dict.fromkeys(range(100), "x"), region={200: "Mars"})
    assert not checked.passed
    order = [finding.severity for finding in checked.findings]
    assert order == sorted(order, key=["error", "warning", "info"].index)


def test_a_small_batch_with_few_outcomes_is_checked_as_one_to_be_scored(project: Project) -> None:
    path = project.folder.parent / "few.csv"
    pl.DataFrame(customers()).head(20).write_csv(path)
    assert check(project, str(path)).passed
    pl.DataFrame(customers()).drop("churned").write_csv(path)
    assert check(project, str(path)).passed


def test_another_file_may_be_written_in_another_way(project: Project) -> None:
    path = project.folder.parent / "batch.csv"
    text = pl.DataFrame(customers()).write_csv(separator=";", line_terminator="\r\n")
    path.write_bytes(text.encode("utf-16"))
    assert check(project, str(path)).passed
    parquet = project.folder.parent / "batch.parquet"
    pl.DataFrame(customers()).with_columns(pl.col("income").cast(pl.Float64)).write_parquet(parquet)
    assert check(project, str(parquet)).passed


def test_a_column_that_changed_its_type_is_named(project: Project) -> None:
    checked = other(project, tenure=dict.fromkeys(range(N), "long"))
    finding = found(checked, "not-a-number")
    assert (finding.column, finding.rows, finding.severity) == ("tenure", N, "error")


def test_decimal_commas_in_a_number_column_are_shown(project: Project) -> None:
    checked = other(project, income={row: f"{row},5" for row in range(N)})
    assert "'0,5'" in found(checked, "not-a-number").message


def test_a_misspelt_setting_of_a_column_is_told(project: Project) -> None:
    document = read_yaml(project.folder / "riskloop.yaml")
    document["features"] = {"drop": {"tenur": "no reason"}}
    (project.folder / "riskloop.yaml").write_text(yaml.safe_dump(document))
    finding = found(check(open_project(project.folder, {})), "no-such-column")
    assert "did you mean 'tenure'" in finding.message


def test_a_refusal_is_exit_code_three_with_every_blocking_finding(project: Project) -> None:
    frame = pl.DataFrame(customers()).with_columns(region=pl.lit("Mars"), income=pl.lit("x"))
    with pytest.raises(GateRefused) as caught:
        refuse_blocked(prepare_table(project, frame).findings, "t.csv")
    assert caught.value.exit_code == 3
    assert caught.value.where == "t.csv"
    assert {finding["code"] for finding in caught.value.details} >= {"unknown-category", "not-a-number"}
    refuse_blocked((), "t.csv")


def test_a_file_larger_than_memory_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "available_memory", lambda: 1_000.0)
    with pytest.raises(DataError, match="sample_rows"):
        check(project)


HEADER = b"customer_id,region,income,tenure,churned\n"
ROW = b"c1,EU,3000,5,no\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEADER,
        HEADER + ROW + b"c2,EU,3000\n",
        HEADER.replace(b"tenure", b"income") + ROW,
        HEADER.replace(b",", b"^") + ROW.replace(b",", b"^"),
        b"PAR1 broken",
        b"PK\x03\x04 workbook",
        b"\x1f\x8b broken",
        b"{}",
        b'{"customer_id": "c1",\n "region": "EU"}\n',
        HEADER + b'"c2,EU,3000,5,no\n' * 3,
    ],
)
def test_a_file_that_is_no_table_gives_one_clear_error(project: Project, data: bytes) -> None:
    path = project.folder.parent / "bad.csv"
    path.write_bytes(data)
    with pytest.raises(RiskloopError) as caught:
        check(project, str(path))
    assert "bad.csv" in str(caught.value.where)
    assert caught.value.next_step


@pytest.mark.parametrize("cell", ["NaN", "inf", "-inf", "1e400", "9" * 30, "\0", "1_000", "x" * 5_000, "1,234.5", "é"])
def test_a_strange_cell_sets_its_row_aside_and_nothing_else(project: Project, cell: str) -> None:
    checked = other(project, income={7: cell})
    assert checked.passed
    assert checked.kept == N - 1
    assert checked.quarantine is not None
