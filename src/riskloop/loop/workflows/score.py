"""`riskloop score`: decisions for a file of customers, each one in the ledger before it reaches the output."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from riskloop.bundle.bundle import Bundle
from riskloop.data.frames import as_text
from riskloop.data.quality import Quality, check_table
from riskloop.data.source import Source, locate
from riskloop.decide.arms import Exploration
from riskloop.decide.policy import Policy
from riskloop.decide.prices import priceless
from riskloop.decide.reasons import Reason
from riskloop.decide.worklist import ranked
from riskloop.errors import DataError, UsageError
from riskloop.explain.reasoner import Reasoner
from riskloop.findings import Finding, by_severity
from riskloop.keep.ledger import encode_columns
from riskloop.keep.versions import Version
from riskloop.loop.project import Project
from riskloop.loop.table import Table, read_table

_CHUNK = 10_000  # predictions per transaction of the ledger
_KEPT = ("probability", "probability_low", "probability_high", "decision", "threshold", "risk_band", "expected_cost")


@dataclass(frozen=True)
class Scored:
    """What `score` did.

    Attributes
    ----------
    out : Path
    version : int
    rows, scored, acted, reviewed : int
        Rows read; rows with a decision; rows to act on; rows for review.
    expected_cost : float
        Of all decisions, in ``currency``.
    expected_gain : float
        Of acting, over those who are acted on, in ``currency``.
    turned_away : int
        Customers worth acting on for whom there was no room.
    forgone : float
        What acting on them would have gained.
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
    reviewed: int
    expected_cost: float
    expected_gain: float
    turned_away: int
    forgone: float
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
    worklist: bool = False,
    capacity: int | None = None,
    reasons: bool | None = None,
    language: str = "en",
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
) -> Scored:
    """Decide about every customer of a file.

    Rows keep their order. Those that break the contract keep their place with an empty decision and the reason. The
    output is CSV or Parquet by its suffix; it appears whole, once the ledger has every decision, or not at all.

    Parameters
    ----------
    source : Source
    out : Path
    version : int, optional
        The champion if left out.
    log : bool
        Keep the decisions in the ledger.
    worklist : bool
        Write only those to act on, the one on whom acting gains most first.
    capacity : int, optional
        Act on so many at most: those on whom acting gains most. The others are left alone, in the ledger too.
    reasons : bool, optional
        Also write and keep why; if not said, for those on a worklist.
    language : {"en", "fr"}
        Of the reasons in the output.
    new_id : callable
        Makes a prediction id.

    Raises
    ------
    UsageError
        If the output is of another kind, or is the input, or there is room for nobody.
    NotFound
        If there is no champion.
    DataError
        If the file lacks a column of the contract.
    """
    check_output(source, out)
    if capacity is not None and capacity < 1:
        raise UsageError("There is room for nobody.", where="--capacity", next_step="give a number of 1 or more")
    record, bundle = project.bundle(version)
    table = read_table(project, source, bundle.linked)
    told = Told(
        reasons=worklist if reasons is None else reasons, language=language, capacity=capacity, worklist=worklist
    )
    decided = decide_table(project, record, bundle, table, told)
    with _whole(out) as draft:
        write_table(decided.output, draft)
        logged = log_decisions(project, record, decided, new_id) if log else 0
    return replace(decided.scored, out=out, logged=logged)


@dataclass(frozen=True, slots=True)
class Told:
    """What the output is to say, and how many may be acted on."""

    reasons: bool = False
    language: str = "en"
    capacity: int | None = None
    worklist: bool = False


@dataclass(frozen=True)
class DecidedTable:
    """A table of decisions: what the ledger is to keep, what the reader gets, and what it adds up to."""

    answer: pl.DataFrame
    features: pl.DataFrame
    ids: pl.Series | None
    why: Why | None
    output: pl.DataFrame
    scored: Scored


def decide_table(
    project: Project, record: Version, bundle: Bundle, table: Table, told: Told, *, first_row: int = 1
) -> DecidedTable:
    """Decide about every customer of a table; nothing is written.

    Raises
    ------
    DataError
        If the table lacks a column of the contract.
    """
    frame = table.frame
    problem = project.settings.problem.problem()
    quality = check_table(frame, bundle.contract, problem)
    ids = as_text(frame[problem.id]) if problem.id in frame.columns else None
    wanted = _explored(_answer(bundle, quality, table.path), ids, bundle.policy, project.settings.serving.explores())
    first = ranked(wanted["act"].fill_null(value=False).to_numpy(), wanted["expected_gain"].to_numpy(), told.capacity)
    answer = _only(wanted, first, bundle.policy)
    turned_away = wanted.filter(wanted["act"] & ~answer["act"])
    why = _reasons(bundle, quality, answer, first if told.worklist else None) if told.reasons else None
    named = _named(answer, ids, record, _in_words(why, answer.height, told.language), first_row)
    review = bundle.policy.review
    return DecidedTable(
        answer=answer,
        features=_as_json(frame.select(bundle.contract.read_names)),
        ids=ids,
        why=why,
        output=_as_worklist(named, first) if told.worklist else named,
        scored=Scored(
            out=Path(),
            version=record.version,
            rows=answer.height,
            scored=int(answer["act"].count()),
            acted=int(answer["act"].sum()),
            reviewed=0 if review is None else int((answer["decision"] == review.label).sum()),
            expected_cost=float(answer["expected_cost"].sum()),
            expected_gain=float(answer.filter(answer["act"])["expected_gain"].sum()),
            turned_away=turned_away.height,
            forgone=float(turned_away["expected_gain"].sum()),
            currency=bundle.policy.costs.currency,
            logged=0,
            findings=tuple(by_severity((*table.findings, *quality.findings))),
        ),
    )


def check_output(source: Source, out: Path) -> None:
    """Refuse an output of another kind, or one that is the input."""
    if out.suffix not in (".csv", ".parquet"):
        raise UsageError("The output must end in .csv or .parquet.", where=str(out), next_step="name another --out")
    if out.resolve() in {path.resolve() for path in locate(source.path)}:
        raise UsageError("The output would replace the input.", where=str(out), next_step="name another --out")


def _answer(bundle: Bundle, quality: Quality, where: str) -> pl.DataFrame:
    """One row per customer, in the order of the table: the decision, or the error and nothing else."""
    if quality.decoded is None:
        first = quality.findings[0]
        raise DataError(first.message, where=f"{where}, column {first.column!r}", next_step=first.next_step)
    probability = bundle.scorer.probability(quality.decoded.columns)
    low, high = bundle.scorer.interval.of_many(probability)
    costs = bundle.policy.costs.of(quality.decoded.columns)
    decided = bundle.policy.decide_many(probability, costs)
    answer = pl.DataFrame(
        {
            "probability": probability,
            "probability_low": low,
            "probability_high": high,
            "decision": decided.decision.astype(str),
            "threshold": decided.threshold,
            "risk_band": decided.risk_band.astype(str),
            "expected_cost": decided.expected_cost,
            "expected_gain": decided.gain,
            "act": decided.act,
        }
    )
    unpriced = quality.keep & np.broadcast_to(priceless(costs), len(probability))
    reasons = quality.reasons | dict.fromkeys(np.flatnonzero(unpriced).tolist(), "a cost has no value")
    answer = answer.select(pl.when(pl.Series(quality.keep & ~unpriced)).then(pl.all()).otherwise(None))
    errors = pl.Series("error", [reasons.get(row) for row in range(len(probability))], dtype=pl.String)
    return answer.with_columns(errors)


def _only(answer: pl.DataFrame, rows: NDArray[np.intp], policy: Policy) -> pl.DataFrame:
    """The answer where nobody but these is acted on: leaving the others alone costs what acting would have saved."""
    chosen = np.zeros(answer.height, dtype=bool)
    chosen[rows] = True
    left_alone = answer["act"] & ~pl.Series(chosen)
    return answer.with_columns(
        pl.when(left_alone).then(pl.lit(policy.labels[1])).otherwise(pl.col("decision")).alias("decision"),
        pl.when(left_alone)
        .then(pl.col("expected_cost") + pl.col("expected_gain"))
        .otherwise(pl.col("expected_cost"))
        .alias("expected_cost"),
        (pl.col("act") & ~left_alone).alias("act"),
    )


def _explored(
    answer: pl.DataFrame, ids: pl.Series | None, policy: Policy, exploration: Exploration | None
) -> pl.DataFrame:
    """The answer with the arm of every customer; nobody is acted on who is left alone to see what becomes of them."""
    if exploration is None or ids is None:
        return answer.with_columns(pl.lit("batch").alias("arm"))
    taken = pl.Series([exploration.takes(customer) for customer in ids.to_list()], dtype=pl.Boolean)
    rows = np.flatnonzero((~taken & answer["act"].fill_null(value=False)).to_numpy())
    arm = pl.when(taken).then(pl.lit(f"batch:{exploration.arm}")).otherwise(pl.lit("batch")).alias("arm")
    return _only(answer, rows, policy).with_columns(arm)


Why = dict[int, tuple[Reason, ...]]
"""Reasons of the rows that have any, by position."""


def _reasons(bundle: Bundle, quality: Quality, answer: pl.DataFrame, rows: NDArray[np.intp] | None) -> Why:
    """The reasons for those rows, or for every one that has a decision."""
    if rows is None:
        rows = np.flatnonzero(answer["error"].is_null().to_numpy())
    if quality.decoded is None or not len(rows):
        return {}
    columns = {name: values[rows] for name, values in quality.decoded.columns.items()}
    return dict(zip(rows.tolist(), Reasoner(bundle).reasons(columns), strict=True))


def _in_words(why: Why | None, rows: int, language: str) -> pl.Series | None:
    """A column of reasons, the weightiest first; None where nobody asked."""
    if why is None:
        return None
    texts = ["; ".join(reason.texts[language] for reason in why.get(row, ())) for row in range(rows)]
    return pl.Series("reasons", [text or None for text in texts], dtype=pl.String)


def _as_worklist(answer: pl.DataFrame, rows: NDArray[np.intp]) -> pl.DataFrame:
    """Those to act on, with their rank."""
    return answer.drop("error")[rows].insert_column(0, pl.Series("rank", np.arange(1, len(rows) + 1)))


def _named(
    answer: pl.DataFrame, ids: pl.Series | None, record: Version, reasons: pl.Series | None, first_row: int
) -> pl.DataFrame:
    """The output as a reader wants it: who first, why not last."""
    who = ids if ids is not None else pl.Series("row", np.arange(first_row, first_row + answer.height))
    version = pl.lit(record.version).alias("version")
    told = [] if reasons is None else [reasons]
    return answer.drop("act", "arm", "error").insert_column(0, who).with_columns(*told, version, answer["error"])


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A draft that becomes the output when the block ends well, and vanishes otherwise."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.draft")
    try:
        yield draft
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write CSV, or Parquet where the name says so."""
    with path.open("wb") as stream:
        if ".parquet" in path.suffixes:
            table.write_parquet(stream)
        else:
            table.write_csv(stream)


def _as_json(features: pl.DataFrame) -> pl.DataFrame:
    """Cells that JSON can carry: what was read from text is so already, Parquet has more."""
    return features.with_columns(selectors.temporal().cast(pl.String), selectors.float().fill_nan(None))


def log_decisions(project: Project, record: Version, decided: DecidedTable, new_id: Callable[[], str]) -> int:
    """Add every decision to the ledger; returns how many."""
    answer, features, ids, why = decided.answer, decided.features, decided.ids, decided.why
    at, told = project.clock(), why or {}
    customers = ids if ids is not None else pl.Series([None] * answer.height, dtype=pl.String)
    whom = answer["error"].is_null().arg_true()
    for start in range(0, len(whom), _CHUNK):
        rows = whom[start : start + _CHUNK]
        some = answer[rows]
        columns = {name: some[name].to_list() for name in _KEPT} | {
            "prediction_id": [new_id() for _ in range(len(rows))],
            "features": features[rows].select(pl.struct(pl.all()).struct.json_encode()).to_series().to_list(),
            "entity_id": customers[rows].to_list(),
            "arm": some["arm"].to_list(),
            "reasons": [_reasons_text(told[place]) if place in told else None for place in rows.to_list()],
        }
        same = {"at": at, "name": project.name, "version": record.version, "digest": record.digest}
        project.ledger.append_encoded(encode_columns(len(rows), columns, **same))
    return len(whom)


def _reasons_text(reasons: tuple[Reason, ...]) -> str:
    return json.dumps([reason.to_dict() for reason in reasons], separators=(",", ":"))
