"""The rules of one column: how a raw value becomes a number or a code, and what breaks them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

from riskloop.data.dates import days_of
from riskloop.errors import ConfigError

MISSING_CODE = -1
LARGEST_NUMBER = 1e15
"""Beyond this a float64 no longer holds every integer: an id or a fault, not a measurement."""

BLANKS = (
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What is stripped from a text: spelt out, because Python's and Polars' own ideas of white space differ."""

_NUMBERS = frozenset({float, int})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class BrokenRule(Exception):
    """A value that breaks a rule of its column; turned into a Breach by this package.

    The hint is a function: suggestions are slow to find, and of a thousand offenders only the first is described.
    """

    def __init__(self, code: str, text: str, hint: Callable[[], str] = str) -> None:
        super().__init__(text)
        self.code = code
        self._text = text
        self._hint = hint

    def describe(self) -> str:
        """The rule in words, with an example of a value that breaks it."""
        return self._text + self._hint()


@dataclass(frozen=True)
class Column:
    """The rules of one column.

    Attributes
    ----------
    name : str
    type : {"number", "category", "date"}
        A date is read from ISO 8601 text (`riskloop.data.dates`) and serves derived features only.
    levels : tuple of str
        The known categories; a value's position is its code.
    minimum, maximum : float or None
        Hard limits of a number; outside is a breach.
    nullable : bool
        Whether a single value may be missing.
    max_missing : float
        Largest share of missing values that a table may have.
    missing_values : tuple of str
        Texts that mean "missing" here, beside a blank cell. Anything else that looks missing ("NA", "None") is text.
    unknown : {"reject", "bin", "coerce"}
        What an unseen category becomes: a breach, the unknown bin, or a missing value.
    aliases : tuple of (str, str)
        Texts that stand for a level: ``("NL", "Netherlands")``.
    ignore_case : bool
        Whether ``france`` and ``FRANCE`` are the level ``France``.
    monotone : {"", "increasing", "decreasing"}
        How the risk may change with a number, all else equal; see `riskloop.scorer.encoding.Encoding.monotone`.
    personal : bool
        Whether values say too much of a person to be quoted where something is wrong with them.
    """

    name: str
    type: Literal["number", "category", "date"] = "number"
    levels: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = False
    max_missing: float = 0.05
    missing_values: tuple[str, ...] = ()
    unknown: Literal["reject", "bin", "coerce"] = "reject"
    aliases: tuple[tuple[str, str], ...] = ()
    ignore_case: bool = False
    monotone: Literal["", "increasing", "decreasing"] = ""
    personal: bool = False

    @cached_property
    def codes(self) -> dict[str, int]:
        """Code of every text that stands for a level."""
        codes = {self._folded(level): code for code, level in enumerate(self.levels)}
        return codes | {self._folded(alias): codes[self._folded(level)] for alias, level in self.aliases}

    @cached_property
    def missing_texts(self) -> frozenset[str]:
        """The texts that mean "missing", a blank cell among them."""
        return frozenset({"", *(self._folded(text.strip(BLANKS)) for text in self.missing_values)})

    @cached_property
    def missing_numbers(self) -> frozenset[float]:
        """The numbers that mean "missing": 999 does so as a text, as 999.0 and as a JSON number."""
        return frozenset(float(text) for text in self.missing_texts if is_number(text))

    @cached_property
    def missing_days(self) -> frozenset[float]:
        """The dates that mean "missing", however they are written."""
        return frozenset(days for days in map(days_of, self.missing_texts) if days is not None)

    @property
    def blank(self) -> float:
        """What a missing value is decoded to."""
        return MISSING_CODE if self.type == "category" else math.nan

    def read(self, value: object, *, typed: bool) -> float:
        """Decode one value; ``typed`` values (JSON) must have the right type, others (CSV) are text.

        Raises
        ------
        BrokenRule
            If the value breaks a rule.
        """
        decode = {"number": self._number, "category": self._category, "date": self._date}[self.type]
        decoded = None if value is None else decode(value, typed)
        if decoded is not None:
            return decoded
        if not self.nullable:
            raise BrokenRule("missing", "a value is required")
        return self.blank

    @cached_property
    def usual(self) -> Callable[[object], float]:
        """What ``read`` makes of a typed value, in a fraction of the time where it is as it should be."""
        return self._quick(typed=True)

    @cached_property
    def usual_text(self) -> Callable[[object], float]:
        """What ``read`` makes of a value that may be text, in a fraction of the time where it is typed."""
        return self._quick(typed=False)

    def _quick(self, *, typed: bool) -> Callable[[object], float]:
        read = partial(self.read, typed=typed)
        if self.type == "category":
            codes = {text: float(code) for text in self.codes if (code := self._code_as_written(text)) is not None}

            def category(value: Any) -> float:
                code = codes.get(value) if type(value) is str else None
                return read(value) if code is None else code

            return category
        if self.type != "number":
            return read
        low = max(-LARGEST_NUMBER, -LARGEST_NUMBER if self.minimum is None else self.minimum)
        high = min(LARGEST_NUMBER, LARGEST_NUMBER if self.maximum is None else self.maximum)
        missing = self.missing_numbers

        def number(value: Any) -> float:
            if type(value) in _NUMBERS and low <= value <= high and value not in missing:
                return float(value)
            return read(value)

        def plain_number(value: Any) -> float:
            return value if type(value) is float and low <= value <= high else number(value)

        def text_number(value: Any) -> float:
            if type(value) is str and is_number(value):
                told = float(value)
                if low <= told <= high and told not in missing:
                    return told
            return number(value)

        if not typed:
            return text_number
        return number if missing else plain_number

    def _code_as_written(self, text: str) -> int | None:
        """The code of a text; None where it takes more than to look it up."""
        try:
            code = self._category(text, True)
        except BrokenRule:
            return None
        return code if code is not None and self.codes[text] == code else None

    def _number(self, value: object, typed: bool) -> float | None:
        if isinstance(value, str):
            value = value.strip(BLANKS)
            if self._folded(value) in self.missing_texts:
                return None
            if typed or not is_number(value):
                raise BrokenRule("not-a-number", f"expected a number, got {self._quoted(value)}")
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BrokenRule("not-a-number", f"expected a number, got {self._quoted(value)}")
        try:
            number = float(value)
        except OverflowError:
            raise BrokenRule("too-large", f"larger than {LARGEST_NUMBER:g}") from None
        if number != number or number in self.missing_numbers:
            return None
        self.check(number)
        return number

    def check(self, number: float) -> None:
        """Hold one finite number against the limits."""
        if not math.isfinite(number):
            raise BrokenRule("not-finite", "expected a finite number, got infinity")
        if abs(number) > LARGEST_NUMBER:
            raise BrokenRule("too-large", f"{self._quoted(number)} is larger than {LARGEST_NUMBER:g}")
        if self.minimum is not None and number < self.minimum:
            raise BrokenRule("below-minimum", f"{self._quoted(number)} is below the minimum {self.minimum:g}")
        if self.maximum is not None and number > self.maximum:
            raise BrokenRule("above-maximum", f"{self._quoted(number)} is above the maximum {self.maximum:g}")

    def _category(self, value: object, _typed: bool) -> int | None:
        text = category_text(value)
        if text is None:
            if value != value:
                return None
            raise BrokenRule("not-a-category", f"expected a text, got {self._quoted(value)}")
        if self._folded(text) in self.missing_texts:
            return None
        code = self.codes.get(self._folded(text))
        if code is not None:
            return code
        if self.unknown == "coerce":
            return None
        if self.unknown == "bin":
            return len(self.levels)
        raise BrokenRule(
            "unknown-category", f"{self._quoted(text)} is not one of ", lambda: _choices(text, self.levels)
        )

    def _date(self, value: object, _typed: bool) -> float | None:
        if value != value:
            return None
        cell = value.strip(BLANKS) if isinstance(value, str) else value
        if isinstance(cell, str) and self._folded(cell) in self.missing_texts:
            return None
        days = days_of(cell) if isinstance(cell, str) else None
        if days is None:
            raise BrokenRule("not-a-date", f"expected a date such as 2026-01-31, got {self._quoted(cell)}")
        return None if days in self.missing_days else days

    def _quoted(self, value: object) -> str:
        if self.personal:
            return "(hidden)"
        return f"{value:g}" if isinstance(value, float) else _shown(value)

    def _folded(self, text: str) -> str:
        return text.casefold() if self.ignore_case else text

    def to_dict(self) -> dict[str, Any]:
        """Plain values; defaults are left out."""
        fields: dict[str, Any] = {"type": self.type}
        if self.type == "category":
            fields |= {"levels": list(self.levels), "unknown": self.unknown}
        optional: dict[str, Any] = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "nullable": self.nullable or None,
            "max_missing": self.max_missing if self.max_missing != 0.05 else None,
            "missing_values": list(self.missing_values) or None,
            "aliases": dict(self.aliases) or None,
            "ignore_case": self.ignore_case or None,
            "monotone": self.monotone or None,
            "personal": self.personal or None,
        }
        return fields | {key: value for key, value in optional.items() if value is not None}

    @classmethod
    def from_dict(cls, name: str, fields: Mapping[str, Any]) -> Column:
        """Inverse of `to_dict`.

        Raises
        ------
        ConfigError
            For an unknown rule or a value of the wrong type, naming the column.
        """
        _check_fields(name, fields)
        values = dict(fields)
        for key in ("levels", "missing_values"):
            if key in values:
                values[key] = _texts(name, key, values[key])
        if "aliases" in values:
            levels = _texts(name, "aliases", list(values["aliases"].values()))
            values["aliases"] = tuple(zip(_texts(name, "aliases", list(values["aliases"])), levels, strict=True))
        for key in ("minimum", "maximum"):
            if values.get(key) is not None:
                values[key] = float(values[key])
        column = cls(name=name, **values)
        _check_sense(column)
        return column


def is_number(text: str) -> bool:
    """Whether a stripped text is a number as the contract reads it: no ``nan``, no ``1_000``, no ``1,5``."""
    return _NUMBER.fullmatch(text) is not None


def category_text(value: object) -> str | None:
    """The level a raw value stands for; None if it cannot be one."""
    if isinstance(value, str):
        return value.strip(BLANKS)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and abs(value) <= LARGEST_NUMBER:
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``" (did you mean 'age'?)"`` or an empty text."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6) if len(name) <= 100 else []
    return f" (did you mean {close[0]!r}?)" if close else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _choices(value: str, levels: Sequence[str]) -> str:
    if len(levels) <= 12:
        return ", ".join(repr(level) for level in levels)
    return f"the {len(levels)} known categories{did_you_mean(value, levels)}"


def _texts(name: str, key: str, items: Sequence[object]) -> tuple[str, ...]:
    """Unquoted, YAML reads yes, null and 2026-01-31 as something else than text."""
    texts = []
    for item in items:
        text = None if isinstance(item, bool) else category_text(item)
        if text is None:
            raise ConfigError(
                f"{key} holds {item!r}, which is no text.",
                where=f"contract, column {name!r}",
                next_step="put it in quotes, e.g. 'yes'",
            )
        texts.append(text)
    return tuple(texts)


_RULES: dict[str, type | tuple[type, ...]] = {
    "type": str,
    "levels": (list, tuple),
    "minimum": (int, float, type(None)),
    "maximum": (int, float, type(None)),
    "nullable": bool,
    "max_missing": (int, float),
    "missing_values": (list, tuple),
    "unknown": str,
    "aliases": dict,
    "ignore_case": bool,
    "monotone": str,
    "personal": bool,
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "type": ("number", "category", "date"),
    "unknown": ("reject", "bin", "coerce"),
    "monotone": ("increasing", "decreasing", ""),
}


def _check_fields(name: str, fields: Mapping[str, Any]) -> None:
    where = f"contract, column {name!r}"
    if not isinstance(fields, Mapping):
        raise ConfigError(
            "The rules of a column must be a mapping.", where=where, next_step="write one a line below it: type: number"
        )
    for key, value in fields.items():
        if key not in _RULES:
            step = f"it may be one of: {', '.join(_RULES)}"
            raise ConfigError(f"Unknown rule {key!r}{did_you_mean(str(key), _RULES)}.", where=where, next_step=step)
        if not isinstance(value, _RULES[key]) or (isinstance(value, bool) and _RULES[key] is not bool):
            raise ConfigError(
                f"The rule {key!r} has a value of the wrong type: {_shown(value)}.",
                where=where,
                next_step="correct it in contract.yaml",
            )
    for key, choices in _CHOICES.items():
        if key in fields and fields[key] not in choices:
            known = " or ".join(filter(None, choices))
            raise ConfigError(
                f"The rule {key!r} is {fields[key]!r}, not {known}.",
                where=where,
                next_step="correct it in contract.yaml",
            )


def _check_sense(column: Column) -> None:
    lowest = -math.inf if column.minimum is None else column.minimum
    highest = math.inf if column.maximum is None else column.maximum
    if not lowest <= highest:
        complaint = f"minimum {lowest:g} is not below maximum {highest:g}"
    elif not 0 <= column.max_missing <= 1:
        complaint = f"max_missing is a share between 0 and 1, not {column.max_missing:g}"
    elif column.type == "category" and not column.levels:
        complaint = "a category needs levels"
    elif strange := {level for _, level in column.aliases} - {*column.levels}:
        complaint = f"an alias stands for {min(strange)!r}, which is no level"
    elif len(column.codes) < len(column.levels) + len(column.aliases):
        complaint = "a level or alias is named twice"
    elif not column.missing_texts.isdisjoint(column.codes):
        complaint = "a level is also named in missing_values"
    elif column.unknown == "coerce" and not column.nullable:
        complaint = "unknown: coerce needs nullable: true"
    elif column.monotone and column.type != "number":
        complaint = f"the risk can be monotone in a number, not in a {column.type}"
    elif column.type == "date" and (column.minimum, column.maximum) != (None, None):
        complaint = "a date has neither minimum nor maximum"
    else:
        return
    raise ConfigError(
        f"The rules contradict themselves: {complaint}.",
        where=f"contract, column {column.name!r}",
        next_step="correct one of them in contract.yaml",
    )
