"""Profiles of the ledger by window of time: what was counted once is not counted again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select

from riskloop.keep.database import reading, serialised
from riskloop.keep.tables import profiles

ALL = "*"
"""The arm that stands for all of them but shadows."""


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """What a version decided in one window.

    Attributes
    ----------
    version : int
    arm : str
        ``champion``, ``batch`` ..., or ``*`` for all that decided.
    segment : str
        Empty for all customers; ``column=level``; or ``column=`` alone, which says that its levels were counted.
    period : {"hour", "day"}
    start : datetime
        Of the window.
    rows : int
        Predictions counted in it.
    seen : int
        Predictions of any version that the ledger held of the window: where there are more now, some came late.
    profile : bytes
        As `riskloop.watch.packed` writes it; empty where there are no rows.
    groups : mapping of str to mapping of str to (int, int)
        By protected attribute and level: customers acted on, and customers.
    made_at : datetime
    """

    version: int
    arm: str
    segment: str
    period: str
    start: datetime
    rows: int
    seen: int
    profile: bytes
    made_at: datetime
    groups: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)


class Profiles:
    """The table of profiles. Safe to share between threads and processes.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def seen(self, version: int, period: str, segment: str = "") -> dict[datetime, int]:
        """By window that is stored, how many predictions the ledger held of it."""
        c = profiles.c
        query = select(c.start, c.seen).where(
            c.version == version, c.arm == ALL, c.segment == segment, c.period == period
        )
        with reading(self._engine) as connection:
            return {row.start: row.seen for row in connection.execute(query)}

    def put(self, made: Sequence[StoredProfile]) -> None:
        """Store windows in one transaction, each in place of what was stored of it: twice is as good as once.

        A window whose stored profile has seen more predictions is left as it is: somebody else was later.
        """
        with serialised(self._engine) as connection:
            c = profiles.c
            for one in made:
                key = (
                    (c.version == one.version)
                    & (c.arm == one.arm)
                    & (c.segment == one.segment)
                    & (c.period == one.period)
                    & (c.start == one.start)
                )
                known = connection.scalar(select(c.seen).where(key))
                if known is not None and known > one.seen:
                    continue
                connection.execute(delete(profiles).where(key))
                connection.execute(insert(profiles), asdict(one))

    def list(
        self,
        version: int,
        period: str,
        *,
        arm: str = ALL,
        segment: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[StoredProfile, ...]:
        """The windows that start at or after ``since`` and before ``until``, the oldest first."""
        c = profiles.c
        query = select(profiles).where(c.version == version, c.arm == arm, c.segment == segment, c.period == period)
        query = query if since is None else query.where(c.start >= since)
        query = (query if until is None else query.where(c.start < until)).order_by(c.start)
        with reading(self._engine) as connection:
            return tuple(StoredProfile(**row) for row in connection.execute(query).mappings())

    def arms(self, version: int, period: str) -> tuple[str, ...]:
        """The arms that have windows, in the order of the alphabet."""
        return self._distinct(version, period, "arm", "")

    def levels(self, version: int, period: str, column: str) -> tuple[str, ...]:
        """The levels of a column that have windows."""
        found = self._distinct(version, period, "segment", f"{column}=")
        return tuple(one[len(column) + 1 :] for one in found if len(one) > len(column) + 1)

    def _distinct(self, version: int, period: str, name: str, start: str) -> tuple[str, ...]:
        c = profiles.c
        query = select(c[name]).where(
            c.version == version, c.period == period, c[name].startswith(start, autoescape=True)
        )
        query = query.where(c.segment == "") if name == "arm" else query
        with reading(self._engine) as connection:
            return tuple(connection.scalars(query.distinct().order_by(c[name])))
