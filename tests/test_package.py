"""What the package says of itself: pyproject, the version, and docs/versions.md agree."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import riskloop
from deploy.try_versions import VERSIONS, interpreters

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "versions.md").read_text()


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def test_the_version_is_semantic_and_told_once_and_the_same(project: dict[str, Any]) -> None:
    assert project["version"] == riskloop.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", riskloop.__version__)


def test_every_extra_is_explained_and_all_brings_them_all(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"]
    assert not [name for name in extras if name != "docs" and f"`riskloop[{name}]`" not in PAGE]
    assert set(re.findall(r"`riskloop\[(\w+)\]`", PAGE)) <= set(extras)
    (everything,) = extras["all"]
    named = set(everything.partition("[")[2].rstrip("]").split(","))
    assert named == set(extras) - {"all", "docs"}
    assert extras["serve"] == []


def test_the_pythons_that_are_named_are_those_that_are_tried(project: dict[str, Any]) -> None:
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert tuple(named) == VERSIONS
    assert project["requires-python"] == f">={VERSIONS[0]}"
    assert ", ".join(VERSIONS[:-1]) + f" and {VERSIONS[-1]}" in PAGE


def test_the_interpreters_of_this_machine_are_found_once_each() -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = interpreters(including_own=True)
    assert len(found) == len(set(found))
    assert own not in VERSIONS or len(interpreters()) == len(found) - 1


def test_the_types_are_shipped() -> None:
    assert (ROOT / "src" / "riskloop" / "py.typed").is_file()
