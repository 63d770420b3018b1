"""The table of a retraining: old rows, then new ones in the order of their time, the newest of them held out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from riskloop.costs import BoolArray, FloatArray
from riskloop.data.column import category_text
from riskloop.data.dataset import microseconds
from riskloop.data.frames import as_text
from riskloop.data.outcome import known_outcome
from riskloop.data.recency import Recency
from riskloop.decide.arms import place
from riskloop.loop.project import Project
from riskloop.loop.retraining.labelled import Labelled, Row
from riskloop.loop.table import read_table

WEIGHT = "riskloop_weight"
"""Column of the table: how many customers a row stands for."""
ORIGIN = "riskloop_origin"
"""Column of the table: ``table``, ``ledger`` or ``explored``."""
MOST_LOST = 0.25
"""Share of the rows to learn from that may be given up because their customers are among the held-out ones."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Which labelled rows are new to the champion, which of them are held out, and which belong to neither.

    Attributes
    ----------
    new, held, aside : bool array, shape (labelled rows,)
    since : datetime or None
        Time of the first held-out row.
    until : datetime or None
        Time of the last new row that is learnt from.
    """

    new: BoolArray
    held: BoolArray
    aside: BoolArray
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Built:
    """A table to learn from.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the file.
    rows, old, new, held : int
        All; from the training table; from the ledger, to learn from; from the ledger, held out.
    test_share : float
        What makes the held-out rows the test block.
    window : str
    held_since, trained_until : str or None
        Times of the first held-out row and of the last new row that is learnt from.
    left_out : dict of str to int
        Rows that were not taken, by the reason.
    """

    path: Path
    sha256: str
    rows: int
    old: int
    new: int
    held: int
    test_share: float
    window: str
    held_since: str | None
    trained_until: str | None
    left_out: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the path is relative to the project where it lies within."""
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Built:
        """Inverse of `to_dict`; other fields are ignored."""
        named = {name: fields[name] for name in cls.__dataclass_fields__}
        return cls(**{**named, "path": Path(fields["path"])})


def cut(labelled: Labelled, since: datetime | None, share: float, least: int) -> Cut:
    """Divide the rows that are new to the champion: the newest share is held out.

    Where the same customers come again and again, holding out all of them would leave nobody to learn from, since a
    customer is on one side only: then only some customers are held out, by the hash of their id, and the others' rows
    of that time are set aside.

    Parameters
    ----------
    since : datetime, optional
        Until when the champion has learnt from the ledger.
    share : float
        Of the new rows.
    least : int
        Held-out rows that there should be where customers repeat.
    """
    rows = labelled.rows
    new = np.array([since is None or row.at > since for row in rows], dtype=bool)
    positions = np.flatnonzero(new)
    held = np.zeros(len(rows), dtype=bool)
    held[positions[len(positions) - round(share * len(positions)) :]] = True
    aside = _repeated(rows, held, least)
    held &= ~aside
    learnt = np.flatnonzero(new & ~held & ~aside)
    return Cut(
        new=new,
        held=held,
        aside=aside,
        since=rows[int(np.argmax(held))].at if held.any() else None,
        until=rows[int(learnt[-1])].at if len(learnt) else since,
    )


def _repeated(rows: Sequence[Row], held: BoolArray, least: int) -> BoolArray:
    aside = np.zeros(len(rows), dtype=bool)
    latest = {row.customer for row, now in zip(rows, held, strict=True) if now and row.customer is not None}
    again = np.array([not now and row.customer in latest for row, now in zip(rows, held, strict=True)], dtype=bool)
    share = again.sum() / max(1, (~held).sum())
    if share <= MOST_LOST:
        return aside
    kept = max(MOST_LOST / share, least / max(1, int(held.sum())))
    for position in np.flatnonzero(held).tolist():
        customer = rows[position].customer
        aside[position] = customer is not None and place(customer, "held out") >= kept
    return aside


def build(project: Project, labelled: Labelled, division: Cut, window: Recency) -> Built:
    """Write the table as Parquet under ``.riskloop/trainings``, named by its hash: the same rows are the same file.

    The columns are those that the model reads, as logged (linked features are what they were when the decision was
    taken), the id, the event time, the outcome, protected attributes (not logged: taken from the training table where
    the customer is in it), and two of our own.

    Raises
    ------
    DataError
        If the training table or a linked table cannot be read.
    """
    problem = project.settings.problem.problem()
    old = _old_rows(project)
    new, positions, left_out = _new_rows(project, labelled, division, old)
    times = np.concatenate([_seconds(old, problem.time), labelled.times[positions]])
    table = pl.concat([old, new], how="vertical")
    held = np.concatenate([np.zeros(old.height, dtype=bool), division.held[positions]])
    late = ~held & (times >= labelled.times[division.held].min()) & (np.arange(len(held)) < old.height)
    kept = ~late & ~_twice(table, problem.id, times) & ~_embargoed(project, times, held)
    left_out |= _counted("newer_than_held_out", late) | _counted("seen_twice_or_embargoed", ~kept & ~late)
    recent = window.of(np.where(kept, times, np.nan)) | held
    left_out |= _counted("out_of_window", kept & ~recent)
    chosen = np.flatnonzero((kept | held) & recent)
    order = _order(project, times[chosen], held[chosen], chosen < old.height)
    chosen = chosen[order]
    return _written(project, table[chosen], held[chosen], chosen < old.height, division, window, left_out)


def _written(
    project: Project,
    table: pl.DataFrame,
    held: BoolArray,
    old: BoolArray,
    division: Cut,
    window: Recency,
    left_out: dict[str, int],
) -> Built:
    folder = project.locations.trainings
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".draft-{os.getpid()}.parquet"
    table.write_parquet(draft, compression="zstd")
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    path = folder / f"table-{digest[:16]}.parquet"
    draft.replace(path)
    count = int(held.sum())
    return Built(
        path=Path(os.path.relpath(path, project.folder.resolve())),
        sha256=digest,
        rows=table.height,
        old=int(old.sum()),
        new=int((~old & ~held).sum()),
        held=count,
        test_share=(count - 0.5) / table.height,  # the split takes the floor
        window=str(window),
        held_since=_text(division.since),
        trained_until=_text(division.until),
        left_out={name: count for name, count in left_out.items() if count},
    )


def _old_rows(project: Project) -> pl.DataFrame:
    """The training table with the same columns as the new rows, as text; rows without an outcome are left out."""
    problem, contract = project.settings.problem.problem(), project.contract
    frame = read_table(project).frame
    positive, known = known_outcome(frame, problem)
    wanted = [*contract.read_names, *problem.sensitive, *filter(None, (problem.id, problem.time))]
    columns = [_as_read(frame[name]) for name in dict.fromkeys(wanted) if name in frame.columns]
    words = _words(frame, project)
    table = pl.DataFrame(columns).with_columns(
        pl.Series(problem.target, np.where(positive, words[1], words[0]), dtype=pl.String),
        pl.lit("table").alias(ORIGIN),
        pl.lit(1.0).alias(WEIGHT),
    )
    if problem.time is not None:
        table = table.with_columns(_timed(frame[problem.time]))
    return table.filter(pl.Series(known))


def _as_read(series: pl.Series) -> pl.Series:
    return (series if series.dtype == pl.String else as_text(series)).alias(series.name)


def _timed(series: pl.Series) -> pl.Series:
    return microseconds(series).cast(pl.Datetime("us")).alias(series.name)


def _words(frame: pl.DataFrame, project: Project) -> tuple[str, str]:
    """How a negative and a positive outcome are written."""
    problem = project.settings.problem.problem()
    if problem.target not in frame.columns:
        return f"not {problem.positive}", problem.positive
    said = as_text(frame[problem.target]).drop_nulls().value_counts(sort=True, name="n")
    others = [word for word in said[problem.target].to_list() if word != problem.positive.strip()]
    return others[0] if others else f"not {problem.positive}", problem.positive


def _new_rows(
    project: Project, labelled: Labelled, division: Cut, old: pl.DataFrame
) -> tuple[pl.DataFrame, np.ndarray, dict[str, int]]:
    """Rows of the ledger in the columns of the old ones, their positions, and how many were not taken, and why."""
    problem, contract = project.settings.problem.problem(), project.contract
    hidden = project.settings.retraining.acted == "leave_out"
    lacking = np.array([any(name not in row.features for name in contract.read_names) for row in labelled.rows])
    acted = np.array([hidden and row.fate == "acted" for row in labelled.rows])
    positions = np.flatnonzero(~lacking & ~acted & ~division.aside)
    rows = [labelled.rows[position] for position in positions]
    words = _words(old, project)
    columns: dict[str, pl.Series] = {
        name: pl.Series(name, [category_text(row.features[name]) for row in rows], dtype=pl.String)
        for name in contract.read_names
    }
    moments = [row.at.astimezone(UTC).replace(tzinfo=None) for row in rows]
    if problem.id is not None:
        columns[problem.id] = pl.Series(problem.id, [row.customer for row in rows], dtype=pl.String)
    if problem.time is not None and problem.time in columns:
        columns[problem.time] = _timed(columns[problem.time])
    elif problem.time is not None:
        columns[problem.time] = pl.Series(problem.time, moments, dtype=pl.Datetime("us"))
    columns[problem.target] = pl.Series([words[int(row.outcome)] for row in rows], dtype=pl.String)
    columns[ORIGIN] = pl.Series(["explored" if row.fate == "explored" else "ledger" for row in rows], dtype=pl.String)
    columns[WEIGHT] = pl.Series([row.weight for row in rows], dtype=pl.Float64)
    for name in problem.sensitive:
        if name in old.columns and name not in columns:
            columns[name] = _of_old(name, old, problem.id, rows)
    frame = pl.DataFrame({name: columns[name] for name in old.columns})
    left = _counted("acted_on", acted) | _counted("lack_a_column", lacking & ~acted) | _counted("aside", division.aside)
    return frame, positions, left


def _of_old(name: str, old: pl.DataFrame, identity: str | None, rows: Sequence[Row]) -> pl.Series:
    """A protected attribute of customers whom the training table knows."""
    known = dict(zip(old[identity].to_list(), old[name].to_list(), strict=True)) if identity else {}
    return pl.Series(name, [known.get(row.customer) for row in rows], dtype=pl.String)


def _seconds(frame: pl.DataFrame, time: str | None) -> FloatArray:
    if time is None:
        return np.full(frame.height, np.nan)
    return np.asarray(frame[time].dt.epoch("us").cast(pl.Float64).fill_null(np.nan).to_numpy() / 1e6)


def _twice(table: pl.DataFrame, identity: str | None, times: FloatArray) -> BoolArray:
    """Rows of a customer on a day of which there is a later row: the same event, told twice."""
    if identity is None or np.isnan(times).all():
        return np.zeros(table.height, dtype=bool)
    keys = pl.DataFrame({"id": table[identity].cast(pl.String), "day": np.floor(times / 86_400)})
    last = keys.select(pl.struct("id", "day").is_last_distinct())
    known = (keys["id"].is_not_null() & keys["day"].is_not_nan()).to_numpy()
    return np.asarray(~last.to_series().to_numpy() & known)


def _embargoed(project: Project, times: FloatArray, held: BoolArray) -> BoolArray:
    """Rows so shortly before the held-out ones that `training.embargo_days` leaves them out."""
    days = project.settings.training.embargo_days
    if not days or not held.any():
        return np.zeros(len(times), dtype=bool)
    return np.asarray(~held & (times > times[held].min() - days * 86_400))


def _order(project: Project, times: FloatArray, held: BoolArray, old: BoolArray) -> np.ndarray:
    """Held-out rows last, the others by time; rows without one first, shuffled, for their order says nothing."""
    chance = np.random.default_rng(project.settings.training.seed).random(len(times))
    tie = np.where(np.isnan(times) & old, chance, np.arange(len(times)) / max(1, len(times)))
    return np.lexsort((tie, np.where(np.isnan(times), -np.inf, times), held))


def _counted(name: str, rows: BoolArray) -> dict[str, int]:
    return {name: int(rows.sum())}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
