"""A batch in partitions is judged as the batch in one piece is, on every engine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from riskloop.engines.dask import open_dask
from riskloop.engines.engine import Engine, Local
from riskloop.errors import DataError
from riskloop.loop.project import Project
from riskloop.loop.watching import gathering
from riskloop.loop.watching.seen import Seen
from riskloop.loop.workflows import monitor as module
from riskloop.loop.workflows.monitor import monitor_batch
from riskloop.wiring import open_project


@pytest.fixture(scope="module")
def workers() -> Iterator[Engine]:
    with open_dask(workers=1) as engine:
        yield engine


@pytest.fixture(params=["local", "dask"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Local() if request.param == "local" else request.getfixturevalue("workers")


@pytest.fixture(scope="module")
def pieces(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """1,500 customers with outcomes and days, as one Parquet file and as a folder of three; some break the contract."""
    folder = tmp_path_factory.mktemp("pieces")
    frame = pl.read_csv(simulated / "customers.csv").tail(1_500)
    number = next(name for name, kind in frame.schema.items() if kind.is_float())
    frame = frame.with_columns(pl.when(pl.int_range(pl.len()) % 97 == 5).then(1e300).otherwise(number).alias(number))
    frame.write_parquet(folder / "whole.parquet")
    (folder / "november").mkdir()
    for place, (start, rows) in enumerate(((0, 700), (700, 1), (701, 799))):
        frame[start : start + rows].write_parquet(folder / "november" / f"{place}.parquet")
    return folder / "whole.parquet", folder / "november"


def alike(first: Any, second: Any, where: str = "") -> None:
    """The same JSON; floats to twelve digits, for they were added in other groups."""
    if isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            alike(first[key], second[key], f"{where}.{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), where
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            alike(one, other, f"{where}[{place}]")
    elif isinstance(first, float) and isinstance(second, float):
        assert math.isclose(first, second, rel_tol=1e-12, abs_tol=1e-12), f"{where}: {first} is not {second}"
    else:
        assert first == second, where


@pytest.fixture
def small_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    real = gathering.gather
    monkeypatch.setattr(module, "gather", lambda *given, **named: real(*given, rows=110, **named))


def test_partitions_are_judged_as_the_whole_is(
    trained: Project, pieces: tuple[Path, Path], engine: Engine, small_partitions: None
) -> None:
    asked: dict[str, Any] = {"by": "month", "segment": "plan"}
    whole = monitor_batch(trained, str(pieces[0]), **asked)
    parts = monitor_batch(trained, str(pieces[1]), **asked, engine=engine, reopen=open_project)
    assert parts.name == "november"
    assert whole.current.rows == 1_500
    assert whole.drift.broken > 0
    alike(whole.current.to_dict(), parts.current.to_dict())
    untold = {"name", "path", "generated"}
    alike(
        {key: value for key, value in whole.to_dict().items() if key not in untold},
        {key: value for key, value in parts.to_dict().items() if key not in untold},
    )


def test_of_many_rows_the_same_ones_are_kept(
    trained: Project, pieces: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a performance is computed from is every k-th row of all, wherever partitions begin."""
    monkeypatch.setattr(module, "Seen", lambda *given, **named: Seen(*given, most=400, **named))
    monkeypatch.setattr(module, "is_large", lambda _source: True)
    whole = monitor_batch(trained, str(pieces[0]))
    parts = monitor_batch(trained, str(pieces[1]), engine=Local(), reopen=open_project)
    assert whole.estimated.n < 401
    alike(whole.estimated.to_dict(), parts.estimated.to_dict())
    assert [one.to_dict() for one in whole.findings] == [one.to_dict() for one in parts.findings]


def test_a_glob_is_named_after_its_folder(trained: Project, pieces: tuple[Path, Path]) -> None:
    found = monitor_batch(trained, f"{pieces[1]}/*.parquet", engine=Local(), reopen=open_project)
    assert found.name == "november"


def test_a_dataset_without_rows_is_refused(trained: Project, pieces: tuple[Path, Path], tmp_path: Path) -> None:
    pl.read_parquet(pieces[0]).head(0).write_parquet(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="no rows"):
        monitor_batch(trained, str(tmp_path / "none.parquet"), engine=Local(), reopen=open_project)
