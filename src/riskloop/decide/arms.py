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


def place(customer: str, salt: str) -> float:
    """Where a customer stands between 0 and 1, evenly and for good."""
    digest = hashlib.sha256(f"{salt}\0{customer}".encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56
