from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from riskloop.keep import enrolled as module
from riskloop.keep.cohorts import Cohorts
from riskloop.keep.enrolled import Enrolled, assigned_lately, customers_a_day, enrolled, traffic
from riskloop.keep.ledger import Ledger, Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.watch.maturity import Maturity

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = NOON + 90 * DAY


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def asked(customer: str | None, arm: str = "champion", at: datetime = NOON, **more: object) -> Prediction:
    fields = {
        "prediction_id": f"{customer}-{arm}-{at.isoformat()}",
        "at": at,
        "name": "churn",
        "version": 2 if arm == "challenger" else 1,
        "digest": "d",
        "probability": 0.3,
        "decision": "act",
        "features": {"age": 40},
        "arm": arm,
        "entity_id": customer,
    }
    return Prediction(**fields | more)  # type: ignore[arg-type]


_AT_ONCE = Maturity()


def met(
    engine: Engine, since: datetime = NOON, now: datetime = LATER, final: Maturity = _AT_ONCE
) -> dict[str, Enrolled]:
    return {one.entity_id: one for page in enrolled(engine, since, now, final) for one in page}


def test_a_customer_counts_once_by_the_first_answer(engine: Engine, ledger: Ledger) -> None:
    ledger.append([asked("a"), asked("a", "challenger", NOON + DAY), asked("a", at=NOON + 2 * DAY), asked("b")])
    found = met(engine)
    assert sorted(found) == ["a", "b"]
    assert (found["a"].arm, found["a"].met, found["a"].mixed) == ("champion", date(2026, 11, 21), True)
    assert not found["b"].mixed


def test_batches_shadows_nobody_and_what_was_before_are_left_out(engine: Engine, ledger: Ledger) -> None:
    ledger.append(
        [
            asked("batch", "batch"),
            asked("shadow", "shadow"),
            asked(None),
            asked("before", at=NOON - timedelta(seconds=1)),
            asked("kept", "challenger"),
        ]
    )
    assert list(met(engine)) == ["kept"]


def test_pages_join_without_losing_anybody(engine: Engine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 7)
    ledger.append([asked(f"c{place}") for place in range(50)])
    ledger.record_outcomes([Outcome(f"c{place}", place % 2 == 0, NOON + DAY, NOON + DAY) for place in range(50)])
    found = met(engine)
    assert len(found) == 50
    assert all(one.outcome == (int(who[1:]) % 2 == 0) for who, one in found.items())


def test_an_outcome_counts_from_the_day_it_was_told(engine: Engine, ledger: Ledger) -> None:
    ledger.append([asked("a"), asked("b")])
    ledger.record_outcomes([Outcome("a", True, NOON + DAY, NOON + 5 * DAY)])
    found = met(engine)
    assert (found["a"].outcome, found["a"].final) == (True, date(2026, 11, 26))
    assert (found["b"].outcome, found["b"].final, found["b"].mature) == (None, None, True)
    assert met(engine, now=NOON + 4 * DAY)["a"].outcome is None


def test_before_it_is_mature_no_outcome_counts_not_even_one_that_was_told(engine: Engine, ledger: Ledger) -> None:
    ledger.append([asked("a")])
    ledger.record_outcomes([Outcome("a", True, NOON + DAY, NOON + DAY)])
    final = Maturity(30 * DAY)
    early, later = met(engine, now=NOON + 29 * DAY, final=final)["a"], met(engine, final=final)["a"]
    assert (early.mature, early.outcome) == (False, None)
    assert (later.outcome, later.final) == (True, date(2026, 12, 21))


@pytest.mark.parametrize("after", [30 * DAY, timedelta(hours=36), timedelta(hours=13, seconds=1)])
def test_it_is_mature_to_the_microsecond(engine: Engine, ledger: Ledger, after: timedelta) -> None:
    ledger.append([asked("a", at=NOON + timedelta(microseconds=7))])
    ripe = NOON + timedelta(microseconds=7) + after
    final = Maturity(after, "negative")
    assert not met(engine, now=ripe - timedelta(microseconds=1), final=final)["a"].mature
    assert met(engine, now=ripe, final=final)["a"].final == ripe.date()


def test_what_came_after_it_was_mature_does_not_count_and_silence_may_be_a_negative(
    engine: Engine, ledger: Ledger
) -> None:
    ledger.append([asked("a"), asked("b")])
    ledger.record_outcomes([Outcome("a", True, NOON + 31 * DAY, NOON + 32 * DAY)])
    assert [one.outcome for one in met(engine, final=Maturity(30 * DAY)).values()] == [None, None]
    told = met(engine, final=Maturity(30 * DAY, "negative"))
    assert [(one.outcome, one.final) for one in told.values()] == [(False, date(2026, 12, 21))] * 2


def test_a_customer_of_an_experiment_and_a_cohort_are_judged_alike(engine: Engine, ledger: Ledger) -> None:
    rng, final = random.Random(7), Maturity(30 * DAY, "negative")
    ledger.append([asked(f"c{place}") for place in range(300)])
    moments = [NOON + days * DAY for days in (1, 20, 29, 30, 31, 60)]
    said = [
        Outcome(f"c{rng.randrange(300)}", rng.random() < 0.5, observed, observed + rng.choice([0, 1]) * DAY)
        for observed in rng.choices(moments, k=700)
    ]
    ledger.record_outcomes(sorted(said, key=lambda one: one.received_at))
    judged = {one.entity_id: one.outcome for page in Cohorts(engine).pages(final, LATER) for one in page}
    assert {who: one.outcome for who, one in met(engine, final=final).items()} == judged
    assert len(set(judged.values())) == 3


def test_corrections_and_outcomes_that_name_the_prediction_come_first(engine: Engine, ledger: Ledger) -> None:
    first, second = asked("a"), asked("b")
    ledger.append([first, second])
    ledger.record_outcomes([Outcome("a", True, NOON + DAY, NOON + DAY), Outcome("b", True, NOON + DAY, NOON + DAY)])
    ledger.record_outcomes([Outcome("a", False, NOON + DAY, NOON + 2 * DAY)])
    ledger.record_outcomes([Outcome("b", False, NOON + 3 * DAY, NOON + 3 * DAY, prediction_id=second.prediction_id)])
    found = met(engine)
    assert (found["a"].outcome, found["b"].outcome) == (False, False)


def test_traffic_counts_decisions_scores_and_latencies_by_arm(engine: Engine, ledger: Ledger) -> None:
    ledger.append([asked(f"c{place}", probability=place / 10, latency_ms=float(place)) for place in range(10)])
    ledger.append([asked("x", "challenger", decision="pass")])
    told = traffic(engine, "champion", NOON, (0.05, 0.5), newest=3)
    assert (told.answers, told.below, told.decisions) == (10, (1, 5), {(1, "act"): 10})
    assert sorted(told.latencies) == [7.0, 8.0, 9.0]
    assert traffic(engine, "challenger", NOON + DAY, (0.5,)).answers == 0
    assert dict(assigned_lately(engine, NOON))["x"] == "challenger"


def test_customers_a_day_count_each_once_from_the_first_on(engine: Engine, ledger: Ledger) -> None:
    assert customers_a_day(engine, NOON, LATER) == 0
    ledger.append([asked("a"), asked("a", at=NOON + DAY), asked("b", at=NOON + DAY)])
    assert customers_a_day(engine, NOON - 20 * DAY, NOON + 4 * DAY) == 0.5
