"""The Problem: what is predicted, for whom, when, and which columns may be used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_EXPRESSION = re.compile(r"^\s*(?P<column>.+?)\s*(?P<op>==|!=|>=|<=|>|<)\s*(?P<value>.+?)\s*$")


@dataclass(frozen=True, slots=True)
class Problem:
    """A binary risk on a table.

    Attributes
    ----------
    target : str
        A column name, or a comparison of one column with a constant (``ClaimNb > 0``).
    positive : str
        The value of the target that is the risk, as text. ``"true"`` for a comparison.
    id : str or None
        The column that names the customer; never a feature.
    time : str or None
        The event time; when set, the test block is the latest part of the table.
    sensitive : tuple of str
        Protected attributes: audited, never used at prediction.
    unavailable : tuple of str
        Columns not known at decision time (post-outcome, another model's output): never used.
    """

    target: str
    positive: str
    id: str | None = None
    time: str | None = None
    sensitive: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()

    @property
    def target_column(self) -> str:
        """The column the target is made from: it never serves as a feature."""
        return self.comparison[0] if self.comparison else self.target

    @property
    def comparison(self) -> tuple[str, str, str] | None:
        """``(column, operator, constant)`` when the target is a comparison."""
        match = _EXPRESSION.match(self.target)
        return (match["column"], match["op"], match["value"]) if match else None

    def not_features(self) -> frozenset[str]:
        """Columns that may not be used at prediction."""
        named = {self.target_column, self.target, *self.sensitive, *self.unavailable}
        return frozenset(named | {name for name in (self.id, self.time) if name})


@dataclass(frozen=True, slots=True)
class Customer:
    """One row on its way to a decision: who, what is known (raw values by column), and whether reasons are wanted."""

    id: str | None
    features: dict[str, Any] = field(default_factory=dict)
    explain: bool = False
