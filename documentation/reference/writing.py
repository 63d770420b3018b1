"""Markdown, as reference pages write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

MADE = "<!-- Made from the code by `python -m documentation`; change the code. -->"


def head(title: str, *paragraphs: str) -> str:
    """The top of a page."""
    return "\n\n".join([f"# {title}", MADE, *paragraphs])


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty without rows."""
    lines = [f"| {' | '.join(cell(one) for one in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(names)} |", "|" + "---|" * len(names), *lines]) if lines else ""


def cell(text: str) -> str:
    """Text within a row."""
    return " ".join(text.split()).replace("|", "\\|")


def code(value: Any) -> str:
    """A value in code marks."""
    text = value if isinstance(value, str) else json.dumps(value)
    mark = "``" if "`" in text else "`"
    return f"{mark} {text} {mark}" if "`" in text else f"`{text}`"


def marked(text: str) -> str:
    """Double backquotes of docstrings as Markdown has them."""
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def page(*parts: str) -> str:
    """Parts, an empty line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
