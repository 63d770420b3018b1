"""Tables of RESULTS.md."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def table(header: list[str], rows: list[list[object]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
