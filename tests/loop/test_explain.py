from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskloop.data.source import Source
from riskloop.errors import ConfigError, DataError, NotFound, UsageError
from riskloop.loop.project import Project
from riskloop.loop.workflows.explain import explain_customer, explain_model
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.train import train


@pytest.fixture
def january(simulated: Path) -> Path:
    return simulated / "batches" / "january.csv"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_decision_in_the_ledger_is_explained_as_it_was_taken(trained: Project, january: Path, tmp_path: Path) -> None:
    done = score(trained, Source(str(january)), tmp_path / "out.csv", worklist=True, capacity=5)
    first = rows_of(done.out)[0]
    told = explain_customer(trained, customer=first["customer_id"])
    assert (told.found, told.version, told.decision.decision) == ("ledger", 1, "act")
    assert told.decision.probability == float(first["probability"])
    assert "; ".join(reason.texts["en"] for reason in told.reasons) == first["reasons"]
    kept = trained.ledger.last_prediction(first["customer_id"])
    assert kept is not None
    assert kept.reasons == [reason.to_dict() for reason in told.reasons]


def test_a_customer_never_decided_about_is_explained_as_on_file(trained: Project) -> None:
    customer = rows_of(Path(trained.source.path))[7]["customer_id"]
    told = explain_customer(trained, customer=customer)
    assert (told.found, told.customer, told.decided_at) == ("on file", customer, None)
    assert set(told.explanation.contributions) == set(told.explanation.values)


def test_a_row_of_a_file_is_explained(trained: Project, january: Path, tmp_path: Path) -> None:
    row = rows_of(january)[3]
    with (tmp_path / "one.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, row)
        writer.writeheader()
        writer.writerow(row)
    alone = explain_customer(trained, row=tmp_path / "one.csv")
    chosen = explain_customer(trained, row=january, customer=row["customer_id"])
    (tmp_path / "one.json").write_text(json.dumps({"id": row["customer_id"], "features": row}))
    from_json = explain_customer(trained, row=tmp_path / "one.json")
    assert alone.decision == chosen.decision == from_json.decision
    assert alone.explanation == chosen.explanation == from_json.explanation
    assert (alone.customer, alone.found) == (row["customer_id"], "row")


def test_what_if_says_what_the_decision_would_be(trained: Project, january: Path) -> None:
    customer = rows_of(january)[3]["customer_id"]
    told = explain_customer(trained, row=january, customer=customer)
    assert told.flip is not None
    changes = {change.column: str(change.after) for change in told.flip.changes}
    asked = explain_customer(trained, row=january, customer=customer, changes=changes)
    assert asked.what_if is not None
    assert asked.what_if.decision == told.flip.decision != told.decision.decision
    assert asked.what_if.probability == pytest.approx(told.flip.probability)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({}, UsageError, "Nobody is named"),
        ({"customer": "nobody"}, NotFound, "Nothing is known"),
        ({"row": "batch"}, UsageError, "holds 300 customers"),
        ({"row": "batch", "customer": "nobody"}, NotFound, "no such customer|no customer"),
        ({"row": "none.json"}, NotFound, "cannot be read"),
    ],
)
def test_who_cannot_be_found_is_one_clear_error(trained: Project, january: Path, asked, error, said) -> None:
    if "row" in asked:
        asked = asked | {"row": january if asked["row"] == "batch" else Path(asked["row"])}
    with pytest.raises(error, match=said):
        explain_customer(trained, **asked)


def test_a_change_that_makes_no_sense_is_one_clear_error(trained: Project) -> None:
    customer = rows_of(Path(trained.source.path))[7]["customer_id"]
    with pytest.raises(UsageError, match="There is no column 'tenur'"):
        explain_customer(trained, customer=customer, changes={"tenur": "3"})
    with pytest.raises(DataError, match="xpected a number"):
        explain_customer(trained, customer=customer, changes={"tenure_months": "many"})


def test_the_model_on_the_whole_is_told_weightiest_first(trained: Project) -> None:
    told = explain_model(trained)
    shares = [one.mean_share for one in told.features if one.mean_share is not None]
    assert shares == sorted(shares, reverse=True)
    assert told.additivity < 1e-6
    assert told.baseline_rows == 100
    assert {path.name for path in told.plots} >= {"shap_summary.png", "shap_bars.png", "dependence.png"}
    importance = told.features[0].importance
    assert importance["low"] <= importance["value"] <= importance["high"]


def test_a_bundle_holds_no_customers_record_to_compare_with(trained: Project) -> None:
    _, bundle = trained.bundle()

    def records(rows: list[dict[str, Any]]) -> set[tuple[float, ...]]:
        columns = bundle.contract.decode_rows(rows, typed=False).columns
        return set(zip(*(np.nan_to_num(columns[name], nan=-1.0).tolist() for name in columns), strict=True))

    customers, compared = records(rows_of(Path(trained.source.path))), records(list(bundle.baseline))
    assert len(bundle.baseline) == 100
    assert len(customers) > 2_000
    assert not customers & compared


def with_reasons(project: Project, **section: object) -> Project:
    reasons = project.settings.reasons.model_copy(update=section)
    return replace(project, settings=project.settings.model_copy(update={"reasons": reasons}))


def test_texts_and_groups_of_the_project_reach_the_reasons(trained: Project) -> None:
    project = with_reasons(trained, groups={"Contract": ["plan", "tenure_months"]}, most=2)
    texts = {"version": 2, "texts": {"Contract": {"en": {"other": "How long you are bound"}}}}
    (project.folder / "reasons.yaml").write_text(json.dumps(texts))
    done = train(project, candidates=("logistic_regression",))
    _, bundle = project.bundle(done.version.version)
    assert bundle.rules.groups["Contract"] == ("plan", "tenure_months")
    assert bundle.card["reasons"]["texts"] == {"version": "2"}
    customers = [row["customer_id"] for row in rows_of(Path(project.source.path))[:30]]
    told = [explain_customer(project, customer=one, version=done.version.version) for one in customers]
    assert max(len(one.reasons) for one in told) == 2
    assert "How long you are bound" in {reason.texts["en"] for one in told for reason in one.reasons}


@pytest.mark.parametrize(
    ("section", "where"),
    [
        ({"groups": {"Money": ["tenur"]}}, "reasons.groups"),
        ({"immutable": ["tenur"]}, "reasons.immutable"),
    ],
)
def test_a_reason_about_what_is_no_feature_stops_before_training(trained: Project, section, where) -> None:
    with pytest.raises(ConfigError, match="There is no feature 'tenur'") as error:
        train(with_reasons(trained, **section))
    assert error.value.where == where
