from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from datetime import UTC, datetime
from typing import IO

import pytest
from sqlalchemy import Engine, text

from riskloop.errors import Conflict, Unavailable
from riskloop.keep.database import writing
from riskloop.keep.ledger import EncodedPrediction, Ledger, Prediction, encode
from riskloop.keep.writer import GroupCommitWriter


def prediction(name: str, key: str | None = None) -> Prediction:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return Prediction(name, at, "churn", 1, "d", 0.5, "leave", {"a": 1}, entity_id=name, idempotency_key=key)


class GatedLedger(Ledger):
    """A ledger that waits at a gate before each commit and remembers how many rows each had."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.sizes: list[int] = []

    def append_encoded(self, rows: Sequence[EncodedPrediction]) -> None:
        self.entered.set()
        assert self.gate.wait(10)
        self.sizes.append(len(rows))
        super().append_encoded(rows)


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def test_a_resolved_prediction_is_in_the_ledger(ledger: Ledger) -> None:
    with GroupCommitWriter(ledger) as writer:
        writer.submit(prediction("p1")).result(10)
        assert ledger.get("p1") is not None


def test_a_future_is_not_done_before_its_commit(engine: Engine) -> None:
    gated = GatedLedger(engine)
    with GroupCommitWriter(gated) as writer:
        future = writer.submit(prediction("p1"))
        assert gated.entered.wait(10)
        assert not future.done()
        gated.gate.set()
        future.result(10)


def test_what_arrives_during_a_commit_is_the_next_transaction(engine: Engine) -> None:
    gated = GatedLedger(engine)
    with GroupCommitWriter(gated, batch=4) as writer:
        futures = [writer.submit(prediction("p0"))]
        assert gated.entered.wait(10)
        futures += [writer.submit(prediction(f"p{i}")) for i in range(1, 8)]
        gated.gate.set()
        wait(futures, 10)
    assert gated.sizes == [1, 4, 3]


def test_a_full_queue_refuses_at_once(engine: Engine) -> None:
    gated = GatedLedger(engine)
    with GroupCommitWriter(gated, capacity=2) as writer:
        futures = [writer.submit(prediction("p0"))]
        assert gated.entered.wait(10)
        futures += [writer.submit(prediction(f"p{i}")) for i in (1, 2)]
        assert writer.depth == 2
        with pytest.raises(Unavailable, match="behind"):
            writer.submit(prediction("p3"))
        gated.gate.set()
        assert [future.result(10) for future in futures] == [None] * 3
    assert (gated.count(), writer.lost) == (3, 0)


def test_closing_writes_all_that_waits_and_then_refuses(ledger: Ledger) -> None:
    writer = GroupCommitWriter(ledger).start()
    futures = [writer.submit(prediction(f"p{i}")) for i in range(2_500)]
    writer.close()
    assert all(future.done() and future.exception() is None for future in futures)
    assert ledger.count() == 2_500
    with pytest.raises(Unavailable, match="closed"):
        writer.submit(prediction("late"))


def test_when_the_database_fails_every_caller_hears_it_and_the_writer_carries_on(
    ledger: Ledger, engine: Engine
) -> None:
    with GroupCommitWriter(ledger) as writer:
        _run(engine, "ALTER TABLE predictions RENAME TO elsewhere")
        failed = [writer.submit(prediction(f"p{i}")) for i in range(50)]
        assert all(isinstance(future.exception(10), Unavailable) for future in failed)
        _run(engine, "ALTER TABLE elsewhere RENAME TO predictions")
        writer.submit(prediction("after")).result(10)
        assert (writer.lost, ledger.count()) == (50, 1)


def test_a_row_that_is_refused_does_not_fail_its_neighbours(engine: Engine) -> None:
    gated = GatedLedger(engine)
    with GroupCommitWriter(gated) as writer:
        futures = [writer.submit(prediction("p0", key="k"))]
        assert gated.entered.wait(10)
        names = ["p1", "lone surrogate \ud800", "p2", "p3"]
        futures += [writer.submit(prediction(name, key="k" if name == "p2" else None)) for name in names]
        gated.gate.set()
        errors = [type(future.exception(10)) for future in futures]
    assert errors == [type(None), type(None), UnicodeEncodeError, Conflict, type(None)]
    assert {p.prediction_id for p in gated.recent(9)} == {"p0", "p1", "p3"}


def test_what_cannot_be_encoded_fails_its_own_caller_only(ledger: Ledger) -> None:
    with GroupCommitWriter(ledger) as writer:
        bad = Prediction("p", datetime(2026, 1, 1, tzinfo=UTC), "n", 1, "d", 0.1, "x", {"a": object()})
        with pytest.raises(TypeError):
            writer.submit(bad)
        writer.submit(prediction("p1")).result(10)


def test_a_caller_who_gave_up_does_not_stop_the_writer(engine: Engine) -> None:
    gated = GatedLedger(engine)
    with GroupCommitWriter(gated) as writer:
        writer.submit(prediction("p0"))
        assert gated.entered.wait(10)
        given_up, last = writer.submit(prediction("p1")), writer.submit(prediction("p2"))
        assert given_up.cancel()
        gated.gate.set()
        last.result(10)
    assert {p.prediction_id for p in gated.recent(9)} == {"p0", "p2"}


def test_many_threads_lose_nothing(ledger: Ledger) -> None:
    def write(writer: GroupCommitWriter, thread: int) -> None:
        for number in range(50):
            writer.submit(prediction(f"{thread}-{number}")).result(30)

    with GroupCommitWriter(ledger) as writer:
        threads = [threading.Thread(target=write, args=(writer, number)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ledger.count() == 800


class Desk:
    """Remembers what it was told, and does not want what it was told to forget."""

    def __init__(self) -> None:
        self.told: list[tuple[list[str], Exception | None]] = []
        self.forgotten: set[str] = set()

    def wants(self, ticket: str) -> bool:
        return ticket not in self.forgotten

    def tell(self, tickets: Sequence[str], error: Exception | None) -> None:
        self.told.append((list(tickets), error))


def test_a_desk_is_told_once_for_all_of_a_commit(engine: Engine) -> None:
    gated, desk = GatedLedger(engine), Desk()
    with GroupCommitWriter(gated) as writer:
        writer.offer([(encode(prediction("p0")), "p0")], desk)
        assert gated.entered.wait(10)
        writer.offer([(encode(prediction(name)), name) for name in ("p1", "p2", "p3")], desk)
        other = writer.submit(prediction("p4"))
        desk.forgotten = {"p2"}
        gated.gate.set()
        other.result(10)
    assert desk.told == [(["p0"], None), (["p1", "p3"], None)]
    assert gated.get("p2") is None


def test_a_desk_hears_of_each_row_where_one_is_refused(ledger: Ledger) -> None:
    ledger.append([prediction("taken")])
    desk = Desk()
    with GroupCommitWriter(ledger) as writer:
        writer.offer([(encode(prediction(name)), name) for name in ("taken", "p1")], desk)
    errors = {ticket: error for tickets, error in desk.told for ticket in tickets}
    assert isinstance(errors["taken"], Conflict)
    assert errors["p1"] is None


_CHILD = """
import os, sys
from datetime import UTC, datetime
from riskloop.keep.database import open_database
from riskloop.keep.ledger import Ledger, Prediction
from riskloop.keep.writer import GroupCommitWriter

url, name, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
at = datetime.now(UTC)
os.write(1, b"ready\\n")
os.read(0, 2)

def tell(identity):
    return lambda future: os.write(1, (identity + "\\n").encode()) if future.exception() is None else None

with GroupCommitWriter(Ledger(open_database(url)), capacity=1_000_000) as writer:
    for number in range(most):
        identity = f"{name}-{number}"
        future = writer.submit(Prediction(identity, at, "churn", 1, "d", 0.5, "leave", {"a": number}))
        future.add_done_callback(tell(identity))
        if number % 50 == 0:
            future.result()
"""


def test_what_was_answered_survives_a_killed_process(url: str, ledger: Ledger, let_go: Callable[..., None]) -> None:
    with _child(url, "a", 1_000_000) as child:
        let_go(child)
        told = [_out(child).readline() for _ in range(1_500)]
        os.kill(child.pid, signal.SIGKILL)
        told += _out(child).readlines()
    answered = {line.decode().strip() for line in told if line.endswith(b"\n")}
    assert child.returncode == -signal.SIGKILL
    assert len(answered) >= 1_500
    assert answered <= {p.prediction_id for p in ledger.recent(10_000_000)}


def test_two_processes_that_write_at_once_lose_nothing(url: str, ledger: Ledger, let_go: Callable[..., None]) -> None:
    with _child(url, "a", 1_000) as first, _child(url, "b", 1_000) as second:
        let_go(first, second)
        told = [line.decode().strip() for child in (first, second) for line in _out(child).readlines()]
    assert len(told) == 2_000
    assert set(told) == {p.prediction_id for p in ledger.recent(10_000)}


def _child(url: str, name: str, most: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _CHILD, url, name, str(most)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _out(child: subprocess.Popen[bytes]) -> IO[bytes]:
    assert child.stdout is not None
    return child.stdout


def _run(engine: Engine, statement: str) -> None:
    with writing(engine) as connection:
        connection.execute(text(statement))
