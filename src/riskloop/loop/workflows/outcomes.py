"""`riskloop outcomes`: what became of the customers, from a file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.frames import as_text
from riskloop.data.outcome import known_outcome
from riskloop.data.source import Source, read
from riskloop.errors import DataError
from riskloop.keep.outcomes import Outcome, OutcomeReceipt
from riskloop.loop.project import Project
from riskloop.problem import Problem

_YES = ("1", "true", "yes", "y")
_NO = ("0", "false", "no", "n")


def record_outcomes(
    project: Project,
    source: Source,
    *,
    id_column: str | None = None,
    outcome_column: str | None = None,
    time_column: str | None = None,
) -> OutcomeReceipt:
    """Record what became of customers; late, repeated and corrected outcomes are expected.

    Outcomes are in the words of the target, or in plain ones (1 and 0, true and false, yes and no). Rows without an
    id or an outcome are left out. Sending the same file again changes nothing.

    Parameters
    ----------
    source : Source
    id_column, outcome_column, time_column : str, optional
        Of the customer, of the outcome, and of when it was so; found by their usual names if left out.

    Raises
    ------
    DataError
        If the file lacks the id or the outcome, or says something that cannot be read.
    """
    frame, _ = read(source)
    problem = project.settings.problem.problem()
    identity = _pick(frame, id_column, (problem.id or "", "id", "customer_id"), source.path, "id")
    target = _pick(frame, outcome_column, (problem.target_column, "outcome"), source.path, "outcome")
    when = time_column or ("observed_at" if "observed_at" in frame.columns else None)
    positive, known = _positive(frame, problem, target)
    ids = as_text(frame[identity])
    rows = np.flatnonzero(known & ids.is_not_null().to_numpy())
    now = project.clock()
    told = zip(ids[rows].to_list(), positive[rows].tolist(), strict=True)
    if when is None:
        outcomes = [Outcome(who, what, now, now, outcome_id=_undated_id(who, what)) for who, what in told]
    else:
        times = _times(frame[rows], when)
        outcomes = [Outcome(who, what, at, now) for (who, what), at in zip(told, times, strict=True)]
    return project.ledger.record_outcomes(outcomes)


def _pick(frame: pl.DataFrame, named: str | None, guesses: tuple[str, ...], where: str, what: str) -> str:
    for name in (named,) if named else guesses:
        if name in frame.columns:
            return str(name)
    raise DataError(
        f"The file has no column for the {what} (looked for {', '.join(filter(None, (named, *guesses)))}).",
        where=where,
        next_step=f"name it with --{what}-column",
    )


def _positive(frame: pl.DataFrame, problem: Problem, target: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the risk came true, and whether that is known, in the target's own words or in plain ones."""
    if problem.comparison and target == problem.target_column:
        return known_outcome(frame, problem)
    words = as_text(frame[target])
    said = set(words.drop_nulls().to_list())
    plain = {word.lower() for word in said} <= {*_YES, *_NO}
    if problem.positive not in said and plain and problem.positive.lower() not in _NO:
        return words.str.to_lowercase().is_in(_YES).fill_null(False).to_numpy(), words.is_not_null().to_numpy()
    if problem.positive not in said and len(said) > 1:
        raise DataError(
            f"No outcome is {problem.positive!r}; the column says {', '.join(map(repr, sorted(said)[:5]))}.",
            where=f"column {target!r}",
            next_step="write outcomes in the words of the target, or as 1 and 0",
        )
    return known_outcome(frame, replace(problem, target=target))


def _undated_id(customer: str, outcome: bool) -> str:
    """An id that does not depend on the day the file is read, so that reading it twice is harmless."""
    return hashlib.sha256(f"undated\0{customer}\0{outcome}".encode()).hexdigest()[:32]


def _times(frame: pl.DataFrame, name: str) -> list[datetime]:
    if name not in frame.columns:
        raise DataError(f"The file has no column {name!r}.", where="--time-column", next_step="name one of its columns")
    moments = [_moment(cell) for cell in frame[name].to_list()]
    if None in moments:
        raise DataError(
            f"{moments.count(None):,} times of observation cannot be read.",
            where=f"column {name!r}",
            next_step="write 2026-01-31 or 2026-01-31T12:00:00Z",
        )
    return [moment for moment in moments if moment]


def _moment(cell: object) -> datetime | None:
    """A date or a time, in text or not; one without a timezone is in UTC."""
    if isinstance(cell, str):
        try:
            cell = datetime.fromisoformat(cell.strip())
        except ValueError:
            return None
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime.combine(cell, time())
    if not isinstance(cell, datetime):
        return None
    return cell if cell.tzinfo else cell.replace(tzinfo=UTC)
