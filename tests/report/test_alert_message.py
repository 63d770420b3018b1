from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from riskloop.keep.alerts import Alert
from riskloop.report.alert_message import body_of, title_of, what_of
from riskloop.report.documents.pen import Pen
from riskloop.report.words import Language
from riskloop.watch.alerts import DEFAULTS, MEASURES

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALERT = Alert(
    7, "drifted_columns", "ledger of version 2", "columns_moved", "at_least", 3, "warning", 1, NOON, NOON, NOON,
    value=5, context={"version": 2, "names": ["age", "<b>"], "n": 3_000, "report": "/r/drift.html"},
)  # fmt: skip


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_has_words_in_both_languages(language: Language, measure: str) -> None:
    one, pen = replace(ALERT, measure=measure, value=0.5, low=0.4), Pen(language)
    for resolved_at in (None, NOON):
        told = replace(one, resolved_at=resolved_at)
        assert "churn" in title_of(told, "churn", pen, resolved=resolved_at is not None)
        assert len(body_of(told, pen, resolved=resolved_at is not None).splitlines()) >= 3


def test_a_message_says_what_where_since_when_and_what_next() -> None:
    body = body_of(ALERT, Pen(), link="https://risk.example.org")
    for words in (
        "Columns that moved: 5 (alert from 3).",
        "Where: the ledger, version 2.",
        "Columns: age, <b>.",
        "It rests on 3,000 observations.",
        "Since 2026-11-21 12:00 UTC.",
        "Report: /r/drift.html",
        "Open alerts: https://risk.example.org/alerts",
        "riskloop alerts ack 7",
    ):
        assert words in body


def test_values_are_written_as_their_measures_are() -> None:
    pen, end = Pen("fr"), {"low": 0.1, "high": 0.2}
    told = {name: what_of(replace(ALERT, measure=name, value=0.15, **end), pen) for name in MEASURES}
    assert "+15,0" in told["roc_auc_change"]
    assert "15,0" in told["error_rate"]
    assert told["drift_verdict"] == "La table a dérivé"
    assert "\N{NO-BREAK SPACE}ms" in what_of(replace(ALERT, measure="latency_p99", value=1_234.0), pen)
    assert {rule.measure for rule in DEFAULTS.values()} <= set(told)
