"""Predictions written in passing, by a thread that must not wait, and the log that is moved beside it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from riskloop.keep.checkpoints import Checkpoints
from riskloop.keep.database import migrate, open_database
from riskloop.keep.ledger import EncodedPrediction, Ledger, Prediction, encode


def row(name: str, key: str | None = None) -> EncodedPrediction:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return encode(Prediction(name, at, "churn", 1, "d", 0.5, "leave", {"a": 1}, entity_id=name, idempotency_key=key))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "riskloop.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[Ledger]:
    engine = open_database(f"sqlite:///{file}")
    migrate(engine)
    ledger = Ledger(engine)
    yield ledger
    ledger.close()
    engine.dispose()


def test_what_was_written_in_passing_is_in_the_ledger(ledger: Ledger) -> None:
    assert ledger.append_now([row("p1"), row("p2")]) == "written"
    assert ledger.get("p1") is not None
    assert ledger.get("p2") is not None
    assert ledger.written_now == 2


def test_while_another_writes_nothing_is_written_and_nobody_waits(file: Path, ledger: Ledger) -> None:
    assert ledger.append_now([row("p0")]) == "written"
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert ledger.append_now([row("p1")]) == "held"
        assert time.monotonic() - began < 1  # a connection of the pool waits for ten seconds
        other.execute("ROLLBACK")
    assert ledger.get("p1") is None
    assert ledger.append_now([row("p1")]) == "written"
    other.close()


def test_a_row_that_is_taken_is_refused_with_its_neighbours_and_the_next_are_written(ledger: Ledger) -> None:
    assert ledger.append_now([row("p1", key="k")]) == "written"
    assert ledger.append_now([row("p2"), row("p3", key="k")]) != "written"
    assert ledger.get("p2") is None
    assert ledger.append_now([row("p4")]) == "written"


def test_a_ledger_without_its_table_is_left_alone_for_a_while(file: Path, ledger: Ledger) -> None:
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("ALTER TABLE predictions RENAME TO elsewhere")
        assert ledger.append_now([row("p1")]) != "written"
        other.execute("ALTER TABLE elsewhere RENAME TO predictions")
    other.close()
    assert ledger.append_now([row("p1")]) == "refused"  # who waits for the file finds out when it is back
    ledger.append_encoded([row("p1")])
    time.sleep(1.05)
    assert ledger.append_now([row("p2")]) == "written"


def test_the_log_is_moved_beside_those_who_write(file: Path, ledger: Ledger) -> None:
    before = file.stat().st_size
    with Checkpoints(ledger._engine, lambda: ledger.written_now, every=0.01, worth=100, largest=100):
        for number in range(200):
            if ledger.append_now([row(f"p{number:03}")]) != "written":
                ledger.append_encoded([row(f"p{number:03}")])
        for _ in range(500):
            if file.stat().st_size > before + 50_000:
                break
            time.sleep(0.01)
    assert file.stat().st_size > before + 50_000  # without it, a log of less than 4,000 pages stays where it is
    assert len(ledger.recent(1_000)) == 200


def test_a_log_that_has_grown_starts_again_while_others_write(file: Path, ledger: Ledger) -> None:
    log = Path(f"{file}-wal")
    written = 0
    with Checkpoints(ledger._engine, lambda: ledger.written_now, every=0.01, worth=100, largest=100):
        until = time.monotonic() + 20
        while written < 2_000 and time.monotonic() < until:
            for _ in range(20):
                written += ledger.append_now([row(f"p{written:06}")]) == "written"
            time.sleep(0.001)
    assert len(ledger.recent(100_000)) == written
    pages = written * 4  # a page of the table and of each of three indexes, at the least
    assert log.stat().st_size < pages * 4096 / 2


def test_moving_the_log_lets_go_of_no_lock_on_the_file(file: Path, ledger: Ledger) -> None:
    """Else another process took itself for the last one, and deleted the log when it ends."""
    assert ledger.append_now([row("p1")]) == "written"
    written = 0

    def plenty() -> int:
        nonlocal written
        written += 1_000
        return written

    synced = []
    with pytest.MonkeyPatch.context() as patched, Checkpoints(ledger._engine, plenty, every=0.01, worth=1, largest=0):
        sync = os.fsync
        patched.setattr(os, "fsync", lambda one: (synced.append(os.fstat(one).st_ino), sync(one)))
        until = time.monotonic() + 20
        while not synced and time.monotonic() < until:
            ledger.append_now([row(f"q{time.monotonic_ns()}")])
        program = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM versions'); c.close()"
        )
        subprocess.run([sys.executable, "-c", program, str(file)], check=True)
        assert Path(f"{file}-wal").exists()
    assert set(synced) == {file.stat().st_ino}
