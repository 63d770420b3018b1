"""What is done with each partition of a training: told apart, counted, made a matrix of.

A worker is sent a path, two numbers, the contract and the problem: it opens no project and reads no secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract
from riskloop.data.frames import as_text
from riskloop.data.outcome import known_outcome
from riskloop.data.partitions import Partition
from riskloop.data.quality import check_table
from riskloop.engines.engine import Rows
from riskloop.errors import DataError
from riskloop.findings import Finding
from riskloop.learn.features import INNER_FOLDS
from riskloop.learn.partitioned import LEARNS, Keys, Shares, inner_folds, keys_of, many_levels, matrix_of, profiles_of
from riskloop.learn.target_encoding import LevelCounts
from riskloop.loop.crew import check_libraries
from riskloop.problem import Problem
from riskloop.scorer.encoding import Encoding

ROLE = "riskloop_role"
_HELD_OUT, _COPIED = "held-{:06d}.parquet", "copied.npy"


@dataclass(frozen=True)
class Task:
    """What a worker is told about the work.

    Attributes
    ----------
    folder : Path
        Where held-out rows are written, and what must not be learnt from is read; all workers see it.
    libraries : mapping of name to version
    """

    contract: Contract
    problem: Problem
    shares: Shares
    seed: int
    folder: Path
    libraries: Mapping[str, str]


@dataclass(frozen=True)
class Survey:
    """What a partition holds.

    Attributes
    ----------
    rows, kept : int
        All, and those that pass the quality gate.
    learns, positives : int
        Rows to learn from, and how many of them are positive.
    findings : tuple of Finding
    digest : str
        sha256 of the columns and outcomes of the rows that pass.
    """

    rows: int
    kept: int
    learns: int
    positives: int
    findings: tuple[Finding, ...]
    digest: str


@dataclass(frozen=True)
class _Kept:
    """The rows of a partition that pass, arrays of shape (n,)."""

    frame: pl.DataFrame
    columns: Columns
    outcome: NDArray[np.bool_]
    keys: Keys
    roles: NDArray[np.int8]
    findings: tuple[Finding, ...] = field(default=())

    def only(self, mask: NDArray[np.bool_]) -> _Kept:
        columns = {name: values[mask] for name, values in self.columns.items()}
        return _Kept(self.frame.filter(mask), columns, self.outcome[mask], self.keys[mask], self.roles[mask])


def survey(task: Task, partition: Partition) -> Survey:
    """Look at a partition, and write down those of its rows that judge or test, as they were read."""
    check_libraries(task.libraries)
    kept = _kept(task, partition)
    held_out = kept.roles != LEARNS
    rows = kept.frame.filter(held_out).with_columns(pl.Series(ROLE, kept.roles[held_out]))
    path = held_out_of(task.folder, partition)
    draft = path.with_name(f".{path.name}.{partition.number}")
    rows.write_parquet(draft)
    draft.replace(path)
    digest = hashlib.sha256()
    for values in (*kept.columns.values(), kept.outcome):
        digest.update(np.ascontiguousarray(values).tobytes())
    learns = int((~held_out).sum())
    positives = int(kept.outcome[~held_out].sum())
    return Survey(partition.rows, len(kept.outcome), learns, positives, kept.findings, digest.hexdigest())


def held_out_of(folder: Path, partition: Partition) -> Path:
    """The file of the rows of a partition that judge or test."""
    return folder / _HELD_OUT.format(partition.number)


def write_copied(folder: Path, profiles: Keys) -> None:
    """What held-out rows look like, where workers read it."""
    np.save(folder / _COPIED, np.sort(profiles), allow_pickle=False)


def count(task: Task, partition: Partition) -> dict[str, LevelCounts]:
    """Rows and positives of each level of a category of very many, over the rows to learn from."""
    kept = _to_learn(task, partition)
    fold = inner_folds(kept.keys)
    return {
        name: LevelCounts.of(task.contract.by_name[name], kept.columns[name], kept.outcome, fold, INNER_FOLDS)
        for name in many_levels(task.contract)
    }


def lesson(task: Task, encoding: Encoding, counts: Mapping[str, LevelCounts], partition: Partition) -> Rows:
    """The rows to learn from, as a matrix and outcomes."""
    kept = _to_learn(task, partition)
    return matrix_of(encoding, task.contract, kept.columns, kept.keys, counts), kept.outcome


def _to_learn(task: Task, partition: Partition) -> _Kept:
    kept = _kept(task, partition)
    learns = kept.roles == LEARNS
    features = {name: kept.columns[name] for name in task.contract.features}
    return kept.only(learns & ~np.isin(profiles_of(features), _copied(task.folder)))


@lru_cache(maxsize=1)
def _copied(folder: Path) -> Keys:
    return np.asarray(np.load(folder / _COPIED, allow_pickle=False))


def _kept(task: Task, partition: Partition) -> _Kept:
    frame = partition.read()
    outcome, known = known_outcome(frame, task.problem)
    quality = check_table(frame, task.contract, task.problem, known_outcome=known)
    if quality.decoded is None:
        raise DataError(
            "; ".join(one.message for one in quality.findings if one.severity == "error"),
            where=str(partition.path),
            next_step="give all files the columns of contract.yaml",
        )
    ids = as_text(frame[task.problem.id]).to_list() if task.problem.id in frame.columns else None
    keys = keys_of(ids, partition.start, frame.height, task.seed)
    whole = _Kept(frame, quality.decoded.columns, outcome, keys, task.shares.roles(keys))
    findings = tuple(one for one in quality.findings if one.code in _BY_ROW)
    return replace(whole.only(quality.keep), findings=findings)


_BY_ROW = frozenset(
    {
        "missing",
        "not-a-number",
        "not-a-date",
        "unknown-category",
        "below-minimum",
        "above-maximum",
        "unknown-outcome",
        "missing-id",
    }
)
"""Codes of findings that add up over partitions."""
