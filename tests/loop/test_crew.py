"""Folds and trials come out the same whoever fits them, to the last bit; a worker that dies changes nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskloop.data.contract import Column, Contract
from riskloop.data.split import rolling_folds
from riskloop.engines.dask import Dask, open_dask
from riskloop.engines.engine import Engine, Local
from riskloop.errors import Conflict, Unavailable
from riskloop.learn.block import Block
from riskloop.learn.candidates.families import FAMILIES
from riskloop.learn.crossfit import crossfit
from riskloop.learn.shared_block import read_block, write_block
from riskloop.learn.tuning.search import Budget, Tuned, tune
from riskloop.loop import crew as module
from riskloop.loop.crew import Workers, crew_on
from riskloop.loop.project import Project
from riskloop.loop.workflows.train import train

FAMILY = {candidate.name: candidate for candidate in FAMILIES}
SMALL = replace(FAMILY["lightgbm"], parameters=FAMILY["lightgbm"].parameters | {"rounds": 20})


@pytest.fixture(scope="module")
def dask() -> Iterator[Dask]:
    with open_dask(workers=2) as engine:
        yield engine


@pytest.fixture(params=["local", "dask"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Local() if request.param == "local" else request.getfixturevalue("dask")


@pytest.fixture(scope="module")
def block() -> Block:
    rng = np.random.default_rng(5)
    contract = Contract(
        (Column("age"), Column("debt", nullable=True), Column("region", "category", levels=("north", "south"))),
        features=("age", "debt", "region"),
    )
    columns: dict[str, Any] = {
        "age": rng.normal(size=500),
        "debt": np.where(rng.random(500) < 0.2, np.nan, rng.normal(size=500)),
        "region": rng.integers(0, 2, 500).astype(np.int32),
    }
    outcome = rng.random(500) < 1 / (1 + np.exp(1 - columns["age"]))
    return Block(
        contract,
        columns,
        outcome,
        rng.integers(0, 3, 500).astype(np.int8),
        {"load": "debt / age"},
        groups=np.arange(500) // 2,
    )


def searched(block: Block, **told: Any) -> Tuned:
    return tune(SMALL, block, Budget(trials=10), seed=7, **told)


def test_a_block_comes_back_as_it_was(block: Block, tmp_path: Path) -> None:
    rolling = rolling_folds(block.outcome, np.arange(500), np.arange(500.0), count=3, embargo=0.0)
    forward = replace(block, fold=rolling.held_out, trains=rolling.trains)
    for one in (block, forward, replace(block, groups=None)):
        folder = write_block(one, tmp_path)
        again = read_block(folder)
        assert folder.stat().st_mode & 0o077 == 0
        assert (again.contract, dict(again.derived)) == (one.contract, dict(one.derived))
        assert list(again.columns) == list(one.columns)
        pairs = [(again.outcome, one.outcome), (again.fold, one.fold)]
        pairs += [(again.columns[name], values) for name, values in one.columns.items()]
        pairs += list(zip(again.trains, one.trains, strict=True))
        if one.groups is not None:
            assert again.groups is not None
            pairs.append((again.groups, one.groups))
        for found, wanted in pairs:
            np.testing.assert_array_equal(found, wanted)
            assert found.dtype == wanted.dtype
        assert (again.groups is None) == (one.groups is None)


def test_a_search_finds_the_same_on_every_engine_to_the_last_bit(block: Block, engine: Engine, tmp_path: Path) -> None:
    with crew_on(engine, tmp_path) as crew:
        found = searched(block, crew=crew)
    assert found == searched(block)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["logistic_regression", "lightgbm", "xgboost", "catboost"])
def test_folds_are_the_same_on_every_engine_to_the_last_bit(
    block: Block, dask: Dask, name: str, tmp_path: Path
) -> None:
    candidate = FAMILY[name]
    if "rounds" in candidate.parameters:
        candidate = candidate.tuned({"rounds": 15})
    with crew_on(dask, tmp_path) as crew:
        there = crossfit(candidate, block, seed=3, crew=crew)
    here = crossfit(candidate, block, seed=3)
    assert there.margin.tobytes() == here.margin.tobytes()
    for (_, one), (_, other) in zip(there.models, here.models, strict=True):
        first, second = one.to_arrays(), other.to_arrays()
        assert {key: value.tobytes() for key, value in first.items()} == {k: v.tobytes() for k, v in second.items()}


def test_a_worker_that_is_killed_changes_nothing_in_what_is_found(block: Block, dask: Dask, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(*_: object) -> None:
        if not killed:
            killed.append(next(iter(dask.client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    with crew_on(dask, tmp_path) as crew:
        found = searched(block, crew=crew, on_trial=kill)
    assert killed
    assert found == searched(block)


def test_a_training_on_dask_makes_the_same_bundle_and_leaves_no_rows(new_project: Project, dask: Dask) -> None:
    asked: dict[str, Any] = {"candidates": ("logistic_regression",), "trials": 6}
    here, there = (train(new_project, **asked, engine=engine) for engine in (None, dask))
    first, second = (
        {path.name: path.read_bytes() for path in one.bundle.iterdir() if path.suffix in (".npz", ".json")}
        for one in (here, there)
    )
    assert here.version.digest == there.version.digest
    assert first.keys() == second.keys()
    assert list(new_project.locations.unfinished.rglob("block-*")) == []


def test_a_worker_of_other_libraries_is_told_so(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Workers(Local(), tmp_path)
    there = module._There(crew._lay(block), {"lightgbm": "0.1"})
    with pytest.raises(Conflict, match=r"where the training has 0\.1"):
        there.block()


def test_a_worker_that_cannot_see_the_rows_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot read the rows") as raised:
        module._There(tmp_path / "elsewhere", {}).block()
    assert "same path" in str(raised.value)
