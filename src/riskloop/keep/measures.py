"""The latest value of each measure that alerts are judged by: what dashboards show of drift and performance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select

from riskloop.intervals import finite
from riskloop.keep.database import reading, serialised
from riskloop.keep.tables import measures
from riskloop.watch.alerts import Fact

KEPT = timedelta(days=90)
"""What has not been measured for so long is forgotten: versions that no longer lead leave subjects behind."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure of something, as it was found last.

    Attributes
    ----------
    measure, subject : str
        As in `riskloop.watch.alerts.Fact`.
    value, low, high : float or None
        With its 95 % interval; what is counted and not estimated lies at both ends. None where it is not defined.
    at : datetime
        When; aware.
    """

    measure: str
    subject: str
    value: float | None
    low: float | None
    high: float | None
    at: datetime


class Measures:
    """The latest measures, in SQL. Safe to share between threads and processes.

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

    def keep(self, facts: Iterable[Fact], at: datetime) -> None:
        """Put facts in the place of what was known of the same measures and subjects."""
        found = {(fact.measure, fact.subject): _measured(fact, at) for fact in facts}
        m = measures.c
        with serialised(self._engine) as connection:
            connection.execute(delete(measures).where(m.at < at - KEPT))
            for measure, subject in found:
                connection.execute(delete(measures).where(m.measure == measure, m.subject == subject))
            if found:
                connection.execute(insert(measures), [asdict(one) for one in found.values()])

    def all(self) -> tuple[Measured, ...]:
        """Every one of them, by measure and subject."""
        query = select(measures).order_by(measures.c.measure, measures.c.subject)
        with reading(self._engine) as connection:
            return tuple(Measured(**row._mapping) for row in connection.execute(query))


def _measured(fact: Fact, at: datetime) -> Measured:
    value, low, high = (finite(fact.value if end is None else end) for end in (fact.value, fact.low, fact.high))
    return Measured(fact.measure, fact.subject, value, low, high, at)
