"""The Dataset: decoded columns, outcome and groups of the rows that passed the gate, with a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract
from riskloop.data.frames import as_text
from riskloop.data.leakage import find_leakage
from riskloop.data.outcome import FEWEST_POSITIVES
from riskloop.data.outcome import outcome as read_outcome
from riskloop.data.quality import Quality, check_table
from riskloop.errors import DataError
from riskloop.findings import Finding
from riskloop.problem import Problem

COMMON_PROFILE = 0.01
"""Share of the rows from which on equal features are no sign of a copy."""


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
    frame: pl.DataFrame,
    contract: Contract,
    problem: Problem,
    *,
    allowed: tuple[str, ...] = (),
    in_time_order: bool = False,
    seed: int = 0,
) -> Prepared:
    """Decode, check and look for leakage; for the options see `riskloop.data.leakage.find_leakage`.

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
    kept, outcome = frame[keep], positive[keep]
    ids = _ids(kept, problem)
    leaks = find_leakage(
        contract, columns, outcome, ids=_in_order(ids), allowed=allowed, in_time_order=in_time_order, seed=seed
    )
    dataset = Dataset(
        problem=problem,
        contract=contract,
        columns=columns,
        outcome=outcome,
        groups=_groups(columns, ids),
        time=_event_time(kept, problem),
        fingerprint=_fingerprint(contract, columns, outcome),
    )
    return Prepared(dataset, kept, (*quality.findings, *_too_few(outcome, problem), *leaks), quality)


def _too_few(outcome: NDArray[np.bool_], problem: Problem) -> Iterable[Finding]:
    """Enough outcomes were there, but the rows set aside have taken them along."""
    rarer = int(min(outcome.sum(), (~outcome).sum()))
    if rarer < FEWEST_POSITIVES:
        yield Finding(
            "too-few-outcomes",
            "error",
            f"Only {rarer} of the {len(outcome):,} rows that pass have the rarer outcome, "
            f"and {FEWEST_POSITIVES} are needed.",
            "mend the rows that were set aside",
            problem.target_column,
            rarer,
        )


def _ids(frame: pl.DataFrame, problem: Problem) -> pl.Series | None:
    return as_text(frame[problem.id]) if problem.id is not None and problem.id in frame.columns else None


def _in_order(ids: pl.Series | None) -> NDArray[np.float64] | None:
    """The ids as numbers where they are, else their place in the alphabet; None if one is missing."""
    if ids is None or ids.null_count():
        return None
    numbers = ids.cast(pl.Float64, strict=False)
    return (ids.rank("dense") if numbers.null_count() else numbers).to_numpy().astype(np.float64)


def _groups(columns: Columns, ids: pl.Series | None) -> NDArray[np.int64]:
    """Connected rows: same id, or alike in every feature."""
    twins = _twins(columns)
    if ids is None or ids.drop_nulls().is_unique().all():
        return twins
    rows = np.arange(len(ids))
    named = ids.is_not_null().to_numpy()
    numbers = ids.fill_null("").rank("dense").to_numpy().astype(np.int64)
    return _connected(twins, np.where(named, numbers, numbers.max() + 1 + rows))


def _twins(columns: Columns) -> NDArray[np.int64]:
    """Rows alike in every feature share a number; the numbers follow the order of the rows.

    A profile that more than one row in a hundred has is common, not copied: such rows are on their own.
    """
    keys = pl.DataFrame(columns).hash_rows().to_numpy()
    _, first, which, sizes = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    rows = np.arange(len(keys))
    common = sizes[which] > max(2.0, COMMON_PROFILE * len(keys))
    return np.where(common, rows, first[which])


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
    instants = microseconds(frame[problem.time])
    if instants.null_count():
        raise DataError(
            f"{instants.null_count():,} rows have no readable event time.",
            where=f"column {problem.time!r}",
            next_step="write times as 2026-01-31 or 2026-01-31T12:00:00",
        )
    return instants.to_numpy().astype(np.float64) / 1e6


def microseconds(times: pl.Series) -> pl.Series:
    """Since 1970, null where no time can be read; a bare number is none, for it does not say of which clock."""
    if not times.dtype.is_temporal():
        try:
            times = as_text(times).str.to_datetime(strict=False)
        except pl.exceptions.ComputeError:
            return pl.Series(times.name, [None] * len(times), dtype=pl.Int64)
    return times.cast(pl.Datetime("us"), strict=False).dt.epoch("us")


def _fingerprint(contract: Contract, columns: Columns, outcome: NDArray[np.bool_]) -> str:
    digest = hashlib.sha256(json.dumps(contract.to_dict(), sort_keys=True).encode())
    arrays: list[NDArray[Any]] = [*columns.values(), outcome]
    for values in arrays:
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
