"""The record of retrainings: why each was begun, on what, what the gate said, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine, insert, select, update

from riskloop.keep.database import reading, writing
from riskloop.keep.tables import retrainings

Result = Literal["running", "promoted", "requested", "challenging", "proposed", "refused", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Retraining:
    """One retraining.

    Attributes
    ----------
    seq : int
    started_at, finished_at : datetime, datetime or None
    actor : str
        Who was at work.
    champion : int or None
        Who led when it began.
    reasons : list of str
        Why, a sentence each.
    data : dict
        The table it learnt from (plain JSON values): path, sha256, rows and where they come from.
    version : int or None
        The version it made.
    gate : list of dict
        What the gate said.
    difference : dict or None
        In cost per 1,000 to the champion on the newest customers; below 0 the new version is cheaper.
    result : str
        ``running``, ``promoted``, ``requested`` (waits for a second person), ``challenging`` (an A/B test runs),
        ``proposed`` (accepted, and nobody has decided), ``refused`` (by the gate), ``failed``, ``interrupted``.
    told : str
        The result in one sentence.
    """

    seq: int
    started_at: datetime
    actor: str
    reasons: list[str]
    champion: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    finished_at: datetime | None = None
    version: int | None = None
    gate: list[dict[str, Any]] = field(default_factory=list)
    difference: dict[str, Any] | None = None
    result: Result = "running"
    told: str = ""


class Retrainings:
    """The table of retrainings.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, *, at: datetime, actor: str, reasons: Sequence[str], champion: int | None) -> int:
        """Record that one begins; its number."""
        fields = {"started_at": at, "actor": actor, "reasons": list(reasons), "champion": champion}
        rest: dict[str, Any] = {"data": {}, "gate": [], "result": "running", "told": ""}
        with writing(self._engine) as connection:
            key = connection.execute(insert(retrainings).values(fields | rest)).inserted_primary_key
        return int(key[0]) if key else 0

    def note(self, seq: int, **fields: Any) -> None:
        """Add what is known by now; for the names see `Retraining`."""
        with writing(self._engine) as connection:
            connection.execute(update(retrainings).where(retrainings.c.seq == seq).values(fields))

    def list(self) -> tuple[Retraining, ...]:
        """All of them, the oldest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(retrainings).order_by(retrainings.c.seq)).mappings()
            return tuple(_retraining(row) for row in rows)

    def unfinished(self) -> tuple[Retraining, ...]:
        """Those that were begun and not ended, the oldest first."""
        return tuple(one for one in self.list() if one.result in ("running", "interrupted"))

    def of_version(self, version: int) -> Retraining | None:
        """The one that made a version."""
        return next((one for one in self.list() if one.version == version), None)


def _retraining(row: Mapping[Any, Any]) -> Retraining:
    return Retraining(**{str(name): value for name, value in row.items()})
