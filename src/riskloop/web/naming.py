"""Naming: what things that a project names itself are called on a page."""

from __future__ import annotations

from riskloop.web.visit import Visit
from riskloop.web.words import known


def label_of(visit: Visit, label: str) -> str:
    """A decision: the project's own word, or ours in the visitor's language where it is one of the usual words."""
    return visit.say(f"label_{label}") if known(f"label_{label}") else label


def word_of(visit: Visit, prefix: str, name: str) -> str:
    """The word of a table, or the name itself with its underscores gone."""
    key = f"{prefix}_{name}"
    return visit.say(key) if known(key) else name.replace("_", " ")
