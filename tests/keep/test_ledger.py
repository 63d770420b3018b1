from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Engine

from riskloop.errors import Conflict, DataError, UsageError
from riskloop.keep.cohorts import Cohorts
from riskloop.keep.customers import Customers
from riskloop.keep.ledger import Ledger, Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.watch.maturity import Maturity

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def prediction(number: int = 1, **changes: object) -> Prediction:
    made = Prediction(
        prediction_id=f"p{number}",
        at=NOON + timedelta(seconds=number),
        name="churn",
        version=3,
        digest="d" * 64,
        probability=0.1,
        decision="contact",
        features={"tenure": 3, "region": "NA"},
        entity_id="C1",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def outcome(entity_id: str = "C1", *, happened: bool = True, day: int = 1, **more: object) -> Outcome:
    moment = NOON + timedelta(days=day)
    return Outcome(entity_id, happened, moment, moment + timedelta(hours=1), **more)  # type: ignore[arg-type]


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def test_a_prediction_comes_back_as_it_was_given(ledger: Ledger) -> None:
    full = prediction(
        request_id="r1",
        probability_low=0.05,
        probability_high=1 / 3,
        threshold=1 / 11,
        risk_band="high",
        expected_cost=7.25,
        reasons=[{"feature": "tenure", "text": "tenue récente"}],
        latency_ms=1.5,
        idempotency_key="k1",
        arm="challenger",
    )
    ledger.append([full])
    assert ledger.get("p1") == full


_json = st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(features=st.dictionaries(st.text(), _json, max_size=5), probability=st.floats(0, 1))
def test_features_and_probability_are_kept_to_the_last_bit(
    ledger: Ledger, features: dict[str, object], probability: float
) -> None:
    number = ledger.count()
    ledger.append([prediction(number, features=features, probability=probability)])
    back = ledger.get(f"p{number}")
    assert back is not None
    assert (back.features, back.probability.hex()) == (features, probability.hex())


def test_times_are_kept_as_the_same_instant_whatever_their_zone(ledger: Ledger) -> None:
    paris = NOON.astimezone(timezone(timedelta(hours=1)))
    ledger.append([prediction(at=paris)])
    assert ledger.predictions("C1")[0].at == NOON


def test_a_time_without_a_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="timezone"):
        ledger.append([prediction(at=datetime(2026, 1, 1))])


def test_the_last_prediction_is_the_newest_by_time_not_by_arrival(ledger: Ledger) -> None:
    ledger.append([prediction(2), prediction(1), prediction(3, entity_id="other")])
    last = ledger.last_prediction("C1")
    assert last is not None
    assert last.prediction_id == "p2"
    assert ledger.last_prediction("nobody") is None


def test_predictions_of_a_day_are_those_from_midnight_to_midnight_utc(ledger: Ledger) -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    ledger.append([prediction(1, at=midnight - tick), prediction(2, at=midnight), prediction(3, at=midnight + tick)])
    day = ledger.predictions("C1", on=date(2026, 11, 22))
    assert [p.prediction_id for p in day] == ["p2", "p3"]


def test_an_idempotency_key_finds_its_one_prediction(ledger: Ledger) -> None:
    ledger.append([prediction(1, idempotency_key="k"), prediction(2), prediction(3)])
    with pytest.raises(Conflict):
        ledger.append([prediction(4, idempotency_key="k")])
    found = ledger.by_idempotency_key("k")
    assert found is not None
    assert found.prediction_id == "p1"
    assert ledger.by_idempotency_key("other") is None


def test_predictions_are_written_all_or_none(ledger: Ledger) -> None:
    ledger.append([prediction(1)])
    with pytest.raises(Conflict):
        ledger.append([prediction(2), prediction(1)])
    assert ledger.count() == 1


def test_a_probability_that_is_no_number_is_refused_and_not_called_a_duplicate(ledger: Ledger) -> None:
    with pytest.raises(DataError):
        ledger.append([prediction(probability=math.nan)])


def test_recent_predictions_come_newest_first_and_by_version(ledger: Ledger) -> None:
    ledger.append([prediction(1), prediction(2, version=4), prediction(3)])
    assert [p.prediction_id for p in ledger.recent(2)] == ["p3", "p2"]
    assert [p.prediction_id for p in ledger.recent(9, version=3)] == ["p3", "p1"]


def test_the_same_outcomes_sent_again_change_nothing(ledger: Ledger) -> None:
    ledger.append([prediction()])
    first = ledger.record_outcomes([outcome(), outcome("C2")])
    again = ledger.record_outcomes([outcome(), outcome("C2")])
    assert (first.accepted, first.duplicates, first.unknown_customers) == (2, 0, 1)
    assert (again.accepted, again.duplicates, again.corrections) == (0, 2, 0)


def test_outcomes_of_before_the_first_prediction_are_kept_and_counted(ledger: Ledger) -> None:
    ledger.append([prediction(2, at=NOON + timedelta(days=9)), prediction(1, at=NOON)])
    receipt = ledger.record_outcomes([outcome(day=0), outcome(day=-1), outcome("C2", day=-1)])
    assert (receipt.accepted, receipt.unknown_customers, receipt.too_early) == (3, 1, 1)


def test_a_duplicate_within_one_file_counts_once(ledger: Ledger) -> None:
    receipt = ledger.record_outcomes([outcome(), outcome(), outcome(happened=False)])
    assert (receipt.accepted, receipt.duplicates, receipt.corrections) == (1, 1, 1)


def test_of_contradicting_outcomes_the_last_one_received_stands(ledger: Ledger) -> None:
    ledger.append([prediction()])
    ledger.record_outcomes([outcome(happened=True)])
    assert ledger.record_outcomes([outcome(happened=False)]).corrections == 1
    assert _judged(ledger) == {"p1": False}


def test_an_old_file_sent_again_does_not_undo_a_correction_but_a_new_statement_does(ledger: Ledger) -> None:
    ledger.append([prediction()])
    ledger.record_outcomes([outcome(happened=True)])
    ledger.record_outcomes([outcome(happened=False)])
    assert ledger.record_outcomes([outcome(happened=True)]).duplicates == 1
    assert _judged(ledger) == {"p1": False}
    assert ledger.record_outcomes([outcome(happened=True, outcome_id="recount")]).corrections == 1
    assert _judged(ledger) == {"p1": True}


def test_more_outcomes_than_one_query_holds_are_recorded(ledger: Ledger) -> None:
    many = [outcome(f"C{number}") for number in range(2_500)]
    assert ledger.record_outcomes(many).accepted == 2_500
    assert ledger.record_outcomes(many[::-1]).duplicates == 2_500


def test_an_outcome_judges_the_prediction_it_names(ledger: Ledger) -> None:
    ledger.append([prediction(1), prediction(2)])
    ledger.record_outcomes([outcome(prediction_id="p2")])
    assert _judged(ledger) == {"p1": None, "p2": True}


def test_an_outcome_that_names_none_judges_what_was_predicted_before_it(ledger: Ledger) -> None:
    after = prediction(2, at=NOON + timedelta(days=2))
    ledger.append([prediction(1), after, prediction(3, entity_id=None)])
    ledger.record_outcomes([outcome(day=1), outcome(day=9, happened=False)])
    assert _judged(ledger) == {"p1": True, "p2": False, "p3": None}


def test_what_a_version_decided_is_read_in_full_and_between_two_moments(ledger: Ledger) -> None:
    ledger.append([prediction(number) for number in range(4_500)] + [prediction(5_000, version=4)])
    assert len(list(ledger.within(3))) == 4_500
    between = ledger.within(3, NOON + timedelta(seconds=10), NOON + timedelta(seconds=12))
    assert [one.prediction_id for one in between] == ["p10", "p11"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_erased_customer_leaves_no_row_and_no_byte(ledger: Ledger, engine: Engine, tmp_path: Path) -> None:
    Customers(engine).replace_all([("erase-me-please", "{}"), ("C1", "{}")], NOON)
    ledger.append([prediction(1, entity_id="erase-me-please"), prediction(2)])
    ledger.record_outcomes([outcome("erase-me-please"), outcome()])
    assert ledger.erase("erase-me-please") == 3
    assert ledger.count() == 1
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"erase-me-please" not in stored
    assert b"C1" in stored


def _judged(ledger: Ledger) -> dict[str, bool | None]:
    pages = Cohorts(ledger._engine).pages(Maturity(), NOON)
    return {one.prediction_id: one.outcome for page in pages for one in page}


def test_what_is_older_than_it_need_be_is_pruned(ledger: Ledger, tmp_path: Path) -> None:
    old = [prediction(number, features={"secret": "older than it need be"}) for number in range(5)]
    ledger.append(old + [prediction(100 + number, at=NOON + timedelta(days=9)) for number in range(3)])
    ledger.record_outcomes([outcome("C1", day=1), outcome("C1", day=20)])
    assert ledger.prune(NOON + timedelta(days=5)) == 6
    assert ledger.count() == 3
    assert list(_judged(ledger).values()) == [True] * 3
    assert ledger.prune(NOON + timedelta(days=5)) == 0
    for file in tmp_path.iterdir():
        assert b"older than it need be" not in file.read_bytes()


def test_what_a_shadow_would_have_said_is_no_decision_about_a_customer(ledger: Ledger) -> None:
    ledger.append([prediction(1), prediction(2, arm="shadow"), prediction(3, arm="challenger")])
    assert [one.arm for one in ledger.predictions("C1")] == ["champion", "challenger"]
    assert [(one.arm, one.predictions) for one in ledger.arm_counts()] == [
        ("challenger", 1),
        ("champion", 1),
        ("shadow", 1),
    ]
