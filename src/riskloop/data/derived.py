"""Formulas that `init` proposes for columns of dates: what a model can learn from them."""

from __future__ import annotations

import keyword
from collections.abc import Mapping


def propose(dates: Mapping[str, tuple[str, ...]], when: str | None, taken: set[str]) -> dict[str, str]:
    """When in the year and week a date is, and how many days before the event.

    Parameters
    ----------
    dates : mapping of column to parts
        Parts that vary, such as ``month``.
    when : str or None
        The event time, if it is a column of dates.
    taken : set of str
        Names of the table's columns: no derived feature takes one.

    Returns
    -------
    dict of name to formula
    """
    derived: dict[str, str] = {}
    for name, parts in dates.items():
        if "`" in name:  # no formula can name it
            continue
        derived |= {f"{name}_{part}": f"{part}({_quoted(name)})" for part in parts}
        if when and "`" not in when:
            derived[f"{name}_days_before"] = f"{_quoted(when)} - {_quoted(name)}"
    return {name: formula for name, formula in derived.items() if name not in taken}


def counts_from(when: str, derived: Mapping[str, str]) -> bool:
    """Whether a proposed formula counts days back from the event time."""
    return any(formula.startswith(f"{_quoted(when)} - ") for formula in derived.values())


def _quoted(name: str) -> str:
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`"
