"""What to make of a linked table that nobody has described yet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskloop.data.linked.plan import ROWS, LinkedTable
from riskloop.data.source import Source
from riskloop.errors import UsageError

if TYPE_CHECKING:
    from riskloop.data.linked.offline import Facts

WINDOWS = ("90d", "365d", "all")
MOST_SHARES = 8
LEAST_SHARE = 0.01
"""Of the filled cells; a rarer text gets no share of its own."""

_NEARLY_ALL = 0.99
_MOST_DISTINCT = 0.9
"""Share of the filled cells that differ from which on a text names a row and not a kind of row."""
_CODE_NAME = re.compile(r"(^|[_\W])(id|code|nr|no|num|number|zip|postcode)($|[_\W])", re.IGNORECASE)
_WRITTEN = re.compile(r"(?P<name>[^=]+)=(?P<path>[^:]+):(?P<key>[^:]+)(:(?P<time>[^:]+))?")


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A linked table as one names it: where it lies, and which column holds the customer's id and the time."""

    name: str
    path: str
    key: str
    time: str | None = None


def parse_linked(text: str) -> LinkedFile:
    """Read ``NAME=FILE:KEY[:TIME]``.

    Raises
    ------
    UsageError
        If it is written otherwise.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise UsageError(
            f"A linked table is NAME=FILE:KEY[:TIME], not {text!r}.",
            where="--linked",
            next_step="e.g. --linked instalments=data/instalments.csv:customer_id:paid_on",
        )
    return LinkedFile(match["name"], match["path"], match["key"], match["time"])


def propose(file: LinkedFile, *, point_in_time: bool) -> LinkedTable:
    """A sensible set of features: how many rows and how recent, how large the numbers, which texts how often.

    Parameters
    ----------
    point_in_time : bool
        Whether customers have an event time, so that windows can count back from it.

    Raises
    ------
    DataError
        If the table cannot be read, or lacks the key or the time.
    ConfigError
        If customers have an event time and the table has none.
    """
    from riskloop.data.linked.offline import opened_whole

    with opened_whole(Source(file.path), file.key, file.time) as cells:
        facts = cells.facts(MOST_SHARES)
    timed = point_in_time and file.time is not None
    features = {ROWS: ["count", "recency"] if timed else ["count"]}
    features |= {one.name: measures for one in facts if (measures := list(_measures(one, file.time is not None)))}
    windows = WINDOWS if timed else ("all",)
    return LinkedTable.from_dict(
        file.name, {"key": file.key, "time": file.time, "windows": list(windows), "features": features}
    )


def _measures(facts: Facts, ordered: bool) -> Iterable[str]:
    """Nothing of a constant, and nothing of dates: another date of a row may lie in its future."""
    if facts.distinct < 2 or facts.instants >= _NEARLY_ALL * facts.present:
        return
    if facts.numbers >= _NEARLY_ALL * facts.present and not _CODE_NAME.search(facts.name):
        yield from ("mean", "max", "last") if ordered else ("sum", "mean", "max")
    elif facts.distinct < _MOST_DISTINCT * facts.present:
        yield "distinct"
        common = [text for text, count in facts.levels if count >= LEAST_SHARE * facts.present]
        yield from (f"share = {text}" for text in (common[:1] if facts.distinct == 2 else common))
