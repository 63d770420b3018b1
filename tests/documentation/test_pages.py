"""Every page does what it says: each is one scenario in a fresh folder, line by line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.documentation.pages import LANGUAGES, ROOT, Block, Page, all_pages
from tests.documentation.prepared import Prepared
from tests.documentation.scenario import Scenario

PAGES = all_pages()
NEED = re.compile(r"\b(needs?|requires?|takes|besoin|faut|demande|exige|prend|dure)\b", re.IGNORECASE)


@pytest.mark.parametrize("page", [page for page in PAGES if page.run], ids=lambda page: page.name)
def test_a_page_does_what_it_says(page: Page, prepared: Prepared, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    if page.path.is_relative_to(ROOT / "examples"):
        shutil.copytree(page.path.parent, folder, ignore=shutil.ignore_patterns(".riskloop", "__pycache__"))
    else:
        folder.mkdir()
    with Scenario(page, folder, prepared) as scenario:
        scenario.run()


def fenced() -> list[tuple[Page, Block]]:
    return [(page, block) for page in PAGES for block in page.blocks if block.language != "prepare"]


def test_every_block_says_what_it_is() -> None:
    unknown = [
        f"{page.name}:{block.line - 1}: {block.language!r}"
        for page, block in fenced()
        if block.language not in LANGUAGES
    ]
    assert not unknown, f"fenced as none of {', '.join(sorted(LANGUAGES))}"


def test_what_is_not_run_says_what_it_would_need() -> None:
    """A block of ``sh`` is for what a test cannot have; the paragraph before names it."""
    silent = [
        f"{page.name}:{block.line}"
        for page, block in fenced()
        if block.language == "sh" and not NEED.search(block.before)
    ]
    assert not silent


def test_commands_of_riskloop_are_run_not_shown() -> None:
    """What a test can run is no ``text``."""
    shown = [
        f"{page.name}:{block.line}"
        for page, block in fenced()
        if block.language == "text" and re.search(r"^\s*\$?\s*riskloop \w+ -", block.text, re.MULTILINE)
    ]
    assert not shown
