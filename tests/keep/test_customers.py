from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from riskloop.errors import Conflict, DataError
from riskloop.keep.customers import Customers, OnFile
from riskloop.keep.database import reading


@pytest.fixture
def store(engine: Engine) -> Customers:
    return Customers(engine)


def test_a_customer_is_found_by_id_with_text_that_only_looks_missing(store: Customers, noon: datetime) -> None:
    assert store.replace_all([("1", '{"tenure": 3}'), ("NA", '{"region": "NA"}')], noon) == 2
    assert store.get("NA") == {"region": "NA"}
    assert store.get("2") is None


def test_before_the_first_load_there_is_nobody(store: Customers) -> None:
    assert (store.get("1"), store.count(), store.as_of()) == (None, 0, None)


def test_a_load_takes_the_place_of_all_others_and_leaves_no_rows_of_them(
    store: Customers, engine: Engine, noon: datetime
) -> None:
    store.replace_all(((str(number), "{}") for number in range(25_000)), noon)
    later = noon + timedelta(days=1)
    store.replace_all([("1", '{"new": true}')], later)
    assert (store.get("1"), store.get("2"), store.count(), store.as_of()) == ({"new": True}, None, 1, later)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM customers")) == 1


def test_an_empty_load_empties_the_store(store: Customers, noon: datetime) -> None:
    store.replace_all([("1", "{}")], noon)
    assert store.replace_all([], noon) == 0
    assert store.count() == 0


def test_while_a_load_is_written_the_one_before_is_served(store: Customers, noon: datetime) -> None:
    store.replace_all([("1", '{"old": true}')], noon)
    seen = []

    def rows() -> Iterator[tuple[str, str]]:
        for number in range(12_000):
            if number == 11_000:
                seen.append((store.get("1"), store.count()))
            yield str(number), '{"old": false}'

    store.replace_all(rows(), noon)
    assert seen == [({"old": True}, 1)]
    assert store.get("1") == {"old": False}


def test_a_load_that_fails_midway_changes_nothing_and_the_next_one_cleans_up(
    store: Customers, engine: Engine, noon: datetime
) -> None:
    def rows() -> Iterator[tuple[str, str]]:
        for number in range(15_000):
            yield str(number), "{}"
        raise OSError

    store.replace_all([("old", "{}")], noon)
    with pytest.raises(OSError):
        store.replace_all(rows(), noon)
    assert (store.get("old"), store.count()) == ({}, 1)
    store.replace_all([("new", "{}")], noon)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM customers")) == 1


def test_a_customer_who_appears_twice_is_refused(store: Customers, noon: datetime) -> None:
    with pytest.raises(DataError, match="twice"):
        store.replace_all([("1", "{}"), ("1", "{}")], noon)


def test_of_two_loads_the_one_begun_later_stays_in_use(store: Customers, noon: datetime) -> None:
    def rows() -> Iterator[tuple[str, str]]:
        store.replace_all([("newer", "{}")], noon)
        yield "older", "{}"

    with pytest.raises(Conflict):
        store.replace_all(rows(), noon)
    assert (store.get("newer"), store.get("older")) == ({}, None)


def test_linked_rows_are_found_with_their_customer(store: Customers, noon: datetime) -> None:
    linked = [("loans", "1", '{"at": [1]}'), ("cards", "1", '{"at": []}'), ("loans", "9", '{"at": [2]}')]
    store.replace_all([("1", '{"age": 3}'), ("2", "{}")], noon, linked)
    assert store.on_file("1") == OnFile({"age": 3}, {"loans": {"at": [1]}, "cards": {"at": []}})
    assert store.on_file("2") == OnFile({}, {})
    assert store.on_file("9") is None


def test_linked_rows_change_with_the_load_and_leave_nothing_behind(
    store: Customers, engine: Engine, noon: datetime
) -> None:
    store.replace_all([("1", "{}")], noon, ((f"table{number % 2}", str(number // 2), "{}") for number in range(12_000)))
    seen = []

    def rows() -> Iterator[tuple[str, str, str]]:
        seen.append(store.on_file("1"))
        yield "table0", "1", '{"at": [7]}'

    store.replace_all([("1", "{}")], noon, rows())
    assert seen == [OnFile({}, {"table0": {}, "table1": {}})]
    assert store.on_file("1") == OnFile({}, {"table0": {"at": [7]}})
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM linked_rows")) == 1


def test_linked_rows_that_come_twice_are_refused(store: Customers, noon: datetime) -> None:
    with pytest.raises(DataError, match="twice"):
        store.replace_all([("1", "{}")], noon, [("loans", "1", "{}"), ("loans", "1", "{}")])
    assert store.count() == 0
