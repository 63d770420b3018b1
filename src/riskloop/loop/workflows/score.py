"""`riskloop score` and `riskloop outcomes`: decisions for a file of customers, and what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from riskloop.data.frames import as_text
from riskloop.data.outcome import known_outcome
from riskloop.data.quality import check_table
from riskloop.data.source import Source, read
from riskloop.errors import DataError, UsageError
from riskloop.findings import Finding, by_severity
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome, OutcomeReceipt
from riskloop.loop.project import Project

_CHUNK = 10_000


@dataclass(frozen=True)
class Scored:
    """What `score` did."""

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

    Rows that break the contract keep their place in the output with an empty decision and the reason. The output is
    CSV or Parquet by its suffix, and appears whole or not at all.

    Raises
    ------
    NotFound
        If there is no champion.
    DataError
        If the file lacks a column of the contract.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise UsageError("The output must end in .csv or .parquet.", where=str(out))
    record, bundle = project.bundle(version)
    frame, _ = read(source)
    problem = project.settings.problem.problem()
    quality = check_table(frame, bundle.contract, problem)
    if quality.decoded is None:
        first = quality.findings[0]
        raise DataError(first.message, where=f"{source.path}, column {first.column!r}", next_step=first.next_step)
    probability = bundle.scorer.probability(quality.decoded.columns)
    decided = bundle.policy.decide_many(probability)
    good = pl.Series(quality.keep)
    named = problem.id is not None and problem.id in frame.columns
    ids = as_text(frame[problem.id]) if named and problem.id else None
    answer = pl.DataFrame(
        {
            **({str(problem.id): ids} if ids is not None else {"row": np.arange(1, frame.height + 1)}),
            "probability": probability,
            "decision": decided.decision.astype(str),
            "threshold": np.full(frame.height, bundle.policy.threshold),
            "risk_band": decided.risk_band.astype(str),
            "expected_cost": decided.expected_cost,
            "version": np.full(frame.height, record.version),
        }
    )
    answered = [name for name in answer.columns if name not in (str(problem.id), "row", "version")]
    answer = answer.with_columns(pl.when(good).then(pl.col(name)).otherwise(None).alias(name) for name in answered)
    reasons = [quality.reasons.get(row) for row in range(frame.height)] if quality.reasons else [None] * frame.height
    answer = answer.with_columns(pl.Series("error", reasons, dtype=pl.String))
    logged = 0
    if log:
        logged = _log(project, frame.select(bundle.contract.features), answer, bundle.digest, ids, new_id)
    _write(answer, out)
    kept = quality.keep
    return Scored(
        out=out,
        version=record.version,
        rows=frame.height,
        scored=int(kept.sum()),
        acted=int((decided.act & kept).sum()),
        expected_cost=float(decided.expected_cost[kept].sum()),
        currency=bundle.policy.costs.currency,
        logged=logged,
        findings=tuple(by_severity(quality.findings)),
    )


def _log(
    project: Project,
    features: pl.DataFrame,
    answer: pl.DataFrame,
    digest: str,
    ids: pl.Series | None,
    new_id: Callable[[], str],
) -> int:
    good = answer["error"].is_null().arg_true()
    at = project.clock()
    for start in range(0, len(good), _CHUNK):
        chosen = good[start : start + _CHUNK]
        customers = ids.gather(chosen).to_list() if ids is not None else [None] * len(chosen)
        rows = zip(answer[chosen].to_dicts(), features[chosen].to_dicts(), customers, strict=True)
        project.ledger.append(
            [
                Prediction(
                    prediction_id=new_id(),
                    at=at,
                    name=project.name,
                    version=row["version"],
                    digest=digest,
                    probability=row["probability"],
                    decision=row["decision"],
                    features=known,
                    arm="batch",
                    entity_id=customer,
                    threshold=row["threshold"],
                    risk_band=row["risk_band"],
                    expected_cost=row["expected_cost"],
                )
                for row, known, customer in rows
            ]
        )
    return len(good)


def _write(answer: pl.DataFrame, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.draft")
    if out.suffix == ".parquet":
        answer.write_parquet(draft)
    else:
        answer.write_csv(draft)
    draft.replace(out)


def record_outcomes(
    project: Project,
    source: Source,
    *,
    id_column: str | None = None,
    outcome_column: str | None = None,
    time_column: str | None = None,
) -> OutcomeReceipt:
    """Record what became of customers; late, repeated and corrected outcomes are expected.

    Raises
    ------
    DataError
        If the file lacks the id or the outcome.
    """
    frame, _ = read(source)
    problem = project.settings.problem.problem()
    identity = _pick(frame, id_column, (problem.id or "", "id", "customer_id"), source.path, "id")
    target = _pick(frame, outcome_column, (problem.target_column, "outcome"), source.path, "outcome")
    when_name = time_column or ("observed_at" if "observed_at" in frame.columns else None)
    own = replace(problem, target=target) if target != problem.target_column else problem
    positive, known = known_outcome(frame, own)
    now = project.clock()
    when = _times(frame, when_name, now)
    ids = as_text(frame[identity]).to_list()
    outcomes = [
        Outcome(customer, bool(value), moment, now)
        for customer, value, sure, moment in zip(ids, positive, known, when, strict=True)
        if sure and customer
    ]
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


def _times(frame: pl.DataFrame, name: str | None, now: datetime) -> list[datetime]:
    if name is None:
        return [now] * frame.height
    series = frame[name]
    if series.dtype == pl.String:
        series = series.str.strip_chars().str.to_datetime(strict=False, time_unit="us")
    series = series.cast(pl.Datetime("us"))
    if series.null_count():
        raise DataError("An observation time cannot be read.", where=f"column {name!r}", next_step="write 2026-01-31")
    return [moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment for moment in series.to_list()]
