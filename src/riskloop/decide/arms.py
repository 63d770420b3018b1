"""Arms: which version answers whom while a challenger is compared with the champion."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from riskloop.errors import UsageError

Arm = Literal["champion", "challenger", "shadow"]


@dataclass(frozen=True, slots=True)
class Split:
    """How a challenger takes part.

    Attributes
    ----------
    share : float
        Of the customers whom the challenger answers: 0.5 for a test of two halves, little for a canary.
    shadow : bool
        Whether it answers nobody, and what it would have said to everybody is only kept.
    salt : str
        What customers are shuffled by: another salt, other halves.
    """

    share: float
    shadow: bool = False
    salt: str = ""

    def __post_init__(self) -> None:
        if not self.shadow and not 0 < self.share < 1:
            raise UsageError(
                f"A share of {self.share!r} makes no sense.", where="share", next_step="give a number between 0 and 1"
            )

    def arm_of(self, customer: str | None) -> Arm:
        """The arm of a customer: always the same one under one salt. Nobody in particular is the champion's."""
        if self.shadow or customer is None:
            return "champion"
        return "challenger" if place(customer, self.salt) < self.share else "champion"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"share": self.share, "shadow": self.shadow, "salt": self.salt}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Split:
        """Inverse of `to_dict`; a challenge that says nothing of a split is a shadow."""
        if "share" not in fields:
            return cls(0.0, shadow=True)
        return cls(float(fields["share"]), bool(fields.get("shadow", False)), str(fields.get("salt", "")))


@dataclass(frozen=True, slots=True)
class Exploration:
    """A small share of customers who are left alone whatever the model says.

    Whom a model acts on it never sees left alone: acting may keep a customer who would have left, and who is declined
    a loan cannot default. The few who are left alone all the same show what would have become of them, each standing
    for 1 / share like them (Horvitz and Thompson, 1952).

    Attributes
    ----------
    share : float
        Of the customers, above 0 and at most one half.
    salt : str
        What they are drawn by.
    """

    share: float
    salt: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 0.5:
            raise UsageError(
                f"An exploration of {self.share!r} makes no sense.",
                where="serving.exploration",
                next_step="give a share such as 0.02",
            )

    def takes(self, customer: str | None) -> bool:
        """Whether a customer is left alone: always the same answer under one salt. Nobody in particular is not."""
        return customer is not None and place(customer, f"exploration\0{self.salt}") < self.share

    @property
    def arm(self) -> str:
        """What the ledger calls it; the share stands in it, because later weights need that of the time."""
        return f"{_EXPLORATION}{self.share:g}"


_EXPLORATION = "exploration:"


def share_explored(arm: str) -> float | None:
    """The share of customers who were left alone when a prediction was made by this arm; None for any other arm."""
    _, found, share = arm.partition(_EXPLORATION)
    return float(share) if found else None


def place(customer: str, salt: str) -> float:
    """Where a customer stands between 0 and 1, evenly and for good."""
    digest = hashlib.sha256(f"{salt}\0{customer}".encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56
