"""A dataset in partitions says what the table says, on every engine; each partition counts once, whatever happens."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from riskloop.data.source import Source
from riskloop.engines.dask import Dask, open_dask
from riskloop.engines.engine import Engine, Local
from riskloop.errors import BundleRefused, ConfigError, Conflict, DataError, UsageError
from riskloop.loop.posting import Post
from riskloop.loop.project import Project
from riskloop.loop.workflows import score as score_module
from riskloop.loop.workflows import score_partitions as module
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.score_partitions import manifest_of, score_partitions
from riskloop.wiring import open_project


@pytest.fixture(scope="module")
def dask() -> Iterator[Dask]:
    """Two worker processes for all tests of this file: starting them takes seconds."""
    with open_dask(workers=2) as engine:
        yield engine


@pytest.fixture(params=["local", "dask"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Local() if request.param == "local" else request.getfixturevalue("dask")


@pytest.fixture(scope="module")
def dataset(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 customers in four files of two folders, one of whom breaks the contract."""
    frame = pl.read_csv(simulated / "batches" / "january.csv")
    number = next(name for name, kind in frame.schema.items() if kind.is_float())
    frame = frame.with_columns(pl.when(pl.int_range(pl.len()) == 130).then(1e300).otherwise(number).alias(number))
    folder = tmp_path_factory.mktemp("dataset")
    for place, (start, rows) in enumerate(((0, 100), (100, 1), (101, 150), (251, 49))):
        path = folder / f"week={place // 2}" / f"{place}.parquet"
        path.parent.mkdir(exist_ok=True)
        frame[start : start + rows].write_parquet(path)
    (folder / "_delta_log.parquet").write_text("not for us")
    return folder


def score_on(engine: Engine, project: Project, dataset: Path | str, out: Path, **options: Any) -> Any:
    options = {"log": False, "rows": 40} | options
    return score_partitions(project, str(dataset), out, engine=engine, reopen=open_project, **options)


def decisions(out: Path) -> pl.DataFrame:
    return pl.read_parquet(out / "part-*.parquet")


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_every_engine_says_what_the_whole_table_says_to_the_last_bit(
    trained: Project, dataset: Path, engine: Engine, tmp_path: Path
) -> None:
    whole = score(trained, Source(f"{dataset}/week=*/*.parquet"), tmp_path / "whole.parquet", log=False, reasons=True)
    done = score_on(engine, trained, dataset, tmp_path / "out", reasons=True)
    assert decisions(tmp_path / "out").equals(pl.read_parquet(tmp_path / "whole.parquet"))
    assert (done.rows, done.scored, done.acted, done.reviewed) == (
        whole.rows,
        whole.scored,
        whole.acted,
        whole.reviewed,
    )
    assert done.expected_cost == pytest.approx(whole.expected_cost, rel=1e-12)
    assert done.out == tmp_path / "out"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_manifest_names_every_partition_with_its_hash(trained: Project, dataset: Path, tmp_path: Path) -> None:
    score_on(Local(), trained, dataset, tmp_path / "out")
    manifest = json.loads(manifest_of(tmp_path / "out").read_text())
    assert manifest["version"] == 1
    named = {one["file"]: one["sha256"] for one in manifest["partitions"]}
    assert named == {name: hashlib.sha256(data).hexdigest() for name, data in files(tmp_path / "out").items()}
    assert sum(one["rows"] for one in manifest["partitions"]) == 300
    assert pl.read_parquet(tmp_path / "out").height == 300


def test_every_decision_is_kept_once_before_it_is_written(
    trained: Project, dataset: Path, engine: Engine, tmp_path: Path
) -> None:
    done = score_on(engine, trained, dataset, tmp_path / "out", log=True)
    assert done.logged == done.scored == trained.ledger.count()
    row = decisions(tmp_path / "out").row(7, named=True)
    (kept,) = trained.ledger.predictions(row["customer_id"])
    assert (kept.probability, kept.decision, kept.arm) == (row["probability"], row["decision"], "batch")


def test_what_is_finished_is_not_done_again(trained: Project, dataset: Path, engine: Engine, tmp_path: Path) -> None:
    first = score_on(engine, trained, dataset, tmp_path / "out", log=True)
    before, kept = files(tmp_path / "out"), trained.ledger.count()
    assert score_on(engine, trained, dataset, tmp_path / "out", log=True) == first
    assert files(tmp_path / "out") == before
    assert trained.ledger.count() == kept


class _Interrupted(Exception):
    pass


class _Interrupting:
    """Does each partition twice, and stops after some, when the last is kept and written but not told."""

    shared = False
    size = 1

    def __init__(self, after: int) -> None:
        self._after = after

    def each(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        for place, item in enumerate(items):
            work(item)
            if place == self._after:
                os.unlink(module._figures(work.args[0].folder, item))  # type: ignore[attr-defined]
                raise _Interrupted
            yield place, work(item)


def test_interrupted_it_goes_on_and_nothing_is_kept_twice(
    trained: Project, dataset: Path, engine: Engine, tmp_path: Path
) -> None:
    whole = score_on(Local(), trained, dataset, tmp_path / "whole")
    told: list[int] = []
    with pytest.raises(_Interrupted):
        score_on(_Interrupting(after=4), trained, dataset, tmp_path / "out", log=True)
    assert not (tmp_path / "out").exists()
    done = score_on(engine, trained, dataset, tmp_path / "out", log=True, progress=told.append)
    assert told[0] > 0
    assert told[-1] == 300
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert trained.ledger.count() == done.logged == whole.scored


def test_two_workers_at_the_same_partition_keep_it_once(
    trained: Project, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_module, "_CHUNK", 7)  # many transactions for each of them, in between the other's

    class Twice:
        shared = False
        size = 1

        def each(self, work: Any, items: Any) -> Iterator[tuple[int, Any]]:
            with ThreadPoolExecutor(2) as pool:
                for place, item in enumerate(items):
                    first, second = pool.map(work, [item, item])
                    assert first == second
                    yield place, first

    done = score_on(Twice(), trained, dataset, tmp_path / "out", log=True, rows=100)
    assert trained.ledger.count() == done.logged == done.scored
    assert decisions(tmp_path / "out").height == 300


def test_a_folder_with_something_else_is_left_alone(trained: Project, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    with pytest.raises(Conflict, match="something else"):
        score_on(Local(), trained, dataset, out)
    assert (out / "letter.txt").read_text() == "dear"
    (out / "letter.txt").unlink()
    score_on(Local(), trained, dataset, out)
    with pytest.raises(Conflict, match="something else"):
        score_on(Local(), trained, dataset, out, reasons=True)
    (out / "part-000001.parquet").unlink()
    with pytest.raises(Conflict, match="part-000001"):
        score_on(Local(), trained, dataset, out)


def test_what_cannot_be_done_is_said_before_anything_is(trained: Project, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder"):
        score_on(Local(), trained, dataset, tmp_path / "out.parquet")
    with pytest.raises(UsageError, match="in the input"):
        score_on(Local(), trained, dataset, dataset / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no Parquet"):
        score_on(Local(), trained, tmp_path / "empty", tmp_path / "out")
    with pytest.raises(DataError, match="are Parquet"):
        score_on(Local(), trained, trained.source.path, tmp_path / "out")
    with pytest.raises(UsageError, match="SQLite"):
        score_on(Dask(None, shared=True), trained, dataset, tmp_path / "out", log=True)
    assert list(tmp_path.glob("*out*")) == []


def test_an_error_of_the_work_comes_out_of_every_engine_as_it_is(
    trained: Project, dataset: Path, engine: Engine, tmp_path: Path
) -> None:
    pl.read_parquet(dataset / "week=0" / "0.parquet").drop("tenure_months").write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="tenure_months") as raised:
        score_on(engine, trained, tmp_path / "a.parquet", tmp_path / "out")
    assert raised.value.next_step


def test_a_worker_verifies_the_bundle_itself(trained: Project, dataset: Path, engine: Engine, tmp_path: Path) -> None:
    record, _ = trained.bundle()

    class Tampering:
        shared = False
        size = 1

        def each(self, work: Any, items: Any) -> Iterator[tuple[int, Any]]:
            policy = trained.bundles.path(record.bundle) / "policy.json"
            policy.write_bytes(policy.read_bytes().replace(b"100", b"101"))
            yield from engine.each(work, items)

    with pytest.raises(BundleRefused, match="altered"):
        score_on(Tampering(), trained, dataset, tmp_path / "out")


def test_a_worker_with_other_settings_refuses(trained: Project, dataset: Path, tmp_path: Path, engine: Engine) -> None:
    class Editing:
        shared = False
        size = 1

        def each(self, work: Any, items: Any) -> Iterator[tuple[int, Any]]:
            with (trained.folder / "riskloop.yaml").open("a") as stream:
                stream.write("\nmonitoring:\n  columns: 4\n")
            yield from engine.each(work, items)

    with pytest.raises(ConfigError, match="other settings"):
        score_on(Editing(), trained, dataset, tmp_path / "out")


def test_a_worker_of_another_release_refuses(trained: Project) -> None:
    record, _ = trained.bundle()
    with pytest.raises(Conflict, match=r"where the work is of 0\.0\.1"):
        replace(Post.of(trained, open_project, record), release="0.0.1").open()


def test_a_worker_killed_mid_way_changes_nothing(trained: Project, dataset: Path, dask: Dask, tmp_path: Path) -> None:
    whole = score_on(Local(), trained, dataset, tmp_path / "whole", rows=2)
    killed: list[int] = []

    def kill(rows: int) -> None:
        if rows > 60 and not killed:
            killed.append(dask.client.run(os.getpid, workers=[next(iter(dask.client.nthreads()))]).popitem()[1])
            os.kill(killed[0], signal.SIGKILL)

    done = score_on(dask, trained, dataset, tmp_path / "out", rows=2, log=True, progress=kill)
    assert killed
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert trained.ledger.count() == done.logged == whole.scored
    began = time.monotonic()
    while len(dask.client.nthreads()) < 2 and time.monotonic() < began + 30:
        time.sleep(0.1)
    assert killed[0] not in dask.client.run(os.getpid).values()
