"""The glossary says what the pages and reports say, in both languages, and knows every word of the product."""

from __future__ import annotations

import re
from itertools import chain

import pytest

from riskloop.report.words import LANGUAGES
from riskloop.web.words import PAIRS
from tests.documentation.pages import ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| English")
]
SAID = [row for row in ROWS if "°" not in row[0]]
ELSEWHERE = {
    "Registry": "registre",
    "Gate": "contrôle",
    "maturity": "maturité",
    "role viewer, scorer, approver, admin": "approbation",
}
"""What stands inside a sentence only, with the French word to look for."""
WORDS = (
    "Problem, Contract, Finding, Dataset, Candidate, Evaluation, Scorer, Policy, Reason, Bundle, Registry, Promotion, "
    "Ledger, Profile, Drift, Performance, Alert, Experiment, Champion, Challenger, Previous"
)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\N{NO-BREAK SPACE}", " ")).strip().lower()


PAIRED = [
    (_plain(english), _plain(french))
    for english, french in chain(
        PAIRS.values(), ((LANGUAGES["en"][key], LANGUAGES["fr"][key]) for key in LANGUAGES["en"])
    )
]


def _uses(english: str, french: str) -> bool:
    word = re.compile(rf"\b{re.escape(_plain(english).removesuffix('s'))}")
    stem = _plain(french)
    return any(word.search(one) and stem in other for one, other in PAIRED)


@pytest.mark.parametrize("row", SAID, ids=[row[0] for row in SAID])
def test_the_french_word_is_the_one_that_pages_and_reports_use(row: tuple[str, ...]) -> None:
    english, french = row[:2]
    if english in ELSEWHERE:
        assert any(ELSEWHERE[english] in other for _, other in PAIRED)
    else:
        assert _uses(english, french)


def test_every_word_of_the_product_is_explained() -> None:
    explained = [row[0].lower() for row in ROWS]
    assert not [word for word in WORDS.split(", ") if not any(name.startswith(word.lower()) for name in explained)]


def test_no_word_stands_twice_and_every_line_has_its_three_cells() -> None:
    assert all(len(row) == 3 and all(row) for row in ROWS)
    names = [row[0] for row in ROWS]
    assert len(names) == len(set(names)) > 60


def test_a_wrong_word_would_be_found() -> None:
    assert not _uses("Outcome", "Conséquence")
    assert not _uses("Bundle", "Paquet")
