from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from riskloop.keep.batches import Batch, Batches

ONE = Batch("in.csv", "a" * 64, 5_000_000_000, "stable", 3, "nothing moved", datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def batches(engine: Engine) -> Batches:
    return Batches(engine)


def test_a_batch_is_remembered_by_name_and_content(batches: Batches) -> None:
    batches.add(ONE)
    assert batches.get("in.csv", "a" * 64) == ONE
    assert batches.get("in.csv", "b" * 64) is None
    assert batches.get("other.csv", "a" * 64) is None


def test_the_last_word_on_the_same_content_counts(batches: Batches) -> None:
    batches.add(replace(ONE, verdict="failed", version=None, told="unreadable"))
    batches.add(ONE)
    assert batches.all() == [ONE]


def test_they_are_listed_as_they_were_monitored(batches: Batches) -> None:
    earlier = replace(ONE, name="z.csv", at=datetime(2026, 10, 1, tzinfo=UTC))
    batches.add(ONE)
    batches.add(earlier)
    assert batches.all() == [earlier, ONE]
