"""Estimates: what was expected of a window before its outcomes were known. Written once, never altered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine, func, insert, select

from riskloop.keep.database import reading, serialised
from riskloop.keep.tables import estimates
from riskloop.watch.windows import Period, Window

Method = Literal["plain", "weighted"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was expected of a version's decisions in a window, by one metric.

    Attributes
    ----------
    version : int
    period : {"hour", "day", "week", "month"}
    start, end : datetime
        The window, half open.
    method : {"plain", "weighted"}
    metric : str
    rows : int
        Decisions that were there when it was made.
    value, low, high : float
        Where the realised value was to lie with 95 % confidence.
    made_at : datetime
    basis : mapping
        Plain JSON values: what a weighted estimate rests on, or why there is none.
    """

    version: int
    period: Period
    start: datetime
    end: datetime
    method: Method
    metric: str
    rows: int
    value: float
    low: float
    high: float
    made_at: datetime
    basis: Mapping[str, Any] = field(default_factory=dict)

    @property
    def window(self) -> Window:
        return Window(self.start, self.end)


class Estimates:
    """Estimates, in SQL. Safe to share between threads and processes.

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

    def keep(self, made: Sequence[Estimate]) -> int:
        """Write what is not there yet; how many. What stands for a window is never replaced.

        Of two that estimate the same window at once, the first one's estimates stand, whole.
        """
        fresh = []
        with serialised(self._engine) as connection:
            for version in {one.version for one in made}:
                there = {
                    (row.period, row.start)
                    for row in connection.execute(
                        select(estimates.c.period, estimates.c.start).where(estimates.c.version == version).distinct()
                    )
                }
                fresh += [one for one in made if one.version == version and (one.period, one.start) not in there]
            if fresh:
                connection.execute(insert(estimates), [asdict(one) for one in fresh])
        return len(fresh)

    def of(self, version: int | None = None, period: Period | None = None) -> tuple[Estimate, ...]:
        """Estimates in the order of their windows, of a version and of a period if named."""
        wanted = [estimates.c.version == version] if version is not None else []
        wanted += [estimates.c.period == period] if period is not None else []
        query = select(*_COLUMNS).where(*wanted).order_by(estimates.c.start, estimates.c.seq)
        with reading(self._engine) as connection:
            return tuple(Estimate(**row._asdict()) for row in connection.execute(query))

    def last(self, period: Period) -> datetime | None:
        """The end of the last window that has been estimated."""
        with reading(self._engine) as connection:
            last: datetime | None = connection.scalar(
                select(func.max(estimates.c.end)).where(estimates.c.period == period)
            )
            return last


_COLUMNS = [column for column in estimates.c if column.name != "seq"]
