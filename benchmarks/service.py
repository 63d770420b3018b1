"""A real `riskloop serve` process for benchmarks."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Started:
    """A service that answers, and what it took."""

    url: str
    pid: int
    ready_seconds: float


@contextlib.contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Started]:
    """Start the service on a free port; end it when the block ends."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "riskloop", "serve", "--project", str(folder), "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        url = found[0]
        while not _ready(url):
            time.sleep(0.005)
        yield Started(url, process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a started service."""
    with started(folder) as service:
        yield service.url


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
