"""The quality gate: hold a table against its contract; keep the good rows, set the bad ones aside with reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.contract import Breach, Contract, Decoded, did_you_mean
from riskloop.data.frames import as_text, decode_frame, is_missing
from riskloop.findings import Finding
from riskloop.problem import Problem

MOST_QUARANTINED = 0.05
"""Share of rows that may be set aside; beyond it the table, not the rows, is wrong."""
_MOST_SHOWN = 10
_OURS = "riskloop_"  # columns that we add ourselves: why a row was set aside, where it came from

_BREACH_STEPS = {
    "missing": "fill the cells, or set nullable: true in contract.yaml",
    "not-a-number": "correct the cells, or list them under missing_values in contract.yaml",
    "not-a-date": "write dates as 2026-01-31 or 2026-01-31T12:00:00, or list the cells under missing_values",
    "unknown-category": "add the level or an alias in contract.yaml, or set unknown: bin",
    "below-minimum": "correct the cells, or lower minimum in contract.yaml",
    "above-maximum": "correct the cells, or raise maximum in contract.yaml",
}


@dataclass(frozen=True)
class Quality:
    """What the gate found.

    Attributes
    ----------
    findings : tuple of Finding
    keep : bool array, shape (n,)
        Rows that pass.
    reasons : dict of int to str
        Row position to why it is quarantined.
    decoded : Decoded or None
        The feature columns of all n rows; None when columns are missing.
    """

    findings: tuple[Finding, ...]
    keep: NDArray[np.bool_]
    reasons: dict[int, str]
    decoded: Decoded | None


def check_table(
    frame: pl.DataFrame, contract: Contract, problem: Problem, *, known_outcome: NDArray[np.bool_] | None = None
) -> Quality:
    """Hold a table against its contract.

    Parameters
    ----------
    frame : polars.DataFrame
        Shape (n, k).
    contract : Contract
    problem : Problem
    known_outcome : bool array, shape (n,), optional
        Rows whose outcome is known; the others are set aside (when learning).
    """
    findings = [*_absent(frame, contract), *_extra(frame, contract)]
    if any(finding.severity == "error" for finding in findings):
        return Quality(tuple(findings), np.zeros(frame.height, dtype=bool), {}, None)
    decoded = decode_frame(contract, frame)
    reasons: dict[int, list[str]] = {}
    for breach in decoded.breaches:
        findings.append(_breach_finding(breach, frame.height))
        for row in breach.rows.tolist():
            reasons.setdefault(row, []).append(f"{breach.column}: {breach.message}")
    broken = len(reasons)
    if known_outcome is not None and not known_outcome.all():
        findings.append(_unknown_outcome(problem, int((~known_outcome).sum()), frame.height))
        for row in np.flatnonzero(~known_outcome).tolist():
            reasons.setdefault(row, []).append(f"{problem.target_column}: the outcome is missing")
    findings += _missing_shares(contract, decoded)
    findings += _ids(frame, problem)
    findings += _repeated(frame, problem)
    keep = np.ones(frame.height, dtype=bool)
    keep[list(reasons)] = False
    if broken > MOST_QUARANTINED * frame.height:
        findings.append(_too_many(broken, frame.height))
    return Quality(tuple(findings), keep, {row: "; ".join(why) for row, why in reasons.items()}, decoded)


def _absent(frame: pl.DataFrame, contract: Contract) -> Iterable[Finding]:
    """The first few one by one; a table of another kind lacks hundreds."""
    present = set(frame.columns)
    absent = [name for name in contract.read_names if name not in present]
    step = "add the column; if it is gone for good, remove it from contract.yaml and train anew"
    for name in absent[:_MOST_SHOWN]:
        message = f"The contract expects the column {name!r}{did_you_mean(name, frame.columns)}."
        yield Finding("absent-column", "error", message, step, name, frame.height)
    if more := absent[_MOST_SHOWN:]:
        message = f"{len(more):,} more columns of the contract are absent: {', '.join(more[:5])}, ..."
        yield Finding("absent-column", "error", message, step, rows=frame.height, evidence={"columns": more})


def _extra(frame: pl.DataFrame, contract: Contract) -> Iterable[Finding]:
    accepted = {*contract.by_name, *contract.known}
    strangers = [name for name in frame.columns if name not in accepted and not name.startswith(_OURS)]
    if strangers:
        yield Finding(
            "unexpected-column",
            "info",
            f"{len(strangers):,} columns are not in the contract and are ignored: {', '.join(strangers[:5])}.",
            "run `riskloop init` again to take them in",
            evidence={"columns": strangers},
        )


def _breach_finding(breach: Breach, rows: int) -> Finding:
    share = len(breach.rows) / rows
    return Finding(
        breach.code,
        "error" if share > MOST_QUARANTINED else "warning",
        f"{len(breach.rows):,} rows ({share:.2%}) break the rule: {breach.message}.",
        _BREACH_STEPS.get(breach.code, "correct the cells at the source"),
        breach.column,
        len(breach.rows),
        {"first_rows": breach.rows[:5].tolist()},
    )


def _unknown_outcome(problem: Problem, count: int, rows: int) -> Finding:
    return Finding(
        "unknown-outcome",
        "error" if count > 0.5 * rows else "warning",
        f"{count:,} rows have no outcome and are set aside.",
        "learn from them once their outcome is known",
        problem.target_column,
        count,
    )


def _missing_shares(contract: Contract, decoded: Decoded) -> Iterable[Finding]:
    """Of the columns whose cells may be missing; where they may not, each missing cell is a breach."""
    for column in contract.read:
        gone = int(is_missing(decoded.columns[column.name]).sum())
        share = gone / decoded.rows
        if column.nullable and share > column.max_missing:
            yield Finding(
                "missing-share",
                "error",
                f"{share:.1%} of the cells are missing; the contract allows {column.max_missing:.0%}.",
                "find out why they are missing, or raise max_missing in contract.yaml",
                column.name,
                gone,
                {"share": share, "allowed": column.max_missing},
            )


def _ids(frame: pl.DataFrame, problem: Problem) -> Iterable[Finding]:
    if problem.id is None or problem.id not in frame.columns:
        return
    ids = as_text(frame[problem.id])
    blank = ids.null_count()
    if blank:
        yield Finding(
            "missing-id", "warning", f"{blank:,} rows have no id.", "give every customer an id", problem.id, blank
        )
    repeated = frame.height - blank - ids.drop_nulls().n_unique()
    if repeated:
        yield Finding(
            "duplicate-id",
            "warning",
            f"{repeated:,} rows repeat an id; all rows of a customer stay on one side of the split.",
            "check that a row is one customer at one time",
            problem.id,
            repeated,
        )


def _repeated(frame: pl.DataFrame, problem: Problem) -> Iterable[Finding]:
    described = [name for name in frame.columns if name != problem.id]
    repeated = frame.height - frame.select(described).hash_rows().n_unique() if described else 0
    if repeated:
        yield Finding(
            "duplicate-rows",
            "warning" if repeated > 0.01 * frame.height else "info",
            f"{repeated:,} rows repeat another row in every column but the id; twins stay on one side of the split.",
            "remove them if they are copies",
            rows=repeated,
        )


def _too_many(count: int, rows: int) -> Finding:
    return Finding(
        "too-many-bad-rows",
        "error",
        f"{count:,} of {rows:,} rows ({count / rows:.1%}) break the contract; {MOST_QUARANTINED:.0%} are tolerated.",
        "correct the source, or change the rules named above in contract.yaml",
        rows=count,
    )
