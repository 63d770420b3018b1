from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from riskloop.keep.measures import KEPT, Measured, Measures
from riskloop.watch.alerts import Fact

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_the_latest_of_each_measure_and_subject_is_known(engine: Engine) -> None:
    measures = Measures(engine)
    measures.keep([Fact("columns_moved", "batches", 1), Fact("columns_moved", "ledger", 0)], NOON)
    later = NOON + timedelta(hours=1)
    measures.keep([Fact("columns_moved", "batches", 4), Fact("roc_auc_change", "batches", -0.1, -0.2, -0.02)], later)
    assert measures.all() == (
        Measured("columns_moved", "batches", 4, 4, 4, later),
        Measured("columns_moved", "ledger", 0, 0, 0, NOON),
        Measured("roc_auc_change", "batches", -0.1, -0.2, -0.02, later),
    )


def test_what_is_not_defined_is_kept_as_such(engine: Engine) -> None:
    Measures(engine).keep([Fact("error_rate", "service", math.nan, math.nan, math.nan, 0)], NOON)
    assert Measures(engine).all() == (Measured("error_rate", "service", None, None, None, NOON),)


def test_of_two_facts_about_the_same_the_last_stands(engine: Engine) -> None:
    Measures(engine).keep([Fact("score_psi", "batches", 0.1), Fact("score_psi", "batches", 0.2)], NOON)
    assert [one.value for one in Measures(engine).all()] == [0.2]


def test_what_nobody_measures_any_more_is_forgotten(engine: Engine) -> None:
    Measures(engine).keep([Fact("score_psi", "batches of version 3", 0.1)], NOON)
    Measures(engine).keep([], NOON + KEPT)
    assert len(Measures(engine).all()) == 1
    Measures(engine).keep([], NOON + KEPT + timedelta(seconds=1))
    assert Measures(engine).all() == ()
