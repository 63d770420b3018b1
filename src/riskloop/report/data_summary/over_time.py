"""The target rate over time: by event time where there is one, else by the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.report.data_summary.groups import Group, rate_scale

BLOCKS = 20
MOST_PERIODS = 40
_FEWEST_PERIODS = 3
_UNITS = ("D", "M", "3M", "Y")


@dataclass(frozen=True, slots=True)
class OverTime:
    """Blocks of rows in their order. ``by`` says which order, and how blocks were cut."""

    by: Literal["period", "time_order", "row_order"]
    blocks: list[Group]

    @property
    def rate_scale(self) -> float:
        return rate_scale(self.blocks)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"by": self.by, "blocks": [one.to_dict() for one in self.blocks]}


def over_time(outcome: BoolArray, time: FloatArray | None) -> OverTime:
    """Target rate by day, month, quarter or year, whichever is the finest with at most 40 periods; else in 20 blocks.

    Parameters
    ----------
    outcome : bool array, shape (n,)
    time : float array, shape (n,), or None
        Seconds since 1970.
    """
    if time is None:
        return OverTime("row_order", _blocks(outcome, np.arange(len(outcome)), None))
    stamps = (time * 1e6).astype("datetime64[us]")
    for unit in _UNITS:
        periods = stamps.astype(f"datetime64[{unit}]")
        first = periods.min()
        numbers = (periods - first).astype(np.int64)
        if _FEWEST_PERIODS <= numbers.max() + 1 <= MOST_PERIODS:
            return OverTime("period", _periods(outcome, numbers, first))
    return OverTime("time_order", _blocks(outcome, np.argsort(time, kind="stable"), stamps))


def _periods(outcome: BoolArray, numbers: NDArray[np.int64], first: np.datetime64) -> list[Group]:
    rows = np.bincount(numbers)
    positives = np.bincount(numbers[outcome], minlength=len(rows))
    return [
        Group.of("block", rows[place], positives[place], level=str(first + place))
        for place in range(len(rows))
        if rows[place]
    ]


def _blocks(outcome: BoolArray, order: NDArray[np.int64], stamps: NDArray[np.datetime64] | None) -> list[Group]:
    groups = []
    start = 1
    for rows in np.array_split(order, min(BLOCKS, len(order))):
        end = start + len(rows) - 1
        where: dict[str, Any] = {"level": f"{start:,} to {end:,}", "low": start, "high": end}
        if stamps is not None:
            where = {"level": str(stamps[rows[0]].astype("datetime64[D]"))}
        groups.append(Group.of("block", len(rows), outcome[rows].sum(), **where))
        start = end + 1
    return groups
