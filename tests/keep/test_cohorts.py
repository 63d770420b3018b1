from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import Engine

from riskloop.keep import cohorts as module
from riskloop.keep.cohorts import Cohorts, Judged, Statement, judge
from riskloop.keep.ledger import Ledger, Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.watch.maturity import Maturity

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=365)
NINETY = Maturity(timedelta(days=90))
POSITIVES_ONLY = Maturity(timedelta(days=90), "negative")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def said(outcome: bool, on: float, received: float | None = None) -> Statement[datetime]:
    return Statement(outcome, day(on), day(on + 5 if received is None else received))


def prediction(number: int, at: datetime = START, **more: object) -> Prediction:
    fields = {"entity_id": f"C{number}", "arm": "champion", "version": 1} | more
    return Prediction(
        f"p{number}",
        at,
        "churn",
        digest="d",
        probability=0.1,
        decision="pass",
        features={"a": 1},
        **fields,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("statements", "maturity", "expected"),
    [
        ([], NINETY, (None, "unknown")),
        ([], POSITIVES_ONLY, (False, "silent")),
        ([said(True, 30)], NINETY, (True, "told")),
        ([said(True, 90)], NINETY, (True, "told")),
        ([said(True, 91)], NINETY, (None, "unknown")),
        ([said(True, 91)], POSITIVES_ONLY, (False, "silent")),
        ([said(True, 91, received=91)], POSITIVES_ONLY, (None, "late")),
        ([said(False, 95)], NINETY, (False, "told")),
        ([said(False, 30), said(True, 60)], NINETY, (True, "told")),
        ([said(False, 30), said(True, 120)], NINETY, (False, "told")),
        ([said(True, 30), said(False, 30)], NINETY, (False, "told")),
        ([said(True, 30), said(False, 30)], POSITIVES_ONLY, (False, "told")),
        ([said(False, 30), said(True, 60)], Maturity(), (False, "told")),
        ([said(True, 30, received=30), said(False, 60, received=60)], NINETY, (False, "told")),
        ([said(True, 30, received=30), said(False, 60, received=60)], Maturity(), (False, "told")),
        ([said(False, 30, received=30), said(True, 120, received=120)], NINETY, (False, "told")),
        ([said(True, 30, received=30), said(False, 30)], NINETY, (False, "told")),
    ],
)
def test_what_was_said_becomes_an_outcome(
    statements: list[Statement], maturity: Maturity, expected: tuple[bool | None, str]
) -> None:
    assert judge(START, statements, maturity, NOW) == expected


def test_the_order_in_which_moments_are_told_does_not_matter() -> None:
    told = [said(False, 20), said(True, 50), said(False, 80), said(True, 200)]
    assert {judge(START, order, NINETY, NOW) for order in permutations(told)} == {(True, "told")}


def test_silence_is_no_answer_before_the_time_is_over() -> None:
    assert judge(START, [], POSITIVES_ONLY, day(89)) == (None, "unknown")
    assert judge(START, [], POSITIVES_ONLY, day(90)) == (False, "silent")


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def _read(engine: Engine, maturity: Maturity = NINETY, **wanted: object) -> list[Judged]:
    pages = Cohorts(engine).pages(maturity, NOW, **wanted)  # type: ignore[arg-type]
    return [one for page in pages for one in page]


def _ids(rows: Sequence[Judged]) -> list[str]:
    return [one.prediction_id for one in rows]


def test_predictions_come_by_time_whatever_the_order_they_were_written_in(
    engine: Engine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 3)
    ledger.append([prediction(number, day(number % 4)) for number in range(10)])
    found = _read(engine)
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert sorted(_ids(found)) == sorted(f"p{number}" for number in range(10))


def test_shadows_are_left_out_unless_named(engine: Engine, ledger: Ledger) -> None:
    ledger.append([prediction(1), prediction(2, arm="shadow"), prediction(3, arm="challenger", version=2)])
    assert _ids(_read(engine)) == ["p1", "p3"]
    assert _ids(_read(engine, arm="shadow")) == ["p2"]
    assert _ids(_read(engine, version=2)) == ["p3"]
    assert _ids(_read(engine, until=START)) == []
    assert len(_read(engine, since=START)) == 2


def test_a_prediction_that_is_named_is_judged_by_that_alone(engine: Engine, ledger: Ledger) -> None:
    ledger.append([prediction(1), prediction(2, day(1), entity_id="C1")])
    ledger.record_outcomes(
        [
            Outcome("C1", True, day(30), day(31)),
            Outcome("C1", False, day(200), day(201), prediction_id="p2"),
        ]
    )
    assert [one.outcome for one in _read(engine)] == [True, False]


def test_an_outcome_judges_no_later_prediction(engine: Engine, ledger: Ledger) -> None:
    ledger.append([prediction(1), prediction(2, day(40), entity_id="C1")])
    ledger.record_outcomes([Outcome("C1", True, day(30), day(31))])
    assert [(one.outcome, one.told) for one in _read(engine, POSITIVES_ONLY)] == [(True, "told"), (False, "silent")]


def test_a_prediction_about_nobody_in_particular_stays_unknown(engine: Engine, ledger: Ledger) -> None:
    ledger.append([prediction(1, entity_id=None)])
    ledger.record_outcomes([Outcome("C1", True, day(30), day(31))])
    assert _read(engine)[0].outcome is None


def test_a_correction_counts_once_it_is_told(engine: Engine, ledger: Ledger) -> None:
    ledger.append([prediction(1)])
    ledger.record_outcomes([Outcome("C1", True, day(30), day(31))])
    assert _read(engine)[0].outcome is True
    ledger.record_outcomes([Outcome("C1", False, day(30), day(99))])
    assert _read(engine)[0].outcome is False
