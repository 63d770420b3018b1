from __future__ import annotations

import re
import string
from collections import Counter
from pathlib import Path

import pytest

from riskloop.report.documents.drawing import Bar, Pile, Series, Tick, bars, lines, nice, piles
from riskloop.report.documents.markdown import escaped
from riskloop.report.documents.pen import Pen
from riskloop.report.files import write_whole
from riskloop.report.words import LANGUAGES, TABLES
from riskloop.report.words.of_models import closer, governance, limits, opening, results


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    for key, (english, french) in [pair for table in TABLES for pair in table.items()]:
        assert english, key
        assert french, key
        assert _fields(english) == _fields(french), key


def test_a_word_has_one_meaning_in_all_documents() -> None:
    parts = (opening.OPENING, results.RESULTS, closer.CLOSER, limits.LIMITS, governance.GOVERNANCE)
    meanings = Counter(key for table in (*TABLES, *parts) for key in table)
    of_parts = {key for part in parts for key in part}
    twice = [key for key, tables in meanings.items() if tables != (2 if key in of_parts else 1)]
    assert twice == []


def test_every_word_that_documents_ask_for_is_there_in_both_languages() -> None:
    folder = Path(__file__).parents[2] / "src" / "riskloop" / "report"
    asked: set[str] = set()
    for path in (*folder.glob("documents/**/*.py"), *folder.glob("templates/*.j2"), folder / "data_sections.py"):
        text = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'(?:say|words)\(\s*"([a-z0-9_.]+)"[,)]', text))
        asked |= {f"fact_{key}" for key in re.findall(r'fact\(\s*"([a-z0-9_]+)"', text)}
        asked |= {f"open_{key}" for key in re.findall(r'open\(\s*"[a-z]+", "([a-z0-9_]+)"', text)}
        asked |= set(re.findall(r'"(col_[a-z0-9_]+)"', text))
    assert len(asked) > 200
    assert not asked - set(LANGUAGES["fr"])
    assert not asked - set(LANGUAGES["en"])


def test_numbers_are_written_in_the_language_and_kept_as_they_are() -> None:
    one = {"value": 1234.5, "low": 1000.25, "high": 2000.0}
    assert Pen("en", "EUR").interval(one, "money", unit="EUR").text == "1,234 [1,000, 2,000]\N{NO-BREAK SPACE}EUR"
    french = Pen("fr", "EUR").interval(one, "money", unit="EUR")
    assert " ".join(french.text.split()) == "1 234 [1 000 ; 2 000] EUR"
    assert french.raw == one
    assert Pen("fr").percent(0.123).text == "12,3\N{NO-BREAK SPACE}%"
    assert Pen().number(None).to_dict() == {"text": "–", "value": None}
    assert Pen().fixed(float("nan")).to_dict() == {"text": "–", "value": None}
    assert Pen().fixed(0.00004).text == "4e-05"


def test_text_from_tables_is_one_line_without_invisible_characters() -> None:
    assert Pen().text("a\nb\u202ec").text == "a b\N{REPLACEMENT CHARACTER}c"
    assert len(Pen().text("x" * 500).text) == 200
    assert Pen("fr").told("x").english
    assert not Pen("en").told("x").english


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("<b>", "&lt;b&gt;"),
        ("a|b", "a\\|b"),
        ("[x](y)", "\\[x\\](y)"),
        ("`c`", "\\`c\\`"),
        ("*b* _i_", "\\*b\\* \\_i\\_"),
        ("# h\n# i", "\\# h \\# i"),
    ],
)
def test_markdown_of_a_text_means_nothing(text: str, safe: str) -> None:
    assert escaped(text) == safe


def test_drawings_stay_within_their_frame() -> None:
    rows = [Bar("cheap", -50, -80, -20, "-50"), Bar("dear", 900, 700, 1100, "900", True)]
    drawn = bars(rows)
    assert [word.text for word in drawn.words] == ["cheap", "-50", "dear", "900"]
    two = [Series("one", "kept", [(0, 1), (1, 5)]), Series("two", "adapted", [(0, 9)])]
    drawn = lines(two, [Tick(0, "0"), Tick(1, "1")], [Tick(0, "0"), Tick(5, "5")], titles=("x", "y"))
    numbers = [float(text) for path in drawn.paths for text in re.findall(r"-?\d+\.?\d*", path.d)]
    assert min(numbers) >= 0
    assert max(numbers) <= max(drawn.width, drawn.height)


def test_right_and_wrong_decisions_are_piled_within_their_frame() -> None:
    piled = Pile("Positives", "right", "wrong", (0, 5), (20, 0))
    drawn = piles((piled, piled), [Tick(0, "0"), Tick(1, "1")], "x", str, mark=0.5)
    kinds = [path.kind for path in drawn.paths]
    assert kinds.count("wrong") == 4
    numbers = [float(text) for path in drawn.paths for text in re.findall(r"-?\d+\.?\d*", path.d.replace("h-9", ""))]
    assert min(numbers) >= 0
    assert max(numbers) <= max(drawn.width, drawn.height)
    assert {"Positives", "right", "wrong", "20"} <= {word.text for word in drawn.words}


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 1.3e6), (-0.2, 0.9), (3, 3)])
def test_ticks_are_round_and_span_what_is_drawn(low: float, high: float) -> None:
    ticks = nice(low, high)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] <= low
    assert ticks[-1] >= high


def test_files_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(Exception, match="cannot be written"):
        write_whole(tmp_path, {"b.txt": "new"})
    assert not list(tmp_path.glob(".*"))
    write_whole(tmp_path, {"a.txt": "new", "c.txt": "new"})
    assert (tmp_path / "a.txt").read_text() == "new"
