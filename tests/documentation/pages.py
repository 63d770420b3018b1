"""Pages of the documentation, as blocks of commands and of Python in the order in which a reader meets them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
RUN = ("bash", "python")
LANGUAGES = frozenset({*RUN, "sh", "text", "yaml", "json", "toml", "sql", "html", "ini", "csv", "promql"})
"""What may be fenced: ``bash`` and ``python`` are run, the others are looked at."""

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
_HIDDEN = re.compile(r"^[ \t]*<!--\s*prepare:")
_EXPECTED = re.compile(r"\s#\s*(?:exit (?P<code>\d+)\b|(?P<status>[45]\d\d)(?=\s*(?:$|[:;,])))")
_REFUSED = 22  # curl's exit code where the service refuses


@dataclass(frozen=True)
class Block:
    """What stands between two fences, or in a comment of preparation.

    Attributes
    ----------
    language : str
        Word after the fence; ``prepare`` for hidden preparation, empty where nothing is said.
    line : int
        Line of the page on which the text begins, from 1.
    text : str
        Without its indent.
    before : str
        The paragraph in front of it.
    """

    language: str
    line: int
    text: str
    before: str = ""


@dataclass(frozen=True)
class Page:
    """A page; its folder is where it lies in the repository."""

    path: Path
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix() if self.path.is_relative_to(ROOT) else self.path.name

    @property
    def run(self) -> tuple[Block, ...]:
        """Blocks that a reader can run, with their preparation."""
        return tuple(block for block in self.blocks if block.language in (*RUN, "prepare"))


@dataclass(frozen=True)
class Command:
    """A line of a shell, or several where one alone is not complete, and the exit code it should have."""

    line: int
    text: str
    expected: int = 0


def all_pages(root: Path = ROOT) -> list[Page]:
    """The README, the documentation and the examples; decision records quote, and are not run."""
    paths = [root / "README.md", *sorted(root.glob("README.*.md")), *sorted((root / "docs").rglob("*.md"))]
    paths += sorted((root / "examples").rglob("README.md"))
    return [read(path) for path in paths if "decisions" not in path.parts and ".riskloop" not in path.parts]


def read(path: Path) -> Page:
    """A page from its file."""
    return Page(path, tuple(_blocks(path.read_text(encoding="utf-8").splitlines())))


def _blocks(lines: list[str]) -> Iterator[Block]:
    place = 0
    while place < len(lines):
        opened, start = _FENCE.match(lines[place]), place
        if opened:
            closing = re.compile(rf"^[ \t]*{re.escape(opened['fence'][0])}{{{len(opened['fence'])},}}[ \t]*$")
            text = list(takewhile(lambda line, closing=closing: not closing.match(line), lines[start + 1 :]))
            language = (opened["info"].split() or [""])[0]
            yield Block(language, start + 2, dedent("\n".join(text)), _paragraph(lines[:start]))
            place += len(text) + 1
        elif _HIDDEN.match(lines[place]):
            whole = list(takewhile(lambda line: "-->" not in line, lines[start:]))
            last = lines[start + len(whole)] if start + len(whole) < len(lines) else ""
            text = _HIDDEN.sub("", "\n".join([*whole, last]).replace("-->", ""), count=1)
            yield Block("prepare", start + 1, dedent(text))
            place += len(whole)
        place += 1


def _paragraph(lines: list[str]) -> str:
    """The text in front, back to an empty line; empty lines between it and the fence do not count."""
    text = "\n".join(lines).rstrip()
    return text.rpartition("\n\n")[2]


def commands(block: Block) -> Iterator[Command]:
    """Commands of a block: a line each, longer where quotes, loops, here-documents or a backslash go on.

    ``# exit 3`` at the end of a line says which exit code it should have, ``# 422`` with which status HTTP refuses.
    """
    held: list[str] = []
    for number, line in enumerate(block.text.splitlines()):
        if not held and (not line.strip() or line.lstrip().startswith("#")):
            continue
        held.append(line)
        text = "\n".join(held)
        if not line.endswith("\\") and ((len(held) == 1 and _simple(text)) or _complete(text)):
            said = _EXPECTED.search(text)
            expected = 0 if said is None else int(said["code"] or _REFUSED)
            yield Command(block.line + number - len(held) + 1, text, expected)
            held = []
    if held:
        yield Command(block.line + len(block.text.splitlines()) - len(held), "\n".join(held))


def _simple(text: str) -> bool:
    return re.fullmatch(r"[\w./:=,@%+ -]+(?:\s#.*)?", text) is not None and not re.match(
        r"\s*(for|while|if|case)\b", text
    )


def _complete(text: str) -> bool:
    """Whether bash needs no further line; it warns where a here-document goes on."""
    asked = subprocess.run(["bash", "-n", "-c", text], capture_output=True, check=False)
    return asked.returncode == 0 and not asked.stderr
