"""A table that is never in one place is learnt from, judged and packed as any other."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from riskloop.bundle.load import load
from riskloop.data.contract import Column, Contract
from riskloop.data.frames import decode_frame
from riskloop.data.partitions import cut
from riskloop.engines.dask import Dask, open_dask
from riskloop.engines.engine import Engine, Local
from riskloop.errors import ConfigError, Conflict, GateRefused, NotFound, UsageError
from riskloop.learn.features import fit_encoding
from riskloop.learn.partitioned import (
    JUDGES,
    LEARNS,
    TESTS,
    Shares,
    copied,
    encoding_of,
    inner_folds,
    keys_of,
    matrix_of,
    profiles_of,
)
from riskloop.learn.target_encoding import crossfitted
from riskloop.loop.partitioned import ROLE, Task, count, held_out_of, lesson, survey, write_copied
from riskloop.loop.project import Project
from riskloop.loop.workflows import train_partitions as module
from riskloop.loop.workflows.reproduce import reproduce
from riskloop.loop.workflows.train_partitions import in_partitions, train_partitions
from riskloop.problem import Problem
from riskloop.wiring import open_project
from tests.conftest import ENVIRON, Workshop

ROWS = 2_500


@pytest.fixture(scope="module")
def dask() -> Iterator[Dask]:
    with open_dask(workers=2) as engine:
        yield engine


@pytest.fixture(params=["local", "dask"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Local() if request.param == "local" else request.getfixturevalue("dask")


@pytest.fixture(scope="module")
def dataset(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated customers in three files; one breaks the contract, and ten have no outcome."""
    frame = pl.read_csv(simulated / "customers.csv")
    number = next(name for name, kind in frame.schema.items() if kind.is_float())
    place = pl.int_range(pl.len())
    frame = frame.with_columns(pl.when(place == 130).then(1e300).otherwise(number).alias(number))
    frame = frame.with_columns(pl.when(place.is_between(200, 209)).then(None).otherwise("churned").alias("churned"))
    folder = tmp_path_factory.mktemp("customers")
    for number_, (start, rows) in enumerate(((0, 900), (900, 800), (1_700, 800))):
        frame[start : start + rows].write_parquet(folder / f"{number_}.parquet")
    return folder


@pytest.fixture
def project(workshop: Workshop, dataset: Path, tmp_path: Path) -> Iterator[Project]:
    workshop.churn(tmp_path / "p")
    opened = on(tmp_path / "p", dataset)
    yield opened
    opened.engine.dispose()


def on(folder: Path, dataset: Path | str, **settings: str) -> Project:
    told = {"DATA__PATH": str(dataset), "TRAINING__SPLIT": "random"} | settings
    return open_project(folder, ENVIRON | {f"RISKLOOP__{name}": value for name, value in told.items()})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._plan

    def fewer(*given: Any) -> Any:
        plan = real(*given)
        return replace(plan, candidates=[one.tuned({"rounds": 40}) for one in plan.candidates])

    monkeypatch.setattr(module, "_plan", fewer)


def task_of(project: Project, folder: Path, shares: Shares) -> Task:
    return Task(project.contract, project.settings.problem.problem(), shares, 42, folder, {})


@pytest.mark.usefixtures("quick")
def test_a_dataset_becomes_a_version_that_serves_and_no_row_is_left_behind(project: Project, engine: Engine) -> None:
    assert in_partitions(project)
    done = train_partitions(project, engine=engine, rows=500, promote_reason="first")
    assert done.accepted
    assert done.rows == ROWS - 11
    assert project.promotions.state().champion == 1
    assert {one.name for one in done.trained.contenders} == {"lightgbm", "xgboost"}
    assert done.trained.test["roc_auc"].value > 0.75
    bundle = load(done.bundle, project.keys.trusted())
    rows = bundle.card["rows"]
    assert sum(rows.values()) <= done.rows
    assert rows["training"] > rows["judging"] > 200
    assert [check.passed for check in done.gate if check.name == "parity"] == [True]
    found = {(one.code, one.rows) for one in done.findings}
    assert ("unknown-outcome", 10) in found
    assert list(project.locations.unfinished.iterdir()) == []
    with pytest.raises(NotFound, match="learnt from partitions"):
        reproduce(project, 1)


def test_what_a_row_is_for_does_not_depend_on_where_partitions_begin(
    project: Project, dataset: Path, tmp_path: Path
) -> None:
    held = []
    for rows in (200, 1_000):
        task = task_of(project, tmp_path / str(rows), Shares(0.2, 0.1))
        task.folder.mkdir()
        partitions = cut(str(dataset), rows)
        told = [survey(task, one) for one in partitions]
        frames = [pl.read_parquet(held_out_of(task.folder, one)) for one in partitions]
        held.append(pl.concat(frames).select("customer_id", ROLE))
        assert sum(one.kept for one in told) == ROWS - 11
        assert sum(one.learns for one in told) + held[-1].height == ROWS - 11
    assert held[0].equals(held[1])
    shares = held[0][ROLE].value_counts().sort(ROLE)["count"].to_numpy() / (ROWS - 11)
    np.testing.assert_allclose(shares, [0.2, 0.1], atol=0.03)


def test_customers_keep_to_one_side_and_the_seed_moves_them() -> None:
    ids = [f"c-{number % 400}" for number in range(1_000)] + [None, None]
    keys = keys_of(ids, 0, 1_002, seed=1)
    roles = Shares(0.3, 0.3).roles(keys)
    for number in range(400):
        assert len(set(roles[number:1_000:400].tolist())) == 1
    assert keys[-1] != keys[-2]
    assert (keys_of(ids, 5_000, 1_002, seed=1)[:1_000] == keys[:1_000]).all()
    assert (Shares(0.3, 0.3).roles(keys_of(ids, 0, 1_002, seed=2)) != roles).mean() > 0.3
    assert set(roles.tolist()) == {LEARNS, JUDGES, TESTS}


def test_copies_of_held_out_rows_are_not_learnt_from(project: Project, dataset: Path, tmp_path: Path) -> None:
    """A customer under another id would be known by heart."""
    (partition, *_) = cut(str(dataset), 900)
    task = task_of(project, tmp_path, Shares(0.2, 0.1))
    told = survey(task, partition)
    write_copied(tmp_path, np.zeros(0, dtype=np.uint64))
    columns = decode_frame(project.contract, partition.read()).columns
    encoding = encoding_of(project.contract, columns, {}, {})
    everything = lesson(task, encoding, {}, partition)
    assert len(everything[1]) == told.learns
    assert everything[1].sum() == told.positives
    kept = lesson(replace(task, folder=_copies(tmp_path, columns, project)), encoding, {}, partition)
    assert 0 < len(kept[1]) < told.learns


def _copies(folder: Path, columns: Any, project: Project) -> Path:
    """Let the first 300 rows of the table be held out somewhere else."""
    (folder / "other").mkdir()
    features = {name: columns[name][:300] for name in project.contract.features}
    write_copied(folder / "other", copied(profiles_of(features)))
    return folder / "other"


def test_profiles_that_many_have_are_no_copies() -> None:
    columns = {"x": np.array([1.0] * 50 + [2.0, 2.0] + list(range(10, 110)))}
    profiles = profiles_of(columns)
    assert np.isin(profiles, copied(profiles)).tolist() == [False] * 50 + [True] * 102


def test_levels_are_counted_by_partition_as_in_one_piece(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    levels = tuple(f"m{number:03d}" for number in range(300))
    contract = Contract((Column("age"), Column("model", "category", levels=levels, nullable=True)), ("age", "model"))
    frame = pl.DataFrame(
        {
            "id": [f"c{number}" for number in range(2_000)],
            "age": rng.normal(size=2_000),
            "model": [None if code < 0 else levels[code] for code in rng.integers(-1, 300, 2_000)],
            "bad": rng.random(2_000) < 0.3,
        }
    )
    frame.write_parquet(tmp_path / "all.parquet")
    task = Task(contract, Problem("bad", "true", "id"), Shares(0.0, 0.0), 42, tmp_path, {})
    write_copied(tmp_path, np.zeros(0, dtype=np.uint64))
    partitions = cut(str(tmp_path), 300)
    assert len(partitions) > 5
    first, *others = (count(task, one)["model"] for one in partitions)
    counts = {"model": reduce(operator.add, others, first)}
    columns, outcome = decode_frame(contract, frame).columns, frame["bad"].to_numpy()
    encoding = encoding_of(contract, columns, {}, counts)
    assert encoding == fit_encoding(contract, columns, "native", {}, outcome)
    keys = keys_of(frame["id"].to_list(), 0, 2_000, 42)
    matrix = matrix_of(encoding, contract, columns, keys, counts)
    whole = crossfitted(contract.by_name["model"], columns["model"], outcome, inner_folds(keys))
    np.testing.assert_array_equal(matrix[:, 1], whole)
    parts = [lesson(task, encoding, counts, one) for one in partitions]
    np.testing.assert_array_equal(np.concatenate([each for each, _ in parts]), matrix)


@pytest.mark.parametrize(
    ("settings", "asked", "error", "words"),
    [
        ({"TRAINING__SPLIT": "time"}, {}, ConfigError, "at random"),
        ({"TRAINING__IMBALANCE": "weights"}, {}, ConfigError, "read as a whole"),
        ({"TRAINING__TRIALS": "5"}, {}, UsageError, "not searched"),
        ({}, {"candidates": ("scorecard",)}, UsageError, "scorecard cannot be fitted"),
    ],
)
def test_what_needs_the_table_as_a_whole_is_refused(
    project: Project, dataset: Path, settings: dict[str, str], asked: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        train_partitions(on(project.folder, dataset, **settings), engine=Local(), **asked)


def test_a_dataset_that_breaks_its_contract_is_refused(project: Project, dataset: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in dataset.iterdir():
        frame = pl.read_parquet(path)
        number = next(name for name, kind in frame.schema.items() if kind.is_float())
        worse = pl.when(pl.int_range(pl.len()) % 9 == 0).then(1e300).otherwise(number).alias(number)
        frame.with_columns(worse).write_parquet(broken / path.name)
    with pytest.raises(GateRefused):
        train_partitions(on(project.folder, broken), engine=Local())


def test_a_worker_of_other_libraries_is_told_so(project: Project, dataset: Path, tmp_path: Path) -> None:
    task = replace(task_of(project, tmp_path, Shares(0.2, 0.2)), libraries={"lightgbm": "0.1"})
    with pytest.raises(Conflict, match="lightgbm"):
        survey(task, cut(str(dataset))[0])
