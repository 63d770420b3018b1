"""Every page does what it says: each is one scenario in a fresh folder, line by line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from riskloop.data.column import Column
from riskloop.decide.reason_texts import Texts
from riskloop.settings import parse_settings
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


# fragments of the files of a project

ELSEWHERE = re.compile(r"#\s*(?!riskloop\.yaml|contract\.yaml|reasons\.yaml)\S+\.\w+\s*$", re.MULTILINE)
STEM = {"project": "p", "problem": {"target": "t", "id": "id", "time": "at"}, "data": {"path": "d.csv"}}


def fragments() -> list[Any]:
    ours = [(page, block) for page, block in fenced() if block.language == "yaml" and not ELSEWHERE.match(block.text)]
    return [pytest.param(block, id=f"{page.name}:{block.line}") for page, block in ours]


@pytest.mark.parametrize("block", fragments())
def test_a_fragment_of_yaml_is_one_that_riskloop_takes(block: Block) -> None:
    """It is part of riskloop.yaml, contract.yaml or reasons.yaml, unless its first line names another file."""
    document = yaml.safe_load(block.text)
    if "texts" in document:
        Texts.from_dict(document)
    elif "columns" in document:
        for name, rules in document["columns"].items():
            Column.from_dict(name, rules)
    else:
        parse_settings({**STEM, **document, "problem": STEM["problem"] | document.get("problem", {})})
