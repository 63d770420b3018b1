"""`riskloop erase` and `prune`: forget a person, and what is older than it need be."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta

from riskloop.errors import UsageError
from riskloop.loop.project import Project


@dataclass(frozen=True)
class Pruned:
    """What was removed: rows older than a moment."""

    before: datetime
    rows: int


def erase(project: Project, customer: str) -> int:
    """Delete all that is known of a customer: in the store, in predictions that wait on this machine's disk, and among
    rows that were set aside; the number of rows.

    Not reached: training tables, files that were written for others, backups, and spools of other machines.

    Raises
    ------
    Unavailable
        If the database is away.
    """
    spooled, folder = 0, project.locations.state / "spool"
    if folder.is_dir():
        from riskloop.keep.spool import Spool

        spooled = Spool(folder).forget(customer)
    return spooled + project.ledger.erase(customer) + _from_quarantine(project, customer)


def _from_quarantine(project: Project, customer: str) -> int:
    """Take a customer's rows out of the files of rows that were set aside; how many."""
    gone, name = 0, project.settings.problem.id
    for path in sorted(project.locations.reports.glob("quarantine-*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        kept = [row for row in rows if row.get(name or "") != customer]
        gone += len(rows) - len(kept)
        if len(kept) < len(rows):
            draft = path.with_suffix(".draft")
            with draft.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, list(rows[0]))
                writer.writeheader()
                writer.writerows(kept)
            draft.replace(path)
    return gone


def prune(project: Project, days: float | None = None) -> Pruned:
    """Delete predictions and outcomes older than so many days, else than ``serving.retention_days``.

    Raises
    ------
    UsageError
        If neither says how old.
    """
    kept = days if days is not None else project.settings.serving.retention_days
    if kept is None or kept <= 0:
        raise UsageError(
            "How long are predictions kept?", where="serving.retention_days", next_step="set it, or give --days"
        )
    before = project.clock() - timedelta(days=kept)
    return Pruned(before, project.ledger.prune(before))
