"""The Dataset: decoded columns, outcome and groups of the rows that passed the gate, with a fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract
from riskloop.data.frames import as_text
from riskloop.data.leakage import find_leakage
from riskloop.data.outcome import outcome as read_outcome
from riskloop.data.quality import Quality, check_table
from riskloop.errors import DataError
from riskloop.findings import Finding
from riskloop.problem import Problem


@dataclass(frozen=True)
class Dataset:
    """Rows that passed the quality gate.

    Attributes
    ----------
    problem : Problem
    contract : Contract
    columns : Columns
        Decoded features, arrays of shape (n,).
    outcome : bool array, shape (n,)
    groups : int array, shape (n,)
        Rows of one customer, and rows that are alike in every feature, share a number.
    time : float array, shape (n,), or None
        Event time in seconds since 1970.
    fingerprint : str
        sha256 of contract, columns and outcome: the same data give the same text.
    """

    problem: Problem
    contract: Contract
    columns: Columns
    outcome: NDArray[np.bool_]
    groups: NDArray[np.int64]
    time: NDArray[np.float64] | None
    fingerprint: str

    def __len__(self) -> int:
        return len(self.outcome)

    def take(self, rows: NDArray[np.int64]) -> Columns:
        """Columns of some rows."""
        return {name: values[rows] for name, values in self.columns.items()}


@dataclass(frozen=True)
class Prepared:
    """A Dataset (None when no row passes), its rows as they were read, and everything the gate found."""

    dataset: Dataset | None
    rows: pl.DataFrame
    findings: tuple[Finding, ...]
    quality: Quality


def prepare(
    frame: pl.DataFrame, contract: Contract, problem: Problem, *, allowed: tuple[str, ...] = (), seed: int = 0
) -> Prepared:
    """Decode, check and look for leakage.

    Raises
    ------
    DataError
        If the target cannot be read (see `riskloop.data.outcome`).
    """
    positive, known = read_outcome(frame, problem)
    quality = check_table(frame, contract, problem, known_outcome=known)
    if quality.decoded is None or not quality.keep.any():
        return Prepared(None, frame.clear(), quality.findings, quality)
    keep = np.flatnonzero(quality.keep)
    columns = {name: values[keep] for name, values in quality.decoded.columns.items()}
    kept = frame[keep]
    leaks = find_leakage(contract, columns, positive[keep], ids=_numeric_ids(kept, problem), allowed=allowed, seed=seed)
    dataset = Dataset(
        problem=problem,
        contract=contract,
        columns=columns,
        outcome=positive[keep],
        groups=_groups(kept, contract, problem),
        time=_event_time(kept, problem),
        fingerprint=_fingerprint(contract, columns, positive[keep]),
    )
    return Prepared(dataset, kept, (*quality.findings, *leaks), quality)


def _numeric_ids(frame: pl.DataFrame, problem: Problem) -> NDArray[np.float64] | None:
    if problem.id is None or problem.id not in frame.columns:
        return None
    ids = as_text(frame[problem.id]).cast(pl.Float64, strict=False)
    return None if ids.null_count() else ids.to_numpy()


def _groups(frame: pl.DataFrame, contract: Contract, problem: Problem) -> NDArray[np.int64]:
    """Connected rows: same id, or the same value in every feature."""
    twins = frame.select(pl.struct(contract.features).rank("dense")).to_series().to_numpy().astype(np.int64)
    if problem.id is None or problem.id not in frame.columns:
        return twins
    ids = as_text(frame[problem.id])
    if ids.null_count() == 0 and ids.n_unique() == frame.height:
        return twins
    numbers = ids.fill_null("").rank("dense").to_numpy().astype(np.int64)
    return _connected(twins, numbers)


def _connected(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    offset = int(first.max()) + 1
    size = offset + int(second.max()) + 1
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second + offset)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels[first], dtype=np.int64)


def _event_time(frame: pl.DataFrame, problem: Problem) -> NDArray[np.float64] | None:
    if problem.time is None:
        return None
    if problem.time not in frame.columns:
        raise DataError(
            f"The table has no column {problem.time!r}.", where="problem.time", next_step="name the event time"
        )
    series = frame[problem.time]
    if series.dtype == pl.String:
        series = series.str.strip_chars().str.to_datetime(strict=False)
    seconds = series.cast(pl.Datetime("us"), strict=False).dt.epoch("us")
    if seconds.null_count():
        raise DataError(
            f"{seconds.null_count():,} rows have no readable event time.",
            where=f"column {problem.time!r}",
            next_step="write times as 2026-01-31 or 2026-01-31T12:00:00",
        )
    return seconds.to_numpy() / 1e6


def _fingerprint(contract: Contract, columns: Columns, outcome: NDArray[np.bool_]) -> str:
    digest = hashlib.sha256(json.dumps(contract.to_dict(), sort_keys=True).encode())
    arrays: list[NDArray[Any]] = [*columns.values(), outcome]
    for values in arrays:
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
