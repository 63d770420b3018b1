"""Points in time as the stores keep them: UTC text that sorts as it reads."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator

from riskloop.errors import UsageError


@lru_cache(maxsize=16)  # those decided together were decided at one time
def utc_text(at: datetime) -> str:
    """``at`` as ``2026-11-21T08:30:00.000000Z``: fixed width, so that text order is time order.

    Raises
    ------
    UsageError
        If ``at`` has no timezone: an hour without its place is not a point in time.
    """
    if at.tzinfo is None:
        raise UsageError(f"The time {at.isoformat()} has no timezone.", next_step="give an aware datetime, e.g. in UTC")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def from_utc_text(text: str) -> datetime:
    """The aware datetime behind :func:`utc_text`."""
    return datetime.fromisoformat(text)


class Instant(TypeDecorator[datetime]):
    """A column of aware datetimes, kept as :func:`utc_text`.

    Text, because the hash chain must read back what it hashed on every database, and because an auditor reads the
    table with any tool.
    """

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """See SQLAlchemy."""
        return None if value is None else utc_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """See SQLAlchemy."""
        return None if value is None else from_utc_text(value)
