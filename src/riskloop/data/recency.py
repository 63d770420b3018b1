"""Which rows, by their age, a retraining learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.errors import UsageError

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Recency:
    """All rows, those of the last so many days, or the last so many.

    Attributes
    ----------
    kind : {"all", "recent", "sliding"}
    size : int
        Days for ``recent``, rows for ``sliding``.
    """

    kind: Literal["all", "recent", "sliding"] = "all"
    size: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``all``, ``recent:180d`` or ``sliding:50000``.

        Examples
        --------
        >>> Recency.parse("recent:180d")
        Recency(kind='recent', size=180)

        Raises
        ------
        UsageError
            For anything else.
        """
        kind, _, size = text.strip().partition(":")
        number = size.removesuffix("d") if kind == "recent" else size
        if kind == "all" and not size:
            return cls()
        if kind in ("recent", "sliding") and number.isascii() and number.isdigit() and int(number) > 0:
            return cls("recent" if kind == "recent" else "sliding", int(number))
        raise UsageError(f"{text!r} is no window.", where="window", next_step="write all, recent:180d or sliding:50000")

    def __str__(self) -> str:
        return {"all": "all", "recent": f"recent:{self.size}d", "sliding": f"sliding:{self.size}"}[self.kind]

    def of(self, times: FloatArray) -> BoolArray:
        """Which rows to keep, shape (n,).

        Parameters
        ----------
        times : float array, shape (n,)
            Event times in seconds; NaN is older than any. Age is counted from the newest row.
        """
        kept = np.ones(len(times), dtype=bool)
        if self.kind == "all" or not len(times):
            return kept
        if self.kind == "recent":
            newest = np.nanmax(times) if not np.isnan(times).all() else np.nan
            return np.asarray(times >= newest - self.size * _DAY)
        order = np.argsort(np.where(np.isnan(times), -np.inf, times), kind="stable")
        kept[order[: max(0, len(times) - self.size)]] = False
        return kept
