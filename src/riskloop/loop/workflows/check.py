"""`riskloop check`: hold a table against the contract."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from riskloop.data.contract import did_you_mean
from riskloop.data.dataset import Prepared, prepare
from riskloop.data.outcome import can_learn
from riskloop.data.quality import check_table
from riskloop.errors import DataError, GateRefused
from riskloop.findings import Finding, blocking, by_severity
from riskloop.loop.project import Project
from riskloop.loop.retraining.censoring import ExplorationCost
from riskloop.loop.retraining.exploring import cost_of_exploration
from riskloop.loop.table import read_table
from riskloop.loop.workflows.standing import keep_check


@dataclass(frozen=True)
class Checked:
    """What the quality gate said.

    Attributes
    ----------
    path : str
    rows, kept : int
    findings : tuple of Finding
        Gravest first.
    quarantine : Path or None
        File with the rows that were set aside and why.
    exploration : ExplorationCost or None
        What exploration costs among these customers, where there is a champion and `serving.exploration` is set.
    """

    path: str
    rows: int
    kept: int
    findings: tuple[Finding, ...]
    quarantine: Path | None
    exploration: ExplorationCost | None = None

    @property
    def passed(self) -> bool:
        return not blocking(self.findings)


def check(project: Project, path: str | None = None) -> Checked:
    """Hold the training table, or another one, against the contract.

    Another table need not have outcomes, or enough of them to learn from: it is then checked as one to be scored.
    Nothing is raised for what is wrong inside the table: see `Checked.passed`.

    Parameters
    ----------
    path : str, optional
        The other table.

    Raises
    ------
    DataError
        If the table cannot be read at all.
    """
    source = project.source.like(path) if path else project.source
    table = read_table(project, source)
    frame, problem = table.frame, project.settings.problem.problem()
    if path is None or can_learn(frame, problem):
        prepared = prepare_table(project, frame, table.findings)
        findings, keep, reasons = prepared.findings, prepared.quality.keep, prepared.quality.reasons
    else:
        quality = check_table(frame, project.contract, problem)
        findings, keep, reasons = (*table.findings, *quality.findings), quality.keep, quality.reasons
    quarantine = write_quarantine(project, frame, reasons, Path(source.path).stem)
    if path is None:
        keep_check(project, not blocking(findings), frame.height, int(keep.sum()))
    return Checked(
        path=source.path,
        rows=frame.height,
        kept=int(keep.sum()),
        findings=tuple(by_severity(findings)),
        quarantine=quarantine,
        exploration=cost_of_exploration(project, frame),
    )


def prepare_table(project: Project, frame: pl.DataFrame, noticed: tuple[Finding, ...] = ()) -> Prepared:
    """Decode and check a table with outcomes by the project's rules; ``noticed`` was found before."""
    prepared = prepare(
        frame,
        project.contract,
        project.settings.problem.problem(),
        allowed=tuple(project.settings.features.allow),
        in_time_order=project.settings.training.split == "row_order",
        seed=project.settings.training.seed,
    )
    return replace(prepared, findings=(*noticed, *prepared.findings, *_strangers(project)))


def _strangers(project: Project) -> Iterable[Finding]:
    """A misspelt name under features.drop or features.allow would do nothing, in silence."""
    contract, features = project.contract, project.settings.features
    names = {*contract.by_name, *contract.known}
    for setting, listed in (("drop", features.drop), ("allow", features.allow)):
        for name in listed:
            if name not in names:
                message = (
                    f"features.{setting} names {name!r}, which the contract does not know{did_you_mean(name, names)}."
                )
                yield Finding("no-such-column", "warning", message, "correct the name in riskloop.yaml", name)


def refuse_blocked(findings: tuple[Finding, ...], where: str) -> None:
    """Raise GateRefused (exit code 3) if a finding blocks."""
    stop = blocking(findings)
    if not stop:
        return
    first = stop[0]
    column = f"column {first.column!r}: " if first.column else ""
    more = f" ({len(stop) - 1} more)" if len(stop) > 1 else ""
    raise GateRefused(
        f"The quality gate refused the table. {column}{first.message}{more}",
        where=where,
        next_step=first.next_step + "; `riskloop check` lists everything",
        details=[finding.to_dict() for finding in stop],
    )


def write_quarantine(project: Project, frame: pl.DataFrame, reasons: dict[int, str], stem: str) -> Path | None:
    """Write the rows set aside with their reasons; whole or not at all. What an earlier check set aside is removed.

    Linked features are left out: the rows, once mended, are joined anew.
    """
    folder = project.locations.reports
    path = folder / f"quarantine-{re.sub(r'[^A-Za-z0-9_.-]+', '-', stem)}.csv"
    if not reasons:
        path.unlink(missing_ok=True)
        return None
    positions = sorted(reasons)
    rows = (
        frame[positions]
        .drop(project.linked.names, strict=False)
        .with_columns(
            pl.Series("riskloop_row", [position + 1 for position in positions]),
            pl.Series("riskloop_reason", [reasons[position] for position in positions]),
        )
    )
    folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    try:
        rows.write_csv(draft)
    except OSError as error:
        raise DataError(
            f"The quarantined rows cannot be written: {error.strerror}.", where=str(path), next_step="make room there"
        ) from error
    draft.replace(path)
    return path
