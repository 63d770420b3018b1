"""Every word of the reports, in one place per language, and how numbers are written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Literal

from riskloop.report.words.of_alerts import ALERTS
from riskloop.report.words.of_compliance import COMPLIANCE
from riskloop.report.words.of_data import DATA
from riskloop.report.words.of_documents import DOCUMENTS
from riskloop.report.words.of_drift import DRIFT
from riskloop.report.words.of_experiments import EXPERIMENTS
from riskloop.report.words.of_models import MODELS
from riskloop.report.words.of_performance import PERFORMANCE
from riskloop.report.words.of_windows import WINDOWS

Say = Callable[..., str]
Language = Literal["en", "fr"]

TABLES = (DOCUMENTS, DATA, MODELS, COMPLIANCE, DRIFT, EXPERIMENTS, ALERTS, PERFORMANCE, WINDOWS)
_PAIRS = {key: pair for table in TABLES for key, pair in table.items()}
_BEFORE_A_MARK = re.compile(r" (?=[:;?!%»])|(?<=«) ")
_FRENCH_DIGITS = str.maketrans({",": "\N{NARROW NO-BREAK SPACE}", ".": ","})
_THOUSANDS = re.compile(r"(?<=\d) (?=\d{3})")


def french(text: str) -> str:
    """No line ends before a mark that French sets apart, or within a number."""
    return _THOUSANDS.sub("\N{NARROW NO-BREAK SPACE}", _BEFORE_A_MARK.sub("\N{NO-BREAK SPACE}", text))


LANGUAGES: Mapping[Language, Mapping[str, str]] = {
    "en": {key: english for key, (english, _) in _PAIRS.items()},
    "fr": {key: french(text) for key, (_, text) in _PAIRS.items()},
}


def speak(language: Language = "en") -> Say:
    """A function from a key and its values to a sentence in the language."""
    words = LANGUAGES[language]

    def say(key: str, **values: object) -> str:
        return words[key].format(**values)

    return say


def written(digits: str, language: Language) -> str:
    """A number that was written as English does, in the language."""
    if language != "fr":
        return digits
    return digits.translate(_FRENCH_DIGITS).replace("%", "\N{NO-BREAK SPACE}%")


def shown(text: str, longest: int = 60) -> str:
    """Text from a table in one line: nothing invisible, at most ``longest`` characters, shortened in the middle."""
    line = " ".join(text.split())
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    if len(line) <= longest:
        return line
    tail = (longest - 1) // 3
    return f"{line[: longest - 1 - tail]}…{line[len(line) - tail :]}"


def number(value: float | None) -> str:
    """A number with about four digits: 1,234,567 or 0.01234; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e9 or size < 1e-4:
        return f"{value:.3g}"
    if size >= 1000 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float | None) -> str:
    """A share as a percentage that keeps small ones apart from nothing."""
    if share is None or math.isnan(share):
        return "–"
    size = abs(share)
    if size in (0, 1):
        return f"{share:.0%}"
    if size < 0.0001:
        return "<0.01%"
    return f"{share:.2%}" if size < 0.01 else f"{share:.1%}"
