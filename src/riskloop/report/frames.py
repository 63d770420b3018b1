"""What use cases return, as a frame: to look at, to sort and to filter in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskloop.intervals import Interval

if TYPE_CHECKING:
    import polars as pl

_PLAIN = (str, int, float, bool, date)  # a datetime is a date
_INTERVAL = {"value", "low", "high"}


def as_frame(things: Iterable[Any]) -> pl.DataFrame:
    """Findings, candidates, policies, gate checks, versions, promotions ... as a frame: a row each.

    Parameters
    ----------
    things : iterable of dataclass instances, or of mappings

    Returns
    -------
    polars.DataFrame
        A column for every field. An interval is three: ``auc``, ``auc_low`` and ``auc_high``; what is inside a field
        has that field's name before its own, but for ``metrics``. A list of texts or numbers is one text; lists of
        anything else are left out. ``.to_pandas()`` makes it a pandas one.

    Raises
    ------
    TypeError
        If a thing has no fields.

    Examples
    --------
    >>> from riskloop.findings import Finding
    >>> frame = as_frame([Finding("empty", "warning", "No cell holds a value.", "drop it", "column_22")])
    >>> frame.select("code", "column").row(0)
    ('empty', 'column_22')
    """
    import polars as pl

    return pl.DataFrame([dict(_cells(thing)) for thing in things], infer_schema_length=None)


def _cells(thing: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in _fields(thing):
        path = f"{above}{name}"
        if value is None or isinstance(value, _PLAIN):
            yield path, value
        elif isinstance(value, Path):
            yield path, str(value)
        elif isinstance(value, Interval) or (isinstance(value, Mapping) and set(value) == _INTERVAL):
            told = dict(_fields(value))
            yield from ((path, told["value"]), (f"{path}_low", told["low"]), (f"{path}_high", told["high"]))
        elif isinstance(value, Mapping):
            yield from _cells(value, "" if name == "metrics" else f"{path}_")
        elif is_dataclass(value):
            yield from _cells(value, f"{path}_")
        elif isinstance(value, (tuple, list, set, frozenset)) and all(isinstance(one, _PLAIN) for one in value):
            yield path, ", ".join(map(str, value))


def _fields(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Mapping):
        yield from ((str(name), value) for name, value in thing.items())
    elif is_dataclass(thing) and not isinstance(thing, type):
        yield from ((one.name, getattr(thing, one.name)) for one in fields(thing))
    else:
        raise TypeError(f"a frame is made of dataclasses or mappings, not of {type(thing).__name__}")
