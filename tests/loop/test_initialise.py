from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.costs import Costs
from riskloop.data.contract import Contract
from riskloop.data.source import Source
from riskloop.errors import ConfigError, DataError, RiskloopError, UsageError
from riskloop.findings import Finding
from riskloop.loop.project import Project
from riskloop.loop.workflows.check import Checked, check
from riskloop.loop.workflows.initialise import Initialised, initialise
from riskloop.settings import load_settings, read_yaml
from riskloop.wiring import open_project

N = 400
COSTS = Costs(fp=10, fn=100)


def customers(**more: Any) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    cells = {
        "customer_id": [f"c{row}" for row in range(N)],
        "region": rng.choice(["NA", "EU", "AF"], N),
        "income": rng.normal(3_000, 500, N).round(2),
        "gender": rng.choice(["m", "f"], N),
        "churned": rng.choice(["no", "yes"], N, p=[0.7, 0.3]),
    }
    return pl.DataFrame(cells | more)


def start(folder: Path, frame: pl.DataFrame | None = None, **options: Any) -> Initialised:
    (customers() if frame is None else frame).write_csv(folder / "t.csv")
    source = options.pop("source", Source(str(folder / "t.csv")))
    return initialise(folder / "project", source, options.pop("target", "churned"), **options)


def codes(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.code for finding in findings}


def column(findings: tuple[Finding, ...], code: str) -> list[str | None]:
    return [finding.column for finding in findings if finding.code == code]


def test_the_two_files_say_what_was_found_and_can_be_read_back(tmp_path: Path) -> None:
    done = start(tmp_path, costs=COSTS)
    assert load_settings(tmp_path / "project", {}) == done.settings
    assert (done.settings.problem.id, done.settings.problem.positive) == ("customer_id", "yes")
    assert done.features == ("region", "income", "gender")
    contract = open_project(tmp_path / "project", {}).contract
    assert contract.by_name["region"].levels == ("AF", "EU", "NA")
    assert Contract.from_dict(read_yaml(tmp_path / "project" / "contract.yaml")).columns == contract.columns


def test_what_was_assumed_is_told(tmp_path: Path) -> None:
    assert {"assumed-positive", "assumed-id", "assumed-costs", "protected"} <= codes(start(tmp_path).findings)
    told = start(tmp_path, overwrite=True, positive="yes", id_column="customer_id", costs=COSTS, sensitive=("gender",))
    assert codes(told.findings) == {"looks-missing"}
    assert told.features == ("region", "income")


def test_several_values_against_one_are_told(tmp_path: Path) -> None:
    frame = customers(churned=["yes", "no", "pending", "no"] * (N // 4))
    with pytest.raises(DataError, match="3 different values"):
        start(tmp_path, frame)
    (finding,) = [one for one in start(tmp_path, frame, positive="yes").findings if one.code == "many-outcomes"]
    assert "'pending'" in finding.message


def test_a_table_without_a_header_is_told_and_may_get_names(tmp_path: Path) -> None:
    table = tmp_path / "bare.csv"
    customers().write_csv(table, include_header=False)
    assert "assumed-no-header" in codes(start(tmp_path, source=Source(str(table)), target="column_5").findings)
    named = Source(str(table), columns=("who", "where", "earns", "sex", "left"))
    done = start(tmp_path, source=named, target="left", overwrite=True)
    assert done.features == ("where", "earns", "sex")
    assert check(open_project(tmp_path / "project", {})).passed


def test_a_leak_is_left_out_with_its_reason_and_blocks_once_it_is_taken_back_in(tmp_path: Path) -> None:
    frame = customers(model_score=(customers()["churned"] == "yes").cast(pl.Float64) + customers()["income"] / 1e6)
    done = start(tmp_path, frame)
    assert list(done.settings.features.drop) == ["model_score"]
    project = tmp_path / "project"
    assert check(open_project(project, {})).passed
    document = read_yaml(project / "riskloop.yaml")
    reason = document["features"].pop("drop")
    (project / "riskloop.yaml").write_text(yaml.safe_dump(document))
    assert not check(open_project(project, {})).passed
    document["features"]["allow"] = reason
    (project / "riskloop.yaml").write_text(yaml.safe_dump(document))
    overridden = check(open_project(project, {}))
    assert overridden.passed
    assert "Kept by features.allow" in overridden.findings[0].message


def test_a_second_start_asks_before_it_overwrites(tmp_path: Path) -> None:
    start(tmp_path)
    with pytest.raises(UsageError, match="overwrite"):
        start(tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"target": "chrned"}, DataError, "did you mean 'churned'"),
        ({"target": "income"}, DataError, "--positive VALUE"),
        ({"target": "region", "positive": "Mars"}, DataError, "does not occur"),
        ({"target": "clams > 0"}, DataError, "no column 'clams'"),
        ({"positive": "maybe"}, DataError, "does not occur"),
        ({"id_column": "customr_id"}, UsageError, "did you mean 'customer_id'"),
        ({"sensitive": ("sex",)}, UsageError, "no column 'sex'"),
        ({"unavailable": ("churned",)}, UsageError, "two roles"),
        ({"id_column": "gender", "sensitive": ("gender",)}, UsageError, "two roles"),
        ({"time_column": "region"}, DataError, "no readable event time"),
    ],
)
def test_a_wrong_option_names_the_right_one_and_writes_nothing(
    tmp_path: Path, options: dict[str, Any], error: type[RiskloopError], words: str
) -> None:
    with pytest.raises(error) as caught:
        start(tmp_path, **options)
    assert words in str(caught.value)
    assert caught.value.next_step
    assert not (tmp_path / "project").exists()


def test_a_table_without_anything_to_learn_from_is_refused(tmp_path: Path) -> None:
    bare = customers().select("customer_id", "churned", constant=pl.lit("x"))
    with pytest.raises(DataError, match="constant: Every filled row"):
        start(tmp_path, bare)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project").write_text("a file")
    with pytest.raises(UsageError, match="cannot be made"):
        start(tmp_path)


CELLS = [
    "",
    " ",
    "NA",
    "nan",
    "inf",
    "-9",
    "1,5",
    "1.5",
    "2",
    "A",
    "a",
    "x\ny",
    'q"',
    "null",
    "9" * 20,
    "\0",
    "2026-01-31",
]
columns = st.lists(st.sampled_from(CELLS), min_size=2, max_size=20)
names = st.sampled_from(
    ["id", "name", "Age", "a b", "né", "`x`", "ClaimNb > 0", "riskloop_row", "null", "1", "score_hat"]
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(names, columns, min_size=1, max_size=4))
def test_any_table_is_taken_by_init_and_check_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, cells: dict[str, list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    frame = customers().select("churned", *(pl.Series(name, (cells[name] * N)[:N]) for name in cells))
    try:
        start(folder, frame)
    except DataError as refused:
        assert refused.next_step  # noqa: PT017 - both roads are right
    else:
        assert check(open_project(folder / "project", {})).kept > 0.9 * N


def made(data: Path, folder: Path, file: str, target: str, **options: Any) -> tuple[Initialised, Checked]:
    path = data / file
    if not path.exists():
        pytest.skip(f"{file} is not here")
    done = initialise(folder / "project", Source(str(path)), target, **options)
    return done, check(open_project(folder / "project", {}))


def test_bankchurners_loses_the_two_outputs_of_another_model(real_data: Path, tmp_path: Path) -> None:
    done, checked = made(real_data, tmp_path, "bankchurners/BankChurners.csv", "Attrition_Flag")
    assert checked.passed
    assert [name[:11] for name in done.settings.features.drop] == ["Naive_Bayes"] * 2
    assert (done.settings.problem.id, done.settings.problem.positive) == ("CLIENTNUM", "Attrited Customer")
    assert (done.rows, done.positives, len(done.features)) == (10_127, 1_627, 19)
    document = read_yaml(tmp_path / "project" / "riskloop.yaml")
    del document["features"]
    (tmp_path / "project" / "riskloop.yaml").write_text(yaml.safe_dump(document))
    again = check(open_project(tmp_path / "project", {}))
    assert [finding.code for finding in again.findings if finding.severity == "error"] == ["leakage-model-output"] * 2


def test_churn2_loses_its_empty_last_column(real_data: Path, tmp_path: Path) -> None:
    done, checked = made(real_data, tmp_path, "bankchurners/churn2.csv", "Attrition_Flag")
    assert checked.passed
    assert list(done.settings.features.drop) == ["column_22"]
    assert len(done.features) == 19


def test_the_production_batches_pass_the_contract_of_their_reference(real_data: Path, tmp_path: Path) -> None:
    made(real_data, tmp_path, "bankchurners/churn2.csv", "Attrition_Flag")
    project = open_project(tmp_path / "project", {})
    assert check(project, str(real_data / "bankchurners/prod_batch_01_no_drift.csv")).passed
    drifted = check(project, str(real_data / "bankchurners/prod_batch_03_strong_drift.csv"))
    assert {("missing", "Income_Category", 56), ("missing", "Credit_Limit", 35)} <= {
        (finding.code, finding.column, finding.rows) for finding in drifted.findings
    }
    assert drifted.quarantine is not None
    assert pl.read_csv(drifted.quarantine).height == drifted.rows - drifted.kept


def test_loan_data_keeps_its_six_inputs(real_data: Path, tmp_path: Path) -> None:
    done, checked = made(real_data, tmp_path, "loan_data/Loan_Data.csv", "default")
    assert checked.passed
    assert len(done.features) == 6
    assert "credit_lines_outstanding" in column(done.findings, "leakage-suspect")


def test_telco_total_charges_are_numbers_with_eleven_missing(real_data: Path, tmp_path: Path) -> None:
    file = "telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv"
    done, checked = made(real_data, tmp_path, file, "Churn")
    assert checked.passed
    charges = open_project(tmp_path / "project", {}).contract.by_name["TotalCharges"]
    assert (charges.type, charges.nullable) == ("number", True)
    (finding,) = [one for one in done.findings if one.code == "missing-share"]
    assert (finding.column, finding.rows) == ("TotalCharges", 11)


def test_uci_credit_card_takes_dots_in_a_name_and_tells_codes(real_data: Path, tmp_path: Path) -> None:
    done, checked = made(real_data, tmp_path, "uci_credit_card/UCI_Credit_Card.csv", "default.payment.next.month")
    assert checked.passed
    assert (done.positives, done.settings.problem.id, len(done.features)) == (6_636, "ID", 23)
    assert {"EDUCATION", "MARRIAGE", "PAY_0"} <= set(column(done.findings, "integer-codes"))
    assert {"SEX", "MARRIAGE", "AGE"} == set(column(done.findings, "protected"))


def test_bank_marketing_in_row_order_without_the_duration(real_data: Path, tmp_path: Path) -> None:
    done, checked = made(
        real_data,
        tmp_path,
        "bank_marketing/bank-additional-full.csv",
        "y",
        unavailable=("duration",),
        in_row_order=True,
    )
    assert checked.passed
    assert done.settings.data.separator == ";"
    assert "duration" not in done.features
    assert done.settings.problem.id is None
    assert column(done.findings, "sentinel") == ["pdays"]
    assert "row-order-carries-target" not in codes(checked.findings)


def test_adult_has_no_header_and_question_marks_for_missing(real_data: Path, tmp_path: Path) -> None:
    done, checked = made(real_data, tmp_path, "adult/adult.data", "column_15")
    assert checked.passed
    assert done.settings.problem.positive == ">50K"
    assert {"column_2", "column_7", "column_14"} == set(column(done.findings, "missing-share"))
    assert (done.rows, done.positives) == (32_561, 7_841)
    with pytest.raises(DataError, match="line 2 has 15 fields, the first has 1"):
        check(open_project(tmp_path / "project", {}), str(real_data / "adult/adult.test"))


def test_churn_modelling_leaves_the_surname_and_the_row_number_out(real_data: Path, tmp_path: Path) -> None:
    done, checked = made(real_data, tmp_path, "churn_modelling/Churn_Modelling.csv", "Exited")
    assert checked.passed
    assert {name: reason.split(":")[0] for name, reason in done.settings.features.drop.items()} == {
        "RowNumber": "id-like",
        "Surname": "personal",
    }
    assert "high cardinality" in done.settings.features.drop["Surname"]
    assert done.settings.problem.id == "CustomerId"
    assert {"Age", "Gender", "Geography"} == set(column(done.findings, "protected"))


@pytest.mark.slow
def test_fremtpl2freq_is_read_whole_and_its_count_is_never_a_feature(real_data: Path, tmp_path: Path) -> None:
    done, checked = made(real_data, tmp_path, "fremtpl2freq/freMTPL2freq.csv.gz", "ClaimNb > 0")
    assert checked.passed
    assert (done.rows, done.positives, done.settings.problem.id) == (678_013, 34_060, "IDpol")
    assert "ClaimNb" not in done.features
    assert len(done.features) == 10


def test_a_first_part_of_fremtpl2freq_does_the_same(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "fremtpl2freq/freMTPL2freq.csv.gz"
    if not path.exists():
        pytest.skip("freMTPL2freq is not here")
    with gzip.open(path, "rt") as stream:
        (tmp_path / "part.csv").write_text("".join(line for line, _ in zip(stream, range(20_000), strict=False)))
    done = start(tmp_path, source=Source(str(tmp_path / "part.csv")), target="ClaimNb > 0")
    assert "ClaimNb" not in done.features
    assert check(open_project(tmp_path / "project", {})).passed


def test_a_project_whose_contract_is_gone_says_so(tmp_path: Path) -> None:
    start(tmp_path)
    (tmp_path / "project" / "contract.yaml").unlink()
    with pytest.raises(ConfigError, match=r"contract.yaml"):
        check(open_project(tmp_path / "project", {}))


def dated(**more: Any) -> pl.DataFrame:
    days = pl.select(pl.date_range(pl.date(2024, 1, 1), pl.date(2025, 2, 3), "1d")).to_series()
    return customers(snapshot=["2025-03-01"] * N, opened=days.cast(pl.String), **more)


def test_dates_are_learnt_from_through_proposed_formulas(tmp_path: Path) -> None:
    done = start(tmp_path, dated(), time_column="snapshot")
    assert done.settings.features.derived == {
        "opened_month": "month(opened)",
        "opened_weekday": "weekday(opened)",
        "opened_days_before": "snapshot - opened",
    }
    assert {"snapshot", "opened"} <= set(done.features)
    assert open_project(tmp_path / "project", {}).contract.features == done.features


def test_the_event_time_is_asked_for_only_while_a_formula_counts_from_it(tmp_path: Path) -> None:
    start(tmp_path, dated(), time_column="snapshot")
    file = tmp_path / "project" / "riskloop.yaml"
    file.write_text(file.read_text().replace("snapshot - opened", "day(opened)"))
    assert "snapshot" not in open_project(tmp_path / "project", {}).contract.features


def test_a_date_that_knows_the_outcome_takes_its_formulas_along(tmp_path: Path) -> None:
    frame = dated()
    left = pl.when(pl.col("churned") == "yes").then(pl.col("opened")).alias("closing_date")
    done = start(tmp_path, frame.with_columns(left), time_column="snapshot")
    assert "closing_date" in done.settings.features.drop
    assert not any("closing_date" in formula for formula in done.settings.features.derived.values())


def test_every_feature_has_a_name_to_be_completed_in_english_and_french(new_project: Project) -> None:
    texts = read_yaml(new_project.folder / "reasons.yaml")["texts"]
    derived = new_project.settings.features.derived
    assert set(texts) == {*new_project.contract.features, *derived}
    assert texts["tenure_months"] == {"en": {"name": "Tenure months"}, "fr": {"name": "Tenure months"}}


def test_texts_that_somebody_wrote_survive_another_init(new_project: Project) -> None:
    path = new_project.folder / "reasons.yaml"
    mine = {"version": 7, "texts": {"age": {"fr": {"name": "Âge"}}, "Contract": {"en": {"other": "You are bound"}}}}
    path.write_text(yaml.safe_dump(mine, allow_unicode=True), encoding="utf-8")
    initialise(new_project.folder, new_project.source, "churned", overwrite=True)
    after = read_yaml(path)
    assert after["version"] == 7
    assert after["texts"]["age"] == mine["texts"]["age"]
    assert after["texts"]["Contract"] == mine["texts"]["Contract"]
    assert after["texts"]["tenure_months"]["en"]["name"] == "Tenure months"
