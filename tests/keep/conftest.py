from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from riskloop.keep.database import migrate, open_database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every store keeps its promises on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'riskloop.db'}"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def noon() -> datetime:
    return datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def let_go() -> Callable[..., None]:
    """Let child processes work once all of them have said that they are ready, so that they truly overlap."""

    def go(*children: subprocess.Popen[bytes]) -> None:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write(b"go")
            child.stdin.flush()

    return go
