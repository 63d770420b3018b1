from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from riskloop.errors import Conflict, Unavailable
from riskloop.keep.locks import Held, Lease, Locks, holding

HOLDER = """
import sys
from riskloop.keep.database import open_database
from riskloop.keep.locks import Locks, holding
with holding(Locks(open_database(sys.argv[1])), "loop", sys.argv[2], 2.0) as held:
    print("held" if held else "busy", flush=True)
    sys.stdin.read(1)
"""


@pytest.fixture
def locks(engine: Engine) -> Locks:
    return Locks(engine)


def held(lease: Lease | None) -> Lease:
    assert lease is not None
    return lease


def test_one_holds_a_lease_and_others_see_who(locks: Locks) -> None:
    lease = held(locks.take("loop", "a"))
    assert locks.take("loop", "b") is None
    assert locks.holder("loop") == "a"
    assert held(locks.take("other", "b")).token == 1
    locks.release(lease)
    assert locks.holder("loop") is None
    assert held(locks.take("loop", "b")).token == 2


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_finds_out(locks: Locks) -> None:
    slow = held(locks.take("loop", "a", 0.05))
    time.sleep(0.1)
    assert not locks.holds(slow)
    quick = held(locks.take("loop", "b"))
    assert quick.token > slow.token
    assert not locks.renew(slow)
    locks.release(slow)  # what is not held cannot be given away
    assert locks.holds(quick)


def test_one_that_slept_may_go_on_if_nobody_took_over(locks: Locks) -> None:
    lease = held(locks.take("loop", "a", 0.05))
    time.sleep(0.1)
    assert locks.renew(lease)
    assert locks.holds(lease)


def test_a_lease_in_a_block_outlives_its_seconds_by_its_heartbeat(locks: Locks) -> None:
    with holding(locks, "loop", "a", 1.0) as mine:
        assert mine is not None
        time.sleep(1.5)
        mine.check()
        with holding(locks, "loop", "b", 1.0) as other:
            assert other is None
    assert locks.holder("loop") is None


def test_one_whose_lease_was_taken_over_is_told(locks: Locks) -> None:
    with holding(locks, "loop", "a", 1.0) as mine:
        assert isinstance(mine, Held)
        locks.release(mine.lease)
        held(locks.take("loop", "b"))
        with pytest.raises(Conflict, match="taken over"):
            mine.check()
        assert mine.lost.wait(5)
    assert locks.holder("loop") == "b"


def test_while_the_database_is_away_the_lease_is_lost_when_it_must_have_run_out(
    locks: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with holding(locks, "loop", "a", 1.0) as mine:
        assert mine is not None

        def away(*_: object) -> bool:
            raise Unavailable("The database does not answer.")

        monkeypatch.setattr(locks, "renew", away)
        assert not mine.lost.wait(0.5)
        assert mine.lost.wait(5)


def test_of_many_at_once_one_gets_it(locks: Locks) -> None:
    got: list[Lease | None] = []
    threads = [threading.Thread(target=lambda n=n: got.append(locks.take("loop", f"h{n}"))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(lease is not None for lease in got) == 1


def test_when_a_process_is_killed_another_takes_over_once_its_lease_has_run_out(engine: Engine, url: str) -> None:
    def process(name: str) -> subprocess.Popen[str]:
        source = str(Path(__file__).parents[2] / "src")
        return subprocess.Popen(
            [sys.executable, "-c", HOLDER, url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": source},
        )

    first = process("first")
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    locks = Locks(engine)
    time.sleep(2.5)  # longer than the lease
    assert locks.take("loop", "me", 1.0) is None
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert locks.take("loop", "me", 1.0) is None
    deadline = time.monotonic() + 5
    while (lease := locks.take("loop", "me", 1.0)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert lease.token == 2
