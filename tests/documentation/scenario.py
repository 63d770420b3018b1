"""A page as one scenario: its blocks in order, in a fresh folder, as a reader would who types them."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest.mock import patch

from riskloop.cli.app import main
from tests.conftest import DATA
from tests.documentation.pages import ROOT, Block, Command, Page, commands

PATIENCE = 180
"""Seconds that a command may take, and that a service may take to be ready."""

ALIVE = 10
"""Seconds after which what has said nothing, and has not ended, is taken to run."""

_SHELL = re.compile(r"[$`*?~{}\[\]\\!]")  # what bash would make something else of
_LASTING = re.compile(
    r"^\s*(?:\w+=\S+\s+)*riskloop\s+(?:serve\b|loop\b(?!.*--(?:once|help))|ab watch\b(?!.*--(?:once|help))|.*--watch\b)"
)
_ADDRESS = re.compile(r"\b(?:localhost|127\.0\.0\.1):8000\b")
_ENDED = (0, 130, -signal.SIGINT, -signal.SIGTERM)


class Failed(AssertionError):
    """A line of a page does not do what the page says."""


@dataclass
class Scenario:
    """A reader at a terminal.

    Attributes
    ----------
    folder : Path
        Where the reader is.
    prepared : mapping
        What ``@name`` in a page's preparation puts into the folder.
    """

    page: Page
    folder: Path
    prepared: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.folder
        self.port = _free_port()
        self.environ = _environment(self.root, self.port)
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.running: list[tuple[Command, subprocess.Popen[bytes], Path]] = []

    def __enter__(self) -> Scenario:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._end_all(checked=kind is None)

    def run(self) -> None:
        """Every block that runs.

        Raises
        ------
        Failed
            With the page, the line, the command, and what it said.
        """
        for block in self.page.run:
            if block.language == "python":
                self._python(block)
            else:
                for command in commands(block):
                    self._command(command, hidden=block.language == "prepare")

    def _command(self, command: Command, *, hidden: bool) -> None:
        text = command.text.strip()
        if hidden and text.startswith("@"):
            if text[1:] not in self.prepared:
                raise self._failed(command, f"nothing is prepared by that name; there are {', '.join(self.prepared)}")
            self.prepared[text[1:]](self.folder)
            return
        if _LASTING.match(text) or text.split(" #")[0].rstrip().endswith("&"):
            self._start(command)
            return
        text = _ADDRESS.sub(f"127.0.0.1:{self.port}", text)
        code, said = self._here(text) if _is_plain(text) else self._bash(text)
        if code != command.expected:
            raise self._failed(command, f"exit code {code}, expected {command.expected}\n{said}")

    def _here(self, text: str) -> tuple[int, str]:
        """Commands of riskloop alone, in this process, joined by ``&&``."""
        said, code = io.StringIO(), 0
        for words in _split(text):
            given = dict(word.split("=", 1) for word in words[: words.index("riskloop")])
            with (
                contextlib.chdir(self.folder),
                patch.dict(os.environ, self.environ | given, clear=True),
                contextlib.redirect_stdout(said),
                contextlib.redirect_stderr(said),
            ):
                code = main(words[words.index("riskloop") + 1 :])
            if code:
                break
        return code, said.getvalue()

    def _bash(self, text: str) -> tuple[int, str]:
        """Anything else, in bash; where it goes and what it exports stays for the next line."""
        left = self.root / ".left"
        script = f"set -a\n{text}\n__code=$?; {{ pwd; env -0; }} >{shlex.quote(str(left))}; exit $__code"
        try:
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", script],
                cwd=self.folder,
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            return -1, f"not done after {PATIENCE} seconds\n{(late.output or b'').decode(errors='replace')}"
        if left.exists():
            where, _, variables = left.read_bytes().partition(b"\n")
            left.unlink()
            self.folder = Path(os.fsdecode(where))
            pairs = (os.fsdecode(pair).partition("=") for pair in variables.split(b"\0") if pair)
            self.environ = {name: value for name, _, value in pairs}
        return done.returncode, done.stdout.decode(errors="replace")

    def _python(self, block: Block) -> None:
        """A block of Python; names stay for the page's next one."""
        text = "\n" * (block.line - 1) + _ADDRESS.sub(f"127.0.0.1:{self.port}", block.text)
        said = io.StringIO()
        try:
            with (
                contextlib.chdir(self.folder),
                patch.dict(os.environ, self.environ, clear=True),
                contextlib.redirect_stdout(said),
            ):
                exec(compile(text, self.page.name, "exec"), self.names)
        except Exception as error:
            frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == self.page.name]
            line = (frames[-1].lineno if frames else getattr(error, "lineno", None)) or block.line
            shown = text.splitlines()[line - 1]
            told = "".join(traceback.format_exception(error))
            raise self._failed(Command(line, shown.strip()), f"{said.getvalue()}{told}") from error

    # what goes on while the page does

    def _start(self, command: Command) -> None:
        """A service: on a port of its own, in place of the one before; ready when it says so."""
        text = re.sub(r"\s--port[ =]\d+", "", command.text.split(" #")[0]).rstrip().removesuffix("&").rstrip()
        serves = re.match(r"^\s*(?:\w+=\S+\s+)*riskloop\s+serve\b", text) is not None
        if serves:
            self._end([one for one in self.running if "riskloop serve" in one[0].text], checked=True)
        told = self.root / f".told-{len(self.running)}-{command.line}"
        with told.open("wb") as stream:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {_ADDRESS.sub(f'127.0.0.1:{self.port}', text)}"],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append((command, process, told))
        ours, began = _LASTING.match(command.text) is not None, time.monotonic()
        until = began + PATIENCE

        def ready() -> bool:
            if serves:
                return self._answers()
            return not ours or told.stat().st_size > 0 or time.monotonic() > began + ALIVE

        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                raise self._failed(command, f"did not become ready\n{told.read_text(errors='replace')}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def _end_all(self, *, checked: bool) -> None:
        self._end(list(self.running), checked=checked)

    def _end(self, ones: list[tuple[Command, subprocess.Popen[bytes], Path]], *, checked: bool) -> None:
        """Ctrl-C, as a reader would; riskloop's own end well."""
        for command, process, told in ones:
            self.running.remove((command, process, told))
            early = process.poll()
            if early is None:
                os.killpg(process.pid, signal.SIGINT if _LASTING.match(command.text) else signal.SIGTERM)
            try:
                code = process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                code = process.wait()
            if checked and _LASTING.match(command.text) and code not in _ENDED:
                raise self._failed(command, f"ended with {code}\n{told.read_text(errors='replace')}")

    def _failed(self, command: Command, why: str) -> Failed:
        return Failed(f"{self.page.name}:{command.line}: {command.text.strip()}\n{why}")


def _is_plain(text: str) -> bool:
    """Whether a line is nothing but commands of riskloop, and bash would add nothing to them."""
    outside = re.sub(r"'[^']*'", "''", re.sub(r"(?m)\s#.*$", "", text))
    if _SHELL.search(outside):
        return False
    try:
        parts = list(_split(text))
    except ValueError:
        return False
    return all(
        "riskloop" in words and all(re.fullmatch(r"\w+=.*", word) for word in words[: words.index("riskloop")])
        for words in parts
    )


def _split(text: str) -> Iterator[list[str]]:
    """Words of each command; ValueError where something other than ``&&`` joins them."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word == "&&":
            yield words
            words = []
        elif word and set(word) <= set("();<>|&"):
            raise ValueError(word)
        else:
            words.append(word)
    yield words


def _environment(home: Path, port: int) -> dict[str, str]:
    """What the reader's terminal knows; curl fails where HTTP refuses."""
    (home / ".curlrc").write_text("silent\nshow-error\nfail-with-body\nmax-time = 60\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RISKLOOP", "MLFLOW"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "CURL_HOME": str(home),
        "COLUMNS": "120",
        "RISKLOOP_DATA": str(DATA),
        "RISKLOOP_ACTOR": "ada",
        "RISKLOOP__SERVING__PORT": str(port),
    }


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
