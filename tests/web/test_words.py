"""Every word of the pages, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import riskloop.web
from riskloop.keep.chain import KINDS
from riskloop.report.words import LANGUAGES
from riskloop.web.site import PLACES
from riskloop.web.words import PAIRS, emphasised, known, speak

WEB = Path(riskloop.web.__file__).parent
SOURCES = [*WEB.rglob("*.py"), *WEB.glob("templates/*.j2")]


@pytest.mark.parametrize("key", PAIRS)
def test_a_sentence_has_the_same_blanks_in_both_languages(key: str) -> None:
    english, french = PAIRS[key]
    assert english.strip()
    assert french.strip()
    assert _blanks(english) == _blanks(french)
    assert english.count("**") == french.count("**")
    assert english.count("`") == french.count("`")


def _blanks(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_word_that_a_page_says_is_in_the_tables(path: Path) -> None:
    said = re.findall(r'\bsay\(\s*"([a-z0-9_]+)"\s*[,)]', path.read_text())
    assert [key for key in said if not known(key)] == []


def test_words_that_are_put_together_are_in_the_tables() -> None:
    together = [
        *(f"nav_{place.name}" for place in PLACES),
        *(f"event_{kind}" for kind in KINDS),
        *(f"role_{role}" for role in ("viewer", "scorer", "approver", "admin")),
        *(f"band_{band}" for band in ("low", "medium", "high")),
        *(f"alias_is_{alias}" for alias in ("champion", "challenger", "previous")),
        *(f"job_{state}" for state in ("running", "done", "failed", "lost")),
        *(f"verdict_{word}" for word in ("stable", "watch", "drifted")),
        *(f"verdict_reasons_{adverse}" for adverse in ("act", "pass")),
        *(f"type_{kind}" for kind in ("number", "category", "date")),
        *(f"data_unknown_{kind}" for kind in ("reject", "bin", "coerce")),
        *(f"theme_{theme}" for theme in ("auto", "light", "dark")),
        *(f"curve_{key}" for key in ("roc", "pr", "calibration", "cost")),
        *(f"curve_{key}_said" for key in ("roc", "pr", "calibration", "cost")),
        *(f"performance_{which}" for which in ("estimated", "realised", "promised")),
        *(f"sort_{order}" for order in ("gain", "probability", "newest")),
    ]
    assert [key for key in together if not known(key)] == []


def test_no_word_is_left_over() -> None:
    text = "".join(path.read_text() for path in SOURCES if "words" not in path.parts)
    built = re.findall(r'["\']([a-z_]+_)["\'] ~|f"([a-z_]+_)\{|say\("([a-z_]+_)" ~', text)
    prefixes = tuple({part for parts in built for part in parts if part} | {"check_", "column_", "arm_", "policy_"})
    unused = [key for key in PAIRS if f'"{key}"' not in text and not key.startswith(prefixes)]
    assert unused == []


def test_french_sets_its_marks_apart_by_a_space_that_does_not_break() -> None:
    assert "\N{NO-BREAK SPACE}:" in speak("fr")("experiments_since")


def test_what_a_customer_is_called_cannot_become_a_tag() -> None:
    assert emphasised("**<b>** and `<i>`") == "<strong>&lt;b&gt;</strong> and <code>&lt;i&gt;</code>"


def test_both_languages_have_every_word() -> None:
    assert set(LANGUAGES) == {"en", "fr"}
