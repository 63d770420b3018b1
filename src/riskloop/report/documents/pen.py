"""The pen: writes values in the language of a document, each with the plain value behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from riskloop.report.documents.tree import Fact, Open, Value
from riskloop.report.words import Language, Say, number, percent, shown, speak, written

SHARES = frozenset({"accuracy", "precision", "recall", "act_rate", "prevalence"})
"""Metrics that are written as percentages."""
_DASH = "–"


@dataclass(frozen=True)
class Pen:
    """Writes in a language, and in a currency."""

    language: Language = "en"
    currency: str = ""

    @cached_property
    def say(self) -> Say:
        return speak(self.language)

    def knows(self, key: str) -> bool:
        """Whether there are words for it."""
        from riskloop.report.words import LANGUAGES

        return key in LANGUAGES[self.language]

    def words(self, key: str, otherwise: str | None = None, **values: object) -> Value:
        """A sentence of ours, or the bare word of the system where there are none."""
        if not self.knows(key):
            return self.text(key if otherwise is None else otherwise)
        return self.sentence(self.say(key, **values))

    def sentence(self, text: str) -> Value:
        """Words that are in the language already."""
        return Value(text, text)

    def text(self, text: object, longest: int = 200) -> Value:
        """What stands in a table or was typed by somebody: in one line, nothing invisible, shortened."""
        return Value(shown(str(text), longest) or _DASH, str(text))

    def told(self, text: object) -> Value:
        """A sentence that the system wrote when it trained, in English."""
        return Value(shown(str(text), 600) or _DASH, str(text), english=self.language != "en")

    def code(self, text: object, longest: int = 200) -> Value:
        """A name, a hash or a command."""
        return Value(shown(str(text), longest) or _DASH, str(text), code=True)

    def yes(self, known: bool) -> Value:
        """Yes or no."""
        return Value(self.say("yes" if known else "no"), known)

    def open(self, role: str, key: str) -> Open:
        """What somebody must complete."""
        name = self.say(f"role_{role}")
        return Open(role, self.say("to_be_completed", role=name, what=self.say(f"open_{key}")))

    def fact(self, key: str, value: Value | Open) -> Fact:
        """A point, under the label that the key has."""
        return Fact(key, self.say(f"fact_{key}"), value)

    # Numbers

    def number(self, value: float | None) -> Value:
        """A number of about four digits."""
        return self._value(number(value), value)

    def fixed(self, value: float | None, digits: int = 3) -> Value:
        """A number of so many decimals."""
        return self._value(_fixed(value, digits), value)

    def count(self, value: float | None) -> Value:
        """A whole number."""
        return self._value(_DASH if value is None else f"{value:,.0f}", value)

    def percent(self, share: float | None) -> Value:
        """A share as a percentage."""
        return self._value(percent(share), share)

    def share(self, share: float | None) -> Value:
        """A share that is a setting: 95%, not 95.0%."""
        return self._value(_whole(share), share)

    def money(self, amount: float | None) -> Value:
        """An amount in the pen's currency."""
        bare = self._value(_money(amount), amount)
        return Value(f"{bare.text}\N{NO-BREAK SPACE}{shown(self.currency, 12)}", bare.raw)

    def interval(self, one: Mapping[str, Any] | None, how: str = "fixed", *, unit: str = "") -> Value:
        """A value with the ends of its interval; ``how`` is a key of `_WRITE`."""
        if not one or one.get("value") is None:
            return Value(_DASH, dict(one) if one else None)
        write = _WRITE[how]
        ends = [self._written(write(one[end])) for end in ("low", "high")]
        between = "\N{NO-BREAK SPACE}; " if self.language == "fr" else ", "
        text = f"{self._written(write(one['value']))} [{between.join(ends)}]"
        return Value(f"{text}\N{NO-BREAK SPACE}{shown(unit, 12)}" if unit else text, dict(one))

    def metric(self, name: str, among: Mapping[str, Any]) -> Value:
        """A metric of those measured, with its interval where it has one: a share, an amount, or a bare number."""
        one = among.get(name)
        how = "money" if name == "cost_per_thousand" else "percent" if name in SHARES else "fixed"
        if one is None or one["value"] is None or one["low"] is not None:
            return self.interval(one, how, unit=self.currency if how == "money" else "")
        write = {"money": self.money, "percent": self.percent, "fixed": self.fixed}[how]
        return write(one["value"])

    def moment(self, when: datetime) -> Value:
        """A time, to the minute."""
        return Value(when.strftime("%Y-%m-%d %H:%M %Z").strip(), when.isoformat())

    def plain(self, amount: float | None, how: str = "fixed") -> str:
        """Only the text of a number, to put into a sentence."""
        return self._written(_WRITE[how](amount))

    def _value(self, text: str, raw: float | None) -> Value:
        return Value(self._written(text), None if raw is None or not math.isfinite(raw) else raw)

    def _written(self, text: str) -> str:
        return written(text, self.language)


def _fixed(value: float | None, digits: int = 3) -> str:
    if value is None or not math.isfinite(value):
        return _DASH
    small = value and abs(value) < 10.0**-digits
    return f"{value:.2g}" if small else f"{value:.{digits}f}"


def _two(value: float | None) -> str:
    return _fixed(value, 2)


def _money(amount: float | None) -> str:
    if amount is None or not math.isfinite(amount):
        return _DASH
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount + 0.0:.3g}"


def _whole(share: float | None) -> str:
    return _DASH if share is None else f"{share * 100:.4g}%"


def _brief(amount: float | None) -> str:
    """For the marks of an axis: at most five characters."""
    if amount is None:
        return _DASH
    for power, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(amount) >= power:
            return f"{amount / power:.3g}{letter}"
    return f"{amount:.3g}"


_WRITE: Mapping[str, Callable[[float | None], str]] = {
    "fixed": _fixed,
    "plain": _two,
    "percent": percent,
    "small": number,
    "whole": _whole,
    "money": _money,
    "brief": _brief,
}
