from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Engine

from riskloop.errors import Conflict, NotFound
from riskloop.keep.versions import Version, Versions


def version(number: int, at: datetime) -> Version:
    return Version(
        version=number,
        name="churn",
        digest=f"digest-{number}",
        bundle=f"{number}",
        created_at=at,
        status="accepted",
        run_id="run",
        metrics={"roc_auc": {"value": 0.61, "low": 0.58, "high": 0.64}},
        gate=[{"name": "beats-trivial", "passed": True}],
        data_fingerprint="f",
        summary={"candidate": "lightgbm"},
    )


def test_a_version_comes_back_as_it_was_given(engine: Engine, noon: datetime) -> None:
    Versions(engine).add(version(1, noon))
    assert Versions(engine).get(1) == version(1, noon)


def test_versions_are_listed_in_order_and_the_newest_has_the_highest_number(engine: Engine, noon: datetime) -> None:
    store = Versions(engine)
    assert store.newest() is None
    for number in (2, 10, 9):
        store.add(version(number, noon))
    assert [each.version for each in store.list()] == [2, 9, 10]
    newest = store.newest()
    assert newest is not None
    assert newest.version == 10


def test_an_unknown_version_is_not_found_and_the_known_ones_are_named(engine: Engine, noon: datetime) -> None:
    store = Versions(engine)
    with pytest.raises(NotFound, match="riskloop train"):
        store.get(1)
    for number in (1, 2):
        store.add(version(number, noon))
    with pytest.raises(NotFound, match="1, 2"):
        store.get(3)


def test_a_number_is_taken_once(engine: Engine, noon: datetime) -> None:
    Versions(engine).add(version(1, noon))
    with pytest.raises(Conflict, match="Version 1"):
        Versions(engine).add(version(1, noon))
