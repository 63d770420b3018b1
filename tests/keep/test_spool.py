from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from riskloop.errors import Unavailable
from riskloop.keep.database import writing
from riskloop.keep.ledger import Ledger, encode
from riskloop.keep.spool import Spool
from riskloop.keep.writer import GroupCommitWriter
from tests.keep.test_ledger import prediction


def rows(*numbers: int) -> list:
    return [encode(prediction(number)) for number in numbers]


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def away(engine: Engine, name: str, to: str) -> None:
    with writing(engine) as connection:
        connection.execute(text(f"ALTER TABLE {name} RENAME TO {to}"))


def test_what_waits_is_written_once(ledger: Ledger, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert not spool.waiting
    spool.keep(rows(1, 2))
    spool.keep(rows(3))
    assert spool.waiting
    assert spool.replay(ledger.append_encoded) == 3
    assert not spool.waiting
    assert spool.replay(ledger.append_encoded) == 0
    assert [one.prediction_id for one in reversed(ledger.recent(9))] == ["p1", "p2", "p3"]
    assert ledger.get("p1") == prediction(1)


def test_what_a_replay_had_written_before_it_was_interrupted_is_not_written_again(
    ledger: Ledger, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.keep(rows(1, 2, 3))
    ledger.append_encoded(rows(2))
    assert spool.replay(ledger.append_encoded) == 2
    assert ledger.count() == 3


def test_while_the_database_is_away_everything_waits_on(ledger: Ledger, engine: Engine, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.keep(rows(1, 2))
    away(engine, "predictions", "elsewhere")
    with pytest.raises(Unavailable):
        spool.replay(ledger.append_encoded)
    assert spool.waiting
    away(engine, "elsewhere", "predictions")
    assert spool.replay(ledger.append_encoded) == 2


def test_what_a_dead_process_was_replaying_is_taken_up(ledger: Ledger, tmp_path: Path) -> None:
    Spool(tmp_path / "spool").keep(rows(1))
    (file,) = (tmp_path / "spool").iterdir()
    file.rename(file.with_name("999999999-00000000.replaying"))
    living = tmp_path / "spool" / f"{os.getppid()}-00000000.replaying"
    living.write_text("")
    assert Spool(tmp_path / "spool").replay(ledger.append_encoded) == 1
    assert living.exists()


def test_what_a_dead_process_was_writing_nobody_was_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    for owner in (999999999, os.getppid()):
        (folder / f"{owner}-00000000.draft").write_text('["half')
    assert not Spool(folder).waiting
    assert [path.name for path in folder.iterdir()] == [f"{os.getppid()}-00000000.draft"]


def test_many_who_replay_write_everything_once(ledger: Ledger, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for number in range(40):
        spool.keep(rows(number))
    with ThreadPoolExecutor(6) as pool:
        written = list(pool.map(lambda _: spool.replay(ledger.append_encoded), range(6)))
    assert sum(written) == ledger.count() == 40


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    with pytest.raises(Unavailable, match="Neither"):
        spool.keep(rows(1))


def test_a_writer_with_a_spool_answers_while_the_database_is_away(
    ledger: Ledger, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riskloop.keep.writer.RETRY_SECONDS", 0.05)
    away(engine, "predictions", "elsewhere")
    with GroupCommitWriter(ledger, spool=Spool(tmp_path / "spool")) as writer:
        for number in range(30):
            writer.submit(prediction(number)).result(10)
        away(engine, "elsewhere", "predictions")
        writer.submit(prediction(100)).result(10)
        while Spool(tmp_path / "spool").waiting:
            pass
    assert writer.lost == 0
    assert ledger.count() == 31
