from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from riskloop.data.simulate import population
from riskloop.data.simulate.drift import BatchPlan, Drift, parse_drift
from riskloop.data.simulate.population import moments
from riskloop.data.simulate.scenarios import SCENARIOS, scenario_named
from riskloop.data.simulate.tables import customers
from riskloop.data.simulate.writing import Simulated, simulate
from riskloop.errors import UsageError

both = pytest.mark.parametrize("scenario", sorted(SCENARIOS))

ROWS = 20_000


def outcomes(frame: pl.DataFrame, scenario: str) -> np.ndarray:
    found = SCENARIOS[scenario]
    return (frame[found.target] == found.labels[1]).to_numpy()


def drift(text: str, scenario: str = "churn") -> Drift:
    return parse_drift(text, SCENARIOS[scenario])


def read(simulated: Simulated, name: str) -> pl.DataFrame:
    return pl.read_csv(simulated.folder / name, try_parse_dates=True, null_values=[""])


@pytest.fixture(scope="module", params=sorted(SCENARIOS))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    batches = [BatchPlan("quiet", 300), BatchPlan("shifted", 300, [Drift("mean", 1.0, "age")], start=date(2026, 3, 1))]
    out = tmp_path_factory.mktemp("simulated") / request.param
    return simulate(request.param, rows=2_000, seed=5, out=out, batches=batches)


# --- the same seed -----------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_the_same_seed_gives_the_same_bytes(scenario, file_format, tmp_path):
    one, two = (
        simulate(
            scenario, rows=500, seed=3, out=tmp_path / name, file_format=file_format, batches=[BatchPlan("march", 100)]
        )
        for name in ("one", "two")
    )
    for name in (*one.files, "simulation.json"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_another_seed_gives_other_customers():
    one, two = (customers("loan", 500, seed)[0] for seed in (1, 2))
    assert not one["loan_amount"].equals(two["loan_amount"])


@both
def test_a_small_simulation_is_the_beginning_of_a_larger_one(scenario):
    small, _ = customers(scenario, 400, seed=9)
    large, _ = customers(scenario, 900, seed=9)
    assert small.equals(large.head(400))


def test_customers_do_not_repeat_from_one_chunk_to_the_next(monkeypatch):
    monkeypatch.setattr(population, "CHUNK", 100)
    frame, probability = customers("churn", 250, seed=1)
    assert frame["customer_id"].n_unique() == 250
    assert len(np.unique(probability)) > 240


@both
def test_the_linked_tables_do_not_change_the_customers(scenario, tmp_path):
    simulated = simulate(scenario, rows=500, seed=3, out=tmp_path / "bare", linked=False)
    full = simulate(scenario, rows=500, seed=3, out=tmp_path / "full")
    assert simulated.files["customers.csv"] == full.files["customers.csv"]
    assert set(full.files) - set(simulated.files) == {f"{name}.csv" for name in SCENARIOS[scenario].linked}


# --- the truth ---------------------------------------------------------------------------------------------------


@both
def test_outcomes_happen_as_often_as_the_true_probability_says(scenario):
    frame, probability = customers(scenario, ROWS, seed=11)
    happened = outcomes(frame, scenario)
    for group in np.array_split(np.argsort(probability), 10):
        error = np.sqrt((probability[group] * (1 - probability[group])).sum()) / len(group)
        assert abs(happened[group].mean() - probability[group].mean()) < 4 * error


def test_the_true_probability_follows_from_the_written_columns(written):
    scenario = SCENARIOS[written.scenario]
    table = read(written, "customers.csv")
    columns = {}
    for column in scenario.columns:
        series = table[column.name]
        if column.kind == "category":
            codes = series.replace_strict(dict(zip(column.levels, range(9), strict=False)), default=None)
            columns[column.name] = codes.fill_null(-1).to_numpy()
        else:
            columns[column.name] = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    truth = read(written, "truth.csv")["true_probability"].to_numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-scenario.log_odds(columns))), truth, atol=1e-11)


@pytest.mark.parametrize(("scenario", "least", "most"), [("churn", 0.20, 0.27), ("loan", 0.12, 0.20)])
def test_the_risk_is_as_common_and_as_predictable_as_in_practice(scenario, least, most):
    frame, probability = customers(scenario, ROWS, seed=2)
    assert least < outcomes(frame, scenario).mean() < most
    assert 0.82 < roc_auc_score(outcomes(frame, scenario), probability) < 0.88


@both
def test_the_bayes_rule_beats_acting_on_all_and_on_none(scenario):
    costs = SCENARIOS[scenario].costs
    _, probability = customers(scenario, ROWS, seed=2)
    bayes, everyone, no_one, at_half = (
        costs.expected(probability, probability >= threshold).mean() for threshold in (costs.bayes_threshold, 0, 2, 0.5)
    )
    assert bayes < 0.8 * min(everyone, no_one, at_half)


@both
def test_the_region_na_is_text_and_not_missing(scenario, tmp_path):
    simulated = simulate(scenario, rows=300, seed=1, out=tmp_path / "x", linked=False)
    regions = read(simulated, "customers.csv")["region"]
    assert regions.null_count() == 0
    assert (regions == "NA").sum() > 10


@both
def test_values_are_missing_where_people_leave_them_out(scenario):
    frame, _ = customers(scenario, ROWS, seed=4)
    for column in SCENARIOS[scenario].columns:
        share = frame[column.name].null_count() / ROWS
        assert share == pytest.approx(column.missing, abs=0.012)


# --- drift -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "mean:satisfaction=-0.5sd",
        "variance:monthly_charge=2.0",
        "category:plan=premium:0.6",
        "category:contract=monthly:0.1",
        "missing:age=0.2",
        "missing:region=0.2",
    ],
)
def test_a_planted_drift_moves_its_column_and_no_other(text):
    planted = drift(text)
    before, _ = customers("churn", 3_000, seed=6)
    after, _ = customers("churn", 3_000, seed=6, drifts=[planted])
    inputs = [name for name in before.columns if name != "churned"]
    assert [name for name in inputs if not before[name].equals(after[name])] == [planted.column]


def test_a_mean_drift_shifts_by_standard_deviations():
    before, _ = customers("churn", ROWS, seed=6)
    after, _ = customers("churn", ROWS, seed=6, drifts=[drift("mean:monthly_charge=+0.5sd")])
    shift = after["monthly_charge"].mean() - before["monthly_charge"].mean()
    assert shift / moments("churn").sd["monthly_charge"] == pytest.approx(0.5, abs=0.02)


def test_a_variance_drift_multiplies_the_variance_and_keeps_the_mean():
    before, _ = customers("churn", ROWS, seed=6)
    after, _ = customers("churn", ROWS, seed=6, drifts=[drift("variance:satisfaction=0.5")])
    assert after["satisfaction"].var() / before["satisfaction"].var() == pytest.approx(0.5, abs=0.02)
    assert after["satisfaction"].mean() == pytest.approx(before["satisfaction"].mean(), abs=0.02)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.6, 1.0])
def test_a_category_drift_reaches_its_share_and_keeps_the_rest_in_proportion(share):
    after, _ = customers("churn", ROWS, seed=6, drifts=[drift(f"category:plan=premium:{share}")])
    shares = {level: (after["plan"] == level).mean() for level in ("basic", "plus", "premium")}
    assert shares["premium"] == pytest.approx(share, abs=0.015)
    if share < 1:
        assert shares["basic"] / (1 - share) == pytest.approx(0.50 / 0.82, abs=0.03)


def test_a_missing_drift_blanks_that_share():
    after, _ = customers("loan", ROWS, seed=6, drifts=[drift("missing:age=0.2", "loan")])
    assert after["age"].null_count() / ROWS == pytest.approx(0.2, abs=0.015)


def test_the_truth_stays_calibrated_when_inputs_drift():
    frame, probability = customers("churn", ROWS, seed=6, drifts=[drift("mean:tenure_months=-0.5sd")])
    assert outcomes(frame, "churn").mean() == pytest.approx(probability.mean(), abs=0.012)


@both
def test_a_concept_drift_moves_outcomes_and_not_inputs(scenario):
    target = SCENARIOS[scenario].target
    before, old_truth = customers(scenario, ROWS, seed=6)
    after, new_truth = customers(scenario, ROWS, seed=6, drifts=[drift("concept=0.8", scenario)])
    assert before.drop(target).equals(after.drop(target))
    happened = outcomes(after, scenario)
    assert roc_auc_score(happened, old_truth) < roc_auc_score(happened, new_truth) - 0.04


@given(
    st.one_of(
        st.builds(Drift, st.just("mean"), st.floats(-5, 5), st.just("tenure_months")),
        st.builds(Drift, st.just("variance"), st.floats(1e-3, 50), st.just("age")),
        st.builds(Drift, st.just("category"), st.floats(0, 1), st.just("plan"), st.sampled_from(["basic", "premium"])),
        st.builds(Drift, st.just("missing"), st.floats(0, 1), st.just("satisfaction")),
        st.builds(Drift, st.just("concept"), st.floats(-2, 2)),
    )
)
def test_a_drift_reads_back_from_its_own_text(planted):
    assert drift(str(planted)) == planted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mean:tenure_month=+0.5sd", "did you mean 'tenure_months'"),
        ("maen:tenure_months=+0.5sd", "did you mean 'mean'"),
        ("category:plan=premum:0.6", "did you mean 'premium'"),
        ("mean:tenure_months=+0.5", "standard deviations"),
        ("mean:tenure_months=lotssd", "not a number"),
        ("mean:tenure_months=nansd", "must be a number"),
        ("mean:plan=+0.5sd", "is a category"),
        ("category:age=old:0.5", "is a number"),
        ("category:plan=0.6", "level and its share"),
        ("missing:age=yes:0.2", "level and its share"),
        ("missing:age=1.2", "between 0 and 1"),
        ("variance:age=0", "multiplied by 0"),
        ("concept:age=0.8", "does not read"),
        ("missing=0.2", "does not read"),
        ("missing:age", "does not read"),
        ("", "no drift ''"),
    ],
)
def test_a_drift_that_cannot_be_read_says_why(text, said):
    with pytest.raises(UsageError, match=said) as refused:
        drift(text)
    assert refused.value.next_step


def test_a_drift_made_in_python_is_checked_too():
    with pytest.raises(UsageError, match="names no column"):
        customers("churn", 10, seed=1, drifts=[Drift("concept", 1.0, "age")])


# --- linked tables and outcomes ----------------------------------------------------------------------------------


def test_linked_rows_belong_to_customers_and_lie_on_both_sides_of_the_event(written):
    scenario = SCENARIOS[written.scenario]
    people = read(written, "customers.csv").select(scenario.id, scenario.time)
    for name, columns in scenario.linked.items():
        rows = read(written, f"{name}.csv").join(people, on=scenario.id, how="left", validate="m:1")
        assert rows[scenario.time].null_count() == 0
        before = (rows[columns[0].name] < rows[scenario.time]).mean()
        assert 0.4 < before < 0.95


@pytest.mark.parametrize(
    ("scenario", "table", "day", "window", "column"),
    [
        ("churn", "transactions", "booked_on", 90, "transactions_90d"),
        ("churn", "service_contacts", "contacted_on", 90, "service_contacts_90d"),
        ("loan", "previous_loans", "opened_on", 9999, "previous_loans"),
        ("loan", "instalments", "paid_on", 730, "late_instalments_24m"),
    ],
)
def test_a_column_counts_the_linked_rows_known_before_the_event(scenario, table, day, window, column, tmp_path):
    simulated = simulate(scenario, rows=1_000, seed=8, out=tmp_path / "x")
    found = SCENARIOS[scenario]
    people, rows = read(simulated, "customers.csv"), read(simulated, f"{table}.csv")
    if "days_late" in rows.columns:
        rows = rows.filter(pl.col("days_late") > 0)
    rows = rows.join(people.select(found.id, found.time), on=found.id)
    ago = (pl.col(found.time) - pl.col(day)).dt.total_days()
    counts = rows.filter(ago.is_between(1, window)).group_by(found.id).len()
    counted = people.join(counts, on=found.id, how="left", maintain_order="left")["len"].fill_null(0)
    assert counted.to_list() == people[column].to_list()


@pytest.mark.parametrize(
    ("scenario", "table", "day"), [("churn", "service_contacts", "contacted_on"), ("loan", "instalments", "paid_on")]
)
def test_rows_after_the_event_give_the_outcome_away(scenario, table, day, tmp_path):
    simulated = simulate(scenario, rows=2_000, seed=8, out=tmp_path / "x")
    found = SCENARIOS[scenario]
    people, rows = read(simulated, "customers.csv"), read(simulated, f"{table}.csv")
    telling = pl.col("reason") == "cancellation" if scenario == "churn" else pl.col("days_late") > 0
    rows = rows.join(people.select(found.id, found.time), on=found.id).filter(pl.col(day) > pl.col(found.time))
    told = people[found.id].is_in(rows.filter(telling)[found.id].to_list()).to_numpy()
    happened = outcomes(people, scenario)
    assert told[happened].mean() > 0.6
    assert told[~happened].mean() < 0.05


def test_outcomes_are_those_of_the_customers_and_come_later(written):
    scenario = SCENARIOS[written.scenario]
    people, late = read(written, "customers.csv"), read(written, "outcomes.csv")
    assert late["outcome"].to_list() == people[scenario.target].to_list()
    delay = (late["observed_at"] - people[scenario.time]).dt.total_days()
    happened = outcomes(people, written.scenario)
    assert delay.min() >= 1
    assert delay.filter(~happened).min() > scenario.horizon
    assert delay.filter(happened).median() < scenario.horizon
    assert delay.filter(happened).n_unique() > 20


def test_batches_carry_features_without_the_target_and_other_people(written):
    scenario = SCENARIOS[written.scenario]
    people = read(written, "customers.csv")
    quiet, shifted = read(written, "batches/quiet.csv"), read(written, "batches/shifted.csv")
    assert quiet.columns == [name for name in people.columns if name != scenario.target]
    assert not set(quiet[scenario.id]) & (set(people[scenario.id]) | set(shifted[scenario.id]))
    assert not quiet["age"].head(300).equals(people["age"].head(300))
    assert shifted[scenario.time].min() >= date(2026, 3, 1)
    assert shifted["age"].mean() > quiet["age"].mean() + 0.5 * moments(written.scenario).sd["age"]
    for kind in ("truth", "outcomes"):
        assert read(written, f"batches/quiet.{kind}.csv")[scenario.id].to_list() == quiet[scenario.id].to_list()


def test_event_times_spread_over_the_year_that_was_asked_for_and_batches_follow(tmp_path):
    simulated = simulate(
        "churn", rows=900, seed=1, out=tmp_path / "x", start=date(2023, 3, 1), batches=[BatchPlan("b", 200)]
    )
    days, later = (read(simulated, name)["snapshot_date"] for name in ("customers.csv", "batches/b.csv"))
    assert (days.min() < date(2023, 3, 10), days.max() > date(2024, 2, 20)) == (True, True)
    assert date(2023, 3, 1) <= days.min() < days.max() < date(2024, 2, 29) <= later.min()


def test_the_manifest_tells_what_was_simulated(written):
    manifest = json.loads((written.folder / "simulation.json").read_text())
    table = read(written, "customers.csv")
    assert manifest["scenario"] == written.scenario
    assert manifest["base_rate"] == pytest.approx(outcomes(table, written.scenario).mean())
    assert manifest["costs"]["fn"] == 10 * manifest["costs"]["fp"]
    assert manifest["batches"][1]["drifts"] == ["mean:age=+1.0sd"]
    found = {path.relative_to(written.folder).as_posix() for path in written.folder.rglob("*") if path.is_file()}
    assert found == {*manifest["files"], "simulation.json"}


def test_parquet_and_csv_hold_the_same_table(tmp_path):
    text = simulate("churn", rows=400, seed=3, out=tmp_path / "csv")
    binary = simulate("churn", rows=400, seed=3, out=tmp_path / "parquet", file_format="parquet")
    for name in ("customers", "truth", "transactions", "service_contacts"):
        assert pl.read_parquet(binary.folder / f"{name}.parquet").equals(read(text, f"{name}.csv"))


# --- the folder --------------------------------------------------------------------------------------------------


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match=r"mine\.txt"):
        simulate("churn", rows=10, seed=1, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_earlier_simulation_is_replaced_unless_something_was_added(tmp_path):
    out = tmp_path / "x"
    simulate("churn", rows=10, seed=1, out=out, batches=[BatchPlan("march", 10)])
    again = simulate("loan", rows=10, seed=1, out=out)
    assert again.scenario == json.loads((out / "simulation.json").read_text())["scenario"]
    assert not (out / "batches").exists()
    (out / "riskloop.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"riskloop\.yaml"):
        simulate("loan", rows=10, seed=1, out=out)


def test_the_current_folder_is_not_replaced_under_its_user(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="the one you are in"):
        simulate("churn", rows=10, seed=1, out=Path())


def test_an_interrupted_simulation_leaves_nothing_and_spares_the_earlier_one(tmp_path):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    simulate("churn", rows=20, seed=1, out=tmp_path / "x")
    earlier = (tmp_path / "x" / "customers.csv").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        simulate("churn", rows=20, seed=2, out=tmp_path / "x", progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x" / "customers.csv").read_bytes() == earlier


def test_progress_counts_customers_and_batches_up_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(population, "CHUNK", 100)
    seen: list[tuple[int, int]] = []
    simulate(
        "churn",
        rows=150,
        seed=1,
        out=tmp_path / "x",
        batches=[BatchPlan("march", 30)],
        progress=lambda *step: seen.append(step),
    )
    assert seen == [(100, 180), (150, 180), (180, 180)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"scenario": "chrun"}, "did you mean 'churn'"),
        ({"rows": 0}, "rows is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"file_format": "xlsx"}, "Cannot write 'xlsx'"),
        ({"batches": [BatchPlan("../up", 10)]}, "cannot name a batch"),
        ({"batches": [BatchPlan("a", 10), BatchPlan("a", 10)]}, "cannot name a batch"),
        ({"batches": [BatchPlan("a", 0)]}, "rows is 0"),
        ({"batches": [BatchPlan("a", 10, [Drift("mean", 1, "agee")])]}, "did you mean 'age'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_anything_is_written(arguments, said, tmp_path):
    fitting = {"scenario": "churn", "rows": 10, "seed": 1, "out": tmp_path / "x"}
    with pytest.raises(UsageError, match=said):
        simulate(**{**fitting, **arguments})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scenario_lists_the_known_ones():
    with pytest.raises(UsageError) as refused:
        scenario_named("lapse")
    assert refused.value.next_step == "choose one of: churn, loan"
