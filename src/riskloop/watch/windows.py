"""Windows of time: hours, days, weeks and months in UTC, half open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Period = Literal["hour", "day", "week", "month"]


@dataclass(frozen=True, order=True, slots=True)
class Window:
    """From start, up to and without end; both aware, in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def window_of(moment: datetime, period: Period) -> Window:
    """The window that a moment lies in; weeks begin on Monday.

    Raises
    ------
    ValueError
        If the moment has no timezone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a timezone")
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if period == "hour":
        return Window(hour, hour + timedelta(hours=1))
    day = hour.replace(hour=0)
    if period == "day":
        return Window(day, day + timedelta(days=1))
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return Window(monday, monday + timedelta(days=7))
    first = day.replace(day=1)
    return Window(first, (first + timedelta(days=32)).replace(day=1))
