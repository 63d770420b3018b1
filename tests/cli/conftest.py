from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from riskloop.cli.app import main
from riskloop.loop.project import Project
from riskloop.wiring import open_project


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; nothing else may be there."""
        return json.loads(self.out, parse_constant=_no_such_constant)


def _no_such_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


Riskloop = Callable[..., Said]


@pytest.fixture
def riskloop(capsys: pytest.CaptureFixture[str]) -> Riskloop:
    """Run a command in this process, on the road that a terminal takes."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture
def unled(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The trained project with a ledger in which nobody leads and version 3 alone is known, which the gate refused."""
    monkeypatch.setenv("RISKLOOP_DATABASE_URL", f"sqlite:///{tmp_path / 'another.db'}")
    project = open_project(trained.folder)
    project.versions.add(trained.versions.get(3))
    return project
