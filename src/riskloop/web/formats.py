"""How numbers, money, shares and times are written in a language (Babel)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from riskloop.report.words import Language

NOTHING = "–"


@dataclass(frozen=True)
class Formats:
    """Writes values for people. Every method writes a dash for what is not there."""

    language: Language

    def count(self, value: float | None) -> str:
        """A whole number: 1,234."""
        return NOTHING if _none(value) else _decimal(self.language, "#,##0")(value)

    def number(self, value: float | None) -> str:
        """A number with about four digits."""
        if value is None or math.isnan(value):
            return NOTHING
        size = abs(value)
        if size >= 1000 or value == round(value):
            return self.count(value)
        digits = 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 1 else 4
        if 0 < size < 0.001:
            return _decimal(self.language, "0.##E0")(value)
        return _decimal(self.language, "#,##0." + "#" * digits)(value)

    def fixed(self, value: float | None, digits: int) -> str:
        """A number with so many digits after the point; nothing has no sign."""
        if value is None or math.isnan(value):
            return NOTHING
        return _decimal(self.language, "#,##0." + "0" * digits)(round(value, digits) + 0.0)

    def three(self, value: float | None) -> str:
        """A number with three digits after the point."""
        return self.fixed(value, 3)

    def signed(self, value: float | None, digits: int = 2) -> str:
        """A number with its sign."""
        if value is None or math.isnan(value):
            return NOTHING
        text = self.fixed(value, digits)
        return text if text.startswith("-") else f"+{text}"

    def plain(self, value: float | str | None) -> str:
        """A value of a customer, whatever it is."""
        return value if isinstance(value, str) else self.number(value)

    def share(self, value: float | None, digits: int | None = None) -> str:
        """A share as a percentage, finer where it is small."""
        if value is None or math.isnan(value):
            return NOTHING
        if digits is None:
            digits = 0 if value in (0, 1) else 2 if abs(value) < 0.01 else 1
        return _percent(self.language, "#,##0" + ("." + "0" * digits if digits else ""))(value)

    def money(self, value: float | None, currency: str, *, signed: bool = False) -> str:
        """An amount: whole from 100 on."""
        if value is None or math.isnan(value):
            return NOTHING
        digits = "" if abs(value) >= 100 or value == round(value) else ".00"
        if len(currency) != 3:
            text = f"{_decimal(self.language, '#,##0' + digits)(value)}\N{NO-BREAK SPACE}{currency}"
        else:
            pattern = f"¤#,##0{digits}" if self.language == "en" else f"#,##0{digits}\N{NO-BREAK SPACE}¤"
            text = _currency(self.language, pattern)(value, currency)
        return f"+{text}" if signed and value > 0 else text

    def moment(self, at: datetime | None) -> str:
        """Date and time, in UTC."""
        if at is None:
            return NOTHING
        return f"{_moment(self.language, 'd MMM y, HH:mm')(at.astimezone(UTC))}\N{NO-BREAK SPACE}UTC"

    def day(self, at: datetime | None) -> str:
        """The date."""
        return NOTHING if at is None else _moment(self.language, "d MMM y")(at)

    def ago(self, at: datetime | None, now: datetime) -> str:
        """How long before now: 3 days ago."""
        return NOTHING if at is None else _ago(self.language)(at - now)

    def lasting(self, since: datetime, now: datetime) -> str:
        """How long since then: 3 days."""
        return _lasting(self.language)(now - since)

    def interval(self, low: float | None, high: float | None, write: Callable[[float | None], str]) -> str:
        """Both ends of an interval."""
        return f"[{write(low)}; {write(high)}]" if self.language == "fr" else f"[{write(low)}, {write(high)}]"


def _none(value: float | None) -> bool:
    return value is None or math.isnan(value)


# Babel is loaded when the first page is asked for, and a pattern is read once.


@cache
def _decimal(language: Language, pattern: str) -> Callable[..., str]:
    from babel.core import Locale
    from babel.numbers import parse_pattern

    locale, parsed = Locale(language), parse_pattern(pattern)
    return lambda value: str(parsed.apply(value, locale))


@cache
def _percent(language: Language, pattern: str) -> Callable[..., str]:
    return _decimal(language, pattern + ("%" if language == "en" else "\N{NO-BREAK SPACE}%"))


@cache
def _currency(language: Language, pattern: str) -> Callable[..., str]:
    from babel.core import Locale
    from babel.numbers import parse_pattern

    locale, parsed = Locale(language), parse_pattern(pattern)
    return lambda value, currency: str(parsed.apply(value, locale, currency=currency, currency_digits=False))


@cache
def _moment(language: Language, form: str) -> Callable[[datetime], str]:
    from babel.dates import format_datetime

    return lambda at: format_datetime(at, form, locale=language)


@cache
def _ago(language: Language) -> Callable[..., str]:
    from babel.dates import format_timedelta

    return lambda delta: format_timedelta(delta, add_direction=True, locale=language)


@cache
def _lasting(language: Language) -> Callable[..., str]:
    from babel.dates import format_timedelta

    return lambda delta: format_timedelta(delta, locale=language)
