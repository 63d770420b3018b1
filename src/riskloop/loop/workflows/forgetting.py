"""`riskloop erase` and `prune`: forget a person, and what is older than it need be."""

from __future__ import annotations

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
    """Delete all that the store knows of a customer; the number of rows."""
    return project.ledger.erase(customer)


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
