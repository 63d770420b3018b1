"""The service of the demo: a real process, on a port that nobody else has."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

from riskloop.errors import RiskloopError, UsageError

if TYPE_CHECKING:
    from riskloop.loop.project import Project

_SECONDS_TO_START = 60.0


def check_port(port: int) -> None:
    """Before minutes are spent: another service there would be taken for ours."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise UsageError(
            f"Port {port} is not to be had: {os.strerror(error.errno or 0)}.",
            where="--port",
            next_step="stop the program that listens there, or choose another port with --port",
        ) from error


@contextlib.contextmanager
def service(project: Project, port: int) -> Iterator[str]:
    """A real server process; ended, after draining, when the block ends, be it by SIGTERM."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = [sys.executable, "-m", "riskloop", "serve", "--project", str(project.folder), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + _SECONDS_TO_START
        while not _ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RiskloopError(
                    f"The service did not start: {_last_words(process)}",
                    where=url,
                    next_step="choose another port with --port",
                )
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)
        signal.signal(signal.SIGTERM, before)


def _last_words(process: subprocess.Popen[str]) -> str:
    if process.poll() is None or process.stderr is None:
        return "no answer in time."
    lines = process.stderr.read().strip().splitlines()
    return lines[0] if lines else f"exit code {process.returncode}."


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=2) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
