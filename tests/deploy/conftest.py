from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.processes import Processes

INSTALL = "apt-get install prometheus prometheus-alertmanager nginx-light"


@pytest.fixture(scope="session")
def needs() -> Callable[..., None]:
    """Skip a test, with the line that installs what is not here."""

    def look(*programs: str) -> None:
        missing = [program for program in programs if shutil.which(program) is None]
        if missing:
            pytest.skip(f"{', '.join(missing)}: not installed; {INSTALL}")

    return look


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path / "logs") as made:
        yield made
