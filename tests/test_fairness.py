"""Protected attributes on real tables: out of the model, into the audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from riskloop.costs import Costs
from riskloop.data.frames import decode_frame
from riskloop.data.source import Source
from riskloop.errors import ConfigError
from riskloop.explain.flip import nearest_flip
from riskloop.explain.reasoner import Reasoner
from riskloop.loop.table import read_table
from riskloop.loop.workflows.initialise import initialise
from riskloop.loop.workflows.reproduce import reproduce
from riskloop.loop.workflows.train import TrainingResult, train
from riskloop.wiring import open_project
from tests.test_real_tables import ADULT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def adult(workshop: Any, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingResult]:
    folder = tmp_path_factory.mktemp("adult")
    source = Source(str(real_data / "adult" / "adult.data"), columns=ADULT, sample_rows=8_000)
    initialise(
        workshop.prepare(folder),
        source,
        "income",
        sensitive=("sex", "race"),
        costs=Costs(fp=1, fn=3),
        project="adult",
    )
    return folder, train(open_project(folder, {}), candidates=("logistic_regression", "decision_tree"))


def test_on_adult_the_gap_between_women_and_men_is_found_with_the_columns_that_stand_for_sex(
    adult: tuple[Path, TrainingResult],
) -> None:
    """The positive class earns more: acting is the favourable decision of nobody here, so being passed over is."""
    fairness = adult[1].fairness
    assert fairness is not None
    rates = {one.level: one.favourable.value for one in fairness.groups if one.attribute == "sex"}
    assert rates["Female"] > rates["Male"] + 0.2
    told = {one.feature for one in fairness.proxies if one.attribute == "sex"}
    assert "relationship" in told
    assert any(one.attribute == "sex, race" for one in fairness.groups)
    assert all(one.rows >= fairness.minimum_rows for one in fairness.groups)


def test_protected_columns_are_no_features_and_the_audit_travels_with_the_bundle(
    adult: tuple[Path, TrainingResult],
) -> None:
    project = open_project(adult[0], {})
    assert {"sex", "race"}.isdisjoint(project.contract.features)
    _, bundle = project.bundle(1)
    assert bundle.card["fairness"] == adult[1].fairness.to_dict()  # type: ignore[union-attr]
    assert project.versions.get(1).summary["fairness"] == adult[1].fairness.words("EUR")  # type: ignore[union-attr]


def test_the_audit_is_made_again_to_the_byte(adult: tuple[Path, TrainingResult]) -> None:
    assert reproduce(open_project(adult[0], {}), 1).equal


def test_a_protected_column_is_used_only_if_the_project_says_why(adult: tuple[Path, TrainingResult]) -> None:
    allowed = open_project(adult[0], {"RISKLOOP__FEATURES__ALLOW": '{"sex": "a court asked for it"}'})
    assert "sex" in allowed.contract.features
    assert "race" not in allowed.contract.features


@pytest.fixture(scope="module")
def cards(workshop: Any, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingResult]:
    """Credit cards of Taiwan, where sex is used because the project says so, and marriage is not."""
    folder = tmp_path_factory.mktemp("cards")
    initialise(
        workshop.prepare(folder),
        Source(str(real_data / "uci_credit_card" / "UCI_Credit_Card.csv"), sample_rows=10_000),
        "default.payment.next.month",
        sensitive=("SEX", "MARRIAGE"),
        costs=Costs(fp=1, fn=5),
        project="cards",
    )
    allowed = {"RISKLOOP__FEATURES__ALLOW": '{"SEX": "a court asked for it"}'}
    return folder, train(open_project(folder, allowed), candidates=("lightgbm",), promote_reason="first")


def test_on_credit_cards_no_group_falls_below_four_fifths_and_age_stands_for_marriage(
    cards: tuple[Path, TrainingResult],
) -> None:
    fairness = cards[1].fairness
    assert fairness is not None
    words = " ".join(fairness.words("TWD"))
    assert words.count("above four fifths") == 2
    assert "AGE tells MARRIAGE = 2 from the others" in words
    proxies = {(one.attribute, one.feature): one.roc_auc for one in fairness.proxies}
    assert proxies["MARRIAGE", "AGE"] > 0.75
    assert proxies["SEX", "all features together"] < 0.65


def test_a_protected_attribute_that_the_model_uses_is_never_a_reason_and_never_to_be_changed(
    cards: tuple[Path, TrainingResult], real_data: Path
) -> None:
    project = open_project(cards[0], {})
    _, bundle = project.bundle(1)
    assert "SEX" in bundle.contract.features
    assert "MARRIAGE" not in bundle.contract.features
    columns = decode_frame(bundle.contract, read_table(project).frame[:2_000]).columns
    told = [reason for reasons in Reasoner(bundle).reasons(columns) for reason in reasons]
    assert len(told) > 4_000
    assert {"SEX", "MARRIAGE"}.isdisjoint({reason.feature for reason in told})
    for row in range(10):
        found = nearest_flip(bundle, {name: values[[row]] for name, values in columns.items()})
        assert found is None or "SEX" not in {change.column for change in found.changes}


def test_on_credit_cards_bills_of_six_months_are_one_business_reason(cards: tuple[Path, TrainingResult]) -> None:
    _, bundle = open_project(cards[0], {}).bundle(1)
    (bills,) = [names for names in bundle.rules.groups.values() if "BILL_AMT2" in names]
    assert set(bills) == {f"BILL_AMT{month}" for month in range(1, 7)}


def test_prices_may_not_be_made_of_a_protected_column(workshop: Any, tmp_path: Path) -> None:
    workshop.churn(tmp_path)
    changed = {"RISKLOOP__PROBLEM__SENSITIVE": '["age"]', "RISKLOOP__COSTS__FN": "100 - age"}
    with pytest.raises(ConfigError, match="a protected attribute"):
        _ = open_project(tmp_path, changed).contract
