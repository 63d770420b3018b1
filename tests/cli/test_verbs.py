from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from riskloop.loop.project import Project
from riskloop.wiring import open_project

Riskloop = Callable[..., Any]

# preparing


def test_simulate_writes_the_same_bytes_for_the_same_seed(riskloop: Riskloop, tmp_path: Path) -> None:
    for name in ("one", "two"):
        said = riskloop(
            "simulate", "loan", "--rows", 300, "--seed", 3, "--no-linked", "--out", tmp_path / name, "--json"
        )
        assert said.code == 0
        assert said.json["rows"] == 300
    assert (tmp_path / "one" / "customers.csv").read_bytes() == (tmp_path / "two" / "customers.csv").read_bytes()


def test_simulated_drift_belongs_to_the_last_batch(riskloop: Riskloop, tmp_path: Path) -> None:
    said = riskloop(
        "simulate", "churn", "--rows", 200, "--no-linked", "--out", tmp_path / "out",
        "--batch", "calm:50", "--batch", "wild:60", "--drift", "mean:age=+1sd",
    )  # fmt: skip
    assert said.code == 0
    batches = json.loads((tmp_path / "out" / "simulation.json").read_text())["batches"]
    assert [(batch["name"], batch["rows"], len(batch["drifts"])) for batch in batches] == [
        ("calm", 50, 0),
        ("wild", 60, 1),
    ]


@pytest.mark.parametrize("wrong", [("--drift", "mean:age=+1sd"), ("--batch", "fifty"), ("--batch", ":50")])
def test_a_simulation_that_makes_no_sense_is_refused(
    riskloop: Riskloop, tmp_path: Path, wrong: tuple[str, str]
) -> None:
    assert riskloop("simulate", "churn", "--out", tmp_path / "out", *wrong).code == 2
    assert not (tmp_path / "out").exists()


def test_init_writes_a_project_and_reports_what_it_noticed(riskloop: Riskloop, simulated: Path, tmp_path: Path) -> None:
    said = riskloop(
        "init", "--data", simulated / "customers.csv", "--target", "churned", "--id", "customer_id",
        "--time", "snapshot_date", "--cost-fn", 100, "--cost-fp", 10, "--project", tmp_path, "--json",
    )  # fmt: skip
    assert said.code == 0
    assert said.json["rows"] == 2_500
    assert {"age", "plan"} <= set(said.json["features"])
    assert not {"customer_id", "churned", "snapshot_date"} & set(said.json["features"])
    assert open_project(tmp_path).settings.costs.fn == 100
    again = riskloop("init", "--data", simulated / "customers.csv", "--target", "churned", "--project", tmp_path)
    assert (again.code, "--overwrite" in again.err) == (2, True)


def test_init_wants_both_costs_or_none(riskloop: Riskloop, simulated: Path, tmp_path: Path) -> None:
    said = riskloop(
        "init", "--data", simulated / "customers.csv", "--target", "churned", "--cost-fn", 100, "--project", tmp_path
    )
    assert (said.code, "both costs" in said.err) == (2, True)
    assert not list(tmp_path.iterdir())


def test_check_passes_a_good_table_and_one_to_be_scored(
    riskloop: Riskloop, new_project: Project, simulated: Path
) -> None:
    said = riskloop("check", "--project", new_project.folder, "--json")
    assert (said.code, said.json["passed"], said.json["kept"]) == (0, True, 2_500)
    batch = riskloop("check", simulated / "batches" / "january.csv", "--project", new_project.folder, "--json")
    assert (batch.code, batch.json["rows"]) == (0, 300)


def test_check_refuses_a_bad_table_with_rule_column_rows_and_next_step(
    riskloop: Riskloop, new_project: Project, simulated: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text((simulated / "batches" / "january.csv").read_text().replace(",basic,", ",gold,"))
    said = riskloop("check", bad, "--project", new_project.folder)
    assert said.code == 3
    assert "unknown-category" in said.out
    assert "plan" in said.out
    assert "contract.yaml" in said.out
    machine = riskloop("check", bad, "--project", new_project.folder, "--json")
    assert machine.code == 3
    (finding,) = [one for one in machine.json["findings"] if one["code"] == "unknown-category"]
    assert (finding["column"], finding["severity"]) == ("plan", "error")
    assert finding["rows"] == 300 - machine.json["kept"]
    assert finding["next_step"]
    with Path(machine.json["quarantine"]).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == finding["rows"]
    assert {"gold" in row["riskloop_reason"] for row in rows} == {True}


def test_the_schema_knows_every_section(riskloop: Riskloop) -> None:
    assert set(riskloop("schema").json["properties"]) >= {"project", "problem", "data", "costs", "training", "gate"}


def test_the_data_report_is_one_page(riskloop: Riskloop, new_project: Project) -> None:
    said = riskloop("report", "data", "--project", new_project.folder, "--json")
    assert said.json["path"] == said.json["files"]["html"]
    assert all(Path(path).is_file() for path in said.json["files"].values())
    page = Path(said.json["path"]).read_text(encoding="utf-8")
    assert "<html" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


# learning


def test_train_says_what_was_chosen_and_why_and_leads_if_asked(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop(
        "train", "--candidates", "logistic_regression", "--promote", "--reason", "May", "--project", trained.folder,
        "--json",
    )  # fmt: skip
    assert said.code == 0
    assert (said.json["version"], said.json["family"], said.json["promoted"]) == (4, "logistic_regression", True)
    assert "the model" in said.json["verdict"].lower()
    assert all(check["passed"] for check in said.json["gate"])
    assert "logistic_regression" in said.err
    assert trained.promotions.events()[-1].reason == "May"


def test_train_ends_with_3_when_the_gate_says_no(
    riskloop: Riskloop, trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKLOOP__GATE__MIN_ROC_AUC", "0.99")
    said = riskloop("train", "--candidates", "logistic_regression", "--promote", "--project", trained.folder)
    assert said.code == 3
    assert "refused this version" in said.out
    assert "is below 0.99" in said.out
    assert trained.promotions.state().champion == 1


def test_train_says_what_more_rows_would_be_worth_if_asked(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("train", "--candidates", "logistic_regression", "--learning-curve", "--project", trained.folder)
    assert said.code == 0
    assert "the last doubling saved" in " ".join(said.out.split())
    assert "Random folds would have promised" in " ".join(said.out.split())
    again = trained.versions.get(4).summary["examination"]
    assert len(again["learning_curve"]["points"]) >= 2


def test_a_searched_version_is_made_again_and_found_equal(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop(
        "train", "--candidates", "logistic_regression,scorecard,blend", "--trials", 4, "--fresh", "--project",
        trained.folder, "--json",
    )  # fmt: skip
    assert said.code == 0
    assert {one["name"] for one in said.json["contenders"]} == {"logistic_regression", "scorecard", "blend"}
    again = riskloop("reproduce", said.json["version"], "--project", trained.folder, "--json")
    assert again.code == 0
    assert again.json == {"version": 4, "digest": said.json["digest"], "equal": True, "differences": []}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [(("--budget", "soon"), "is no time"), (("--search", "luck"), "search"), (("--trials", "-1"), "trials")],
)
def test_effort_that_makes_no_sense_is_refused(
    riskloop: Riskloop, trained: Project, wrong: tuple[str, str], complaint: str
) -> None:
    said = riskloop("train", *wrong, "--project", trained.folder)
    assert said.code == 2
    assert complaint in said.err
    assert "Traceback" not in said.err


def test_the_points_of_the_champion_are_asked_for_in_vain_where_it_is_no_scorecard(
    riskloop: Riskloop, trained: Project
) -> None:
    said = riskloop("report", "points", "--project", trained.folder)
    assert said.code == 2
    assert "is no scorecard" in said.err


def test_an_unknown_family_is_met_with_the_nearest(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("train", "--candidates", "lightgmb", "--project", trained.folder)
    assert (said.code, "lightgbm" in said.err) == (2, True)


def test_compare_writes_every_metric_to_csv(riskloop: Riskloop, trained: Project, tmp_path: Path) -> None:
    out = tmp_path / "all.csv"
    said = riskloop("compare", "--sort", "roc_auc", "--csv", out, "--project", trained.folder, "--json")
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["family"] for row in rows] == [row["family"] for row in said.json]
    assert [float(row["roc_auc"]) for row in rows] == [row["metrics"]["roc_auc"]["value"] for row in said.json]
    assert {"version", "alias", "calibration", "cost_per_thousand_low", "cost_per_thousand_high"} <= set(rows[0])


def test_compare_does_not_know_every_metric(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("compare", "--sort", "roc_acu", "--project", trained.folder)
    assert (said.code, "roc_auc" in said.err) == (2, True)


def test_compare_shows_the_composite_score_on_request(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("compare", "--sort", "composite", "--project", trained.folder, "--json")
    for row in said.json:
        metric = {name: one["value"] for name, one in row["metrics"].items()}
        expected = 0.35 * metric["roc_auc"] + 0.30 * metric["f1"] + 0.25 * metric["recall"] + 0.10 * metric["precision"]
        assert metric["composite"] == pytest.approx(expected)
    assert "composite" in riskloop("compare", "--sort", "composite", "--project", trained.folder).out


def test_compare_shows_intervals_to_people(riskloop: Riskloop, trained: Project) -> None:
    shown = riskloop("compare", "--project", trained.folder).out
    (champion,) = [line.split() for line in shown.splitlines() if "champion" in line]
    assert champion[:4] == ["1", "champion", "*", "logistic_regression"]


# releasing


def test_promote_rollback_and_history_tell_one_story(riskloop: Riskloop, trained: Project) -> None:
    at = "--project", trained.folder
    assert riskloop("promote", 2, "--reason", "cheaper", *at, "--json").json["previous_version"] == 1
    assert "leads again" in riskloop("rollback", "--reason", "complaints", *at).out
    told = riskloop("history", *at, "--json").json
    assert told["state"]["champion"] == 1
    assert [(event["kind"], event["version"], event["reason"]) for event in told["events"]] == [
        ("promoted", 1, "first"),
        ("promoted", 2, "cheaper"),
        ("rolled_back", 1, "complaints"),
    ]
    shown = riskloop("history", *at).out
    assert "complaints" in shown
    assert "refused" in shown


def test_a_refused_version_needs_an_override(riskloop: Riskloop, trained: Project) -> None:
    at = "--project", trained.folder
    said = riskloop("promote", 3, "--reason", "it looks fine", *at, "--json")
    assert (said.code, said.json["error"]["code"]) == (3, "gate-refused")
    assert riskloop("promote", 3, "--reason", "the board", "--override", *at, "--json").json["kind"] == "overridden"


def test_a_promotion_without_a_reason_is_refused(riskloop: Riskloop, trained: Project) -> None:
    assert riskloop("promote", 2, "--project", trained.folder).code == 2
    assert riskloop("promote", 2, "--reason", " ", "--project", trained.folder).code == 2
    assert trained.promotions.state().champion == 1


def test_audit_proves_the_log_and_gives_a_head_to_keep(riskloop: Riskloop, trained: Project) -> None:
    at = "--project", trained.folder
    kept = riskloop("audit", "verify", *at, "--json").json
    assert (kept["ok"], kept["checked"]) == (True, 1)
    riskloop("promote", 2, "--reason", "cheaper", *at)
    assert riskloop("audit", "verify", "--head", kept["head"], *at).code == 0
    assert riskloop("audit", "verify", "--head", "7:" + "a" * 64, *at).code == 1
    assert riskloop("audit", "verify", "--head", "seven", *at).code == 2


# operating


def test_a_file_is_scored_and_the_ledger_knows_who_decided(
    riskloop: Riskloop, trained: Project, simulated: Path, tmp_path: Path
) -> None:
    at = "--project", trained.folder
    batch, out = simulated / "batches" / "january.csv", tmp_path / "out.csv"
    said = riskloop("score", batch, "--out", out, *at, "--json")
    assert (said.code, said.json["rows"], said.json["scored"], said.json["logged"]) == (0, 300, 300, 300)
    today = datetime.now(UTC).date().isoformat()
    (decided,) = riskloop("history", "--customer", "january-0000003", "--on", today, *at, "--json").json
    assert decided["version"]["version"] == 1
    with out.open(newline="") as stream:
        row = list(csv.DictReader(stream))[2]
    assert decided["prediction"]["decision"] == row["decision"]
    assert decided["prediction"]["features"]["plan"]
    assert riskloop("history", "--customer", "january-0000003", "--on", "2020-01-01", *at, "--json").json == []
    assert "No decision is on record" in riskloop("history", "--customer", "nobody", *at).out


def test_explain_says_why_and_what_would_turn_it(riskloop: Riskloop, trained: Project, simulated: Path) -> None:
    place = ("--project", trained.folder)
    with (simulated / "batches" / "january.csv").open(newline="") as stream:
        customer = next(csv.DictReader(stream))["customer_id"]
    row = ("--row", simulated / "batches" / "january.csv", "--id", customer)
    said = riskloop("explain", *row, *place)
    assert said.code == 0, said.err
    for words in (f"Customer {customer}: ", "Reasons", "Usual customers", "Nearest change that turns the decision"):
        assert words in said.out
    what_if = riskloop("explain", *row, "--set", "tenure_months=1", *place, "--json").json
    assert what_if["what_if"]["changes"] == {"tenure_months": "1"}
    assert {"base", "contributions", "reasons", "values", "typical"} <= set(what_if["explanation"])
    french = riskloop("explain", *row, "--language", "fr", *place)
    assert what_if["explanation"]["reasons"][0]["texts"]["fr"] in french.out


def test_explain_of_nobody_is_about_the_model(riskloop: Riskloop, trained: Project) -> None:
    said = riskloop("explain", "--project", trained.folder)
    assert said.code == 0
    assert "What moves version 1" in said.out
    assert "shap_summary.png" in said.out
    assert riskloop("explain", "--set", "plan=basic", "--project", trained.folder).code == 2
    assert riskloop("explain", "--id", "x", "--set", "plan", "--project", trained.folder).code == 2


def test_outcomes_sent_twice_are_counted_once(riskloop: Riskloop, trained: Project, simulated: Path) -> None:
    at = "--project", trained.folder
    first, second = (riskloop("outcomes", simulated / "outcomes.csv", *at, "--json").json for _ in range(2))
    assert (first["accepted"], first["unknown_customers"]) == (2_500, 2_500)
    assert (second["accepted"], second["duplicates"]) == (0, 2_500)


def test_a_file_that_is_not_there_is_one_clear_error(riskloop: Riskloop, trained: Project, tmp_path: Path) -> None:
    for verb in (("score", "gone.csv", "--out", tmp_path / "out.csv"), ("outcomes", "gone.csv"), ("check", "gone.csv")):
        said = riskloop(*verb, "--project", trained.folder, "--json")
        assert (said.code, said.json["error"]["code"], said.json["error"]["where"]) == (1, "data", "gone.csv")


def test_doctor_finds_nothing_wrong_and_says_so_with_its_exit_code(
    riskloop: Riskloop, trained: Project, tmp_path: Path
) -> None:
    well = riskloop("doctor", "--project", trained.folder, "--json")
    assert (well.code, all(one["ok"] for one in well.json)) == (0, True)
    sick = riskloop("doctor", "--project", tmp_path)
    assert (sick.code, "no project" in sick.out) == (1, True)


def test_the_actor_is_who_the_environment_says(
    riskloop: Riskloop, trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKLOOP_ACTOR", "grace")
    riskloop("promote", 2, "--reason", "cheaper", "--project", trained.folder)
    assert trained.promotions.events()[-1].actor == "grace"
    assert "RISKLOOP_ACTOR" in os.environ


def test_a_key_is_made_listed_and_revoked(riskloop: Riskloop, trained: Project) -> None:
    place = ("--project", trained.folder)
    made = riskloop("keys", "add", "crm", "--role", "scorer", *place, "--json").json
    assert made["token"].startswith("rk_")
    shown = riskloop("keys", "add", "ada", "--role", "approver", *place)
    assert shown.out.splitlines()[0].startswith("rk_")
    assert riskloop("keys", "add", "crm", *place).code == 1
    assert riskloop("keys", "revoke", "crm", *place).code == 0
    listed = riskloop("keys", "list", *place, "--json").json
    assert [(key["name"], key["role"], key["revoked_at"] is None) for key in listed] == [
        ("crm", "scorer", False),
        ("ada", "approver", True),
    ]
    assert riskloop("keys", "calls", *place, "--json").json == []


def test_a_comparison_in_production_is_started_and_stopped(riskloop: Riskloop, trained: Project) -> None:
    place = ("--project", trained.folder)
    assert riskloop("ab", "status", *place).code == 1
    started = riskloop("ab", "start", 2, "--share", 0.1, "--reason", "cheaper", *place)
    assert started.code == 0, started.err
    assert "answers 10% of the customers" in started.out
    status = riskloop("ab", "status", *place, "--json").json
    assert (status["challenger"], status["split"]["share"]) == (2, 0.1)
    assert "Decided since" in riskloop("ab", "status", *place).out
    assert riskloop("ab", "stop", "--reason", "enough", *place, "--json").json["kind"] == "withdrawn"


def test_a_customer_is_forgotten_and_old_predictions_are_pruned(
    riskloop: Riskloop, trained: Project, simulated: Path, tmp_path: Path
) -> None:
    place = ("--project", trained.folder)
    riskloop("score", simulated / "batches" / "january.csv", "--out", tmp_path / "out.csv", *place)
    assert riskloop("erase", "january-0000003", "--yes", *place, "--json").json["rows"] == 1
    assert riskloop("history", "--customer", "january-0000003", *place, "--json").json == []
    assert riskloop("prune", *place).code == 2
    assert riskloop("prune", "--days", 1, *place, "--json").json["rows"] == 0
    assert trained.ledger.count() == 299


def test_a_file_is_scored_in_parts_if_asked(
    riskloop: Riskloop, trained: Project, simulated: Path, tmp_path: Path
) -> None:
    batch, place = simulated / "batches" / "january.csv", ("--project", trained.folder)
    for name, how in (("whole.csv", "--whole"), ("parts.csv", "--in-parts")):
        assert riskloop("score", batch, "--out", tmp_path / name, how, *place).code == 0
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert riskloop("score", batch, "--out", tmp_path / "x.csv", "--in-parts", "--worklist", *place).code == 2
