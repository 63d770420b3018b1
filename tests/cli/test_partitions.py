"""Datasets in partitions from the command line: score --engine, monitor --on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from riskloop.loop.project import Project

Riskloop = Callable[..., Any]


@pytest.fixture
def january(simulated: Path, tmp_path: Path) -> Path:
    """300 customers in two Parquet files."""
    frame = pl.read_csv(simulated / "batches" / "january.csv")
    (tmp_path / "january").mkdir()
    frame[:200].write_parquet(tmp_path / "january" / "0.parquet")
    frame[200:].write_parquet(tmp_path / "january" / "1.parquet")
    return tmp_path / "january"


def test_a_folder_is_scored_here_and_on_dask_to_the_same_bytes(
    riskloop: Riskloop, trained: Project, january: Path, tmp_path: Path
) -> None:
    for engine in ("local", "dask"):
        more = ("--workers", 1) if engine == "dask" else ()
        said = riskloop(
            "score",
            january,
            "--out",
            tmp_path / engine,
            "--engine",
            engine,
            *more,
            "--project",
            trained.folder,
            "--json",
        )
        assert said.code == 0, said.err
        assert (said.json["rows"], said.json["logged"]) == (300, 300)
    written = [{one.name: one.read_bytes() for one in (tmp_path / name).iterdir()} for name in ("local", "dask")]
    assert written[0] == written[1]
    assert len(written[0]) == 2
    assert trained.ledger.count() == 600  # two runs, two decisions each


def test_a_folder_is_monitored_by_partitions(riskloop: Riskloop, trained: Project, january: Path) -> None:
    said = riskloop("monitor", "--batch", january, "--on", "local", "--project", trained.folder, "--json")
    assert said.code in (0, 3)
    assert (said.json["name"], said.json["rows"]) == ("january", 300)


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("score", ("--engine", "local", "--worklist")),
        ("score", ("--engine", "local", "--workers", 2)),
        ("score", ("--workers", 2)),
        ("score", ("--engine", "local", "--in-parts")),
        ("monitor", ("--on", "local", "--watch")),
        ("monitor", ("--on", "local", "--engine", "evidently")),
        ("monitor", ("--workers", 2)),
    ],
)
def test_what_does_not_go_together_is_refused(
    riskloop: Riskloop, trained: Project, january: Path, tmp_path: Path, verb: str, options: tuple[object, ...]
) -> None:
    where = (january, "--out", tmp_path / "out") if verb == "score" else ("--batch", january)
    assert riskloop(verb, *where, *options, "--project", trained.folder).code == 2
    assert not (tmp_path / "out").exists()
