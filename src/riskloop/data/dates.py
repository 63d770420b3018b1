"""Dates as days since 1970-01-01 (UTC), to the second: reading, writing, and their parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

SECONDS = 86_400
"""Seconds of a day."""
FIRST_DAY, LAST_DAY = -719_162, 2_932_897
"""The years 1 to 9999: from the first of these days to before the last."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))?)?",
    re.ASCII,
)


def days_of(text: str) -> float | None:
    """Days since 1970-01-01, with the time of day as a fraction; None if the text is no ISO 8601 date or timestamp.

    A timestamp with an offset is brought to UTC, one without is taken as UTC. Fractions of a second are cut off.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    *fields, sign, hours, minutes = match.groups()
    try:
        local = datetime(*(int(field or 0) for field in fields), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    offset = (int(hours) * 60 + int(minutes)) * 60 * (-1 if sign == "-" else 1) if sign else 0
    since = local - _EPOCH
    days = (since.days * SECONDS + since.seconds - offset) / SECONDS
    return days if FIRST_DAY <= days < LAST_DAY else None


def text_of(days: float) -> str:
    """The ISO text that is read as so many days: a date, or a timestamp where there is a time of day."""
    moment = _EPOCH + timedelta(seconds=round(days * SECONDS))
    return moment.replace(tzinfo=None).isoformat() if days % 1 else moment.date().isoformat()


def _whole(days: Any) -> Any:
    return np.floor(np.rint(days * SECONDS) / SECONDS)


def _civil(days: Any) -> tuple[Any, Any, Any]:
    """Year, month and day of the Gregorian calendar (Hinnant, 2013, `civil_from_days`); NaN stays NaN."""
    shifted = _whole(days) + 719_468
    era = np.floor(shifted / 146_097)
    of_era = shifted - era * 146_097
    year = np.floor((of_era - np.floor(of_era / 1_460) + np.floor(of_era / 36_524) - np.floor(of_era / 146_096)) / 365)
    of_year = of_era - (365 * year + np.floor(year / 4) - np.floor(year / 100))
    from_march = np.floor((5 * of_year + 2) / 153)
    day = of_year - np.floor((153 * from_march + 2) / 5) + 1
    month = np.where(from_march < 10, from_march + 3, from_march - 9)
    return year + 400 * era + (month <= 2), month, day


def _weekday(days: Any) -> Any:
    return np.mod(_whole(days) + 3, 7)


def _hour(days: Any) -> Any:
    return np.mod(np.floor(np.rint(days * SECONDS) / 3600), 24)


PARTS: dict[str, Callable[[Any], Any]] = {
    "year": lambda days: _civil(days)[0],
    "month": lambda days: _civil(days)[1],
    "day": lambda days: _civil(days)[2],
    "quarter": lambda days: np.ceil(_civil(days)[1] / 3),
    "weekday": _weekday,
    "is_weekend": lambda days: np.where(np.isnan(days), np.nan, _weekday(days) >= 5),
    "hour": _hour,
}
"""Parts of a date by name, each a function of days since 1970-01-01; Monday is weekday 0, and missing stays NaN."""
