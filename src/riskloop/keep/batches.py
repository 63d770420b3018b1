"""Batches of a watched folder that were monitored, so that each is so once: also after a restart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine, delete, insert, select

from riskloop.keep.database import reading, writing
from riskloop.keep.tables import batches

Verdict = Literal["stable", "season", "watch", "drifted", "failed"]


@dataclass(frozen=True, slots=True)
class Batch:
    """One file, and what became of it.

    Attributes
    ----------
    name : str
        Of the file, without its folder.
    digest : str
        SHA-256 of its content: a file that is written anew under its old name is another batch.
    size : int
        Bytes.
    verdict : {"stable", "watch", "drifted", "failed"}
    version : int or None
        That it was held against.
    told : str
        The verdict in a sentence; of one that failed, why.
    at : datetime
        When; aware.
    """

    name: str
    digest: str
    size: int
    verdict: Verdict
    version: int | None
    told: str
    at: datetime


class Batches:
    """What is remembered of batches.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.

    Notes
    -----
    Every method raises Unavailable when the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, batch: Batch) -> None:
        """Remember it; what was remembered of the same content under the same name is forgotten."""
        same = (batches.c.name == batch.name) & (batches.c.digest == batch.digest)
        with writing(self._engine) as connection:
            connection.execute(delete(batches).where(same))
            connection.execute(insert(batches).values(**asdict(batch)))

    def get(self, name: str, digest: str) -> Batch | None:
        """What became of this content under this name; None if it has not been monitored."""
        query = select(batches).where(batches.c.name == name, batches.c.digest == digest)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Batch(**row._mapping)

    def all(self) -> list[Batch]:
        """Every one of them, the earliest monitored first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(batches).order_by(batches.c.at, batches.c.name)).all()
        return [Batch(**row._mapping) for row in rows]
