"""`riskloop score`: decisions for a file of customers, each one in the ledger before it reaches the output."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from riskloop.bundle.bundle import Bundle
from riskloop.data.frames import as_text
from riskloop.data.quality import Quality, check_table
from riskloop.data.source import Source, locate, read
from riskloop.errors import DataError, UsageError
from riskloop.findings import Finding, by_severity
from riskloop.keep.ledger import Prediction
from riskloop.keep.versions import Version
from riskloop.loop.project import Project

_CHUNK = 10_000  # predictions per transaction of the ledger
_SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Scored:
    """What `score` did.

    Attributes
    ----------
    out : Path
    version : int
    rows, scored, acted : int
        Rows read; rows with a decision; rows to act on.
    expected_cost : float
        Of all decisions, in ``currency``.
    logged : int
        Predictions added to the ledger.
    findings : tuple of Finding
        What is wrong with the table, gravest first.
    """

    out: Path
    version: int
    rows: int
    scored: int
    acted: int
    expected_cost: float
    currency: str
    logged: int
    findings: tuple[Finding, ...]


def score(
    project: Project,
    source: Source,
    out: Path,
    *,
    version: int | None = None,
    log: bool = True,
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
) -> Scored:
    """Decide about every customer of a file.

    Rows keep their order. Those that break the contract keep their place with an empty decision and the reason. The
    output is CSV or Parquet by its suffix; it appears whole, once the ledger has every decision, or not at all.

    Raises
    ------
    UsageError
        If the output is of another kind, or is the input.
    NotFound
        If there is no champion.
    DataError
        If the file lacks a column of the contract.
    """
    _check_output(source, out)
    record, bundle = project.bundle(version)
    frame, _ = read(source)
    problem = project.settings.problem.problem()
    quality = check_table(frame, bundle.contract, problem)
    ids = as_text(frame[problem.id]) if problem.id in frame.columns else None
    answer = _answer(bundle, record, quality, ids if ids is not None else pl.Series("row", range(1, frame.height + 1)))
    logged = 0
    with _whole(out) as draft:
        _write(answer, draft)
        if log:
            answered = answer.select("probability", "decision", "threshold", "risk_band", "expected_cost")
            logged = _log(project, bundle, record, answered, frame, ids, quality.keep.nonzero()[0], new_id)
    acted = quality.keep & bundle.policy.act(answer["probability"].fill_null(0).to_numpy())
    return Scored(
        out=out,
        version=record.version,
        rows=frame.height,
        scored=int(quality.keep.sum()),
        acted=int(acted.sum()),
        expected_cost=float(answer["expected_cost"].sum()),
        currency=bundle.policy.costs.currency,
        logged=logged,
        findings=tuple(by_severity(quality.findings)),
    )
