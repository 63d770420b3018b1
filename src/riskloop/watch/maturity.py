"""Maturity: from when on an outcome is final, and what silence means then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from riskloop.watch.windows import Window

Unreported = Literal["unknown", "negative"]


@dataclass(frozen=True, slots=True)
class Maturity:
    """How long an outcome takes.

    Attributes
    ----------
    after : timedelta or None
        Time from a prediction until its outcome is final; None where outcomes are final as soon as they are told.
    unreported : {"unknown", "negative"}
        What a customer is of whom nothing has been told by then. Many teams report only who has left or defaulted:
        for them silence is a negative, but not before the time is over.
    """

    after: timedelta | None = None
    unreported: Unreported = "unknown"

    def reached(self, predicted: datetime, now: datetime) -> bool:
        """Whether the outcome of a prediction is final."""
        return self.after is None or predicted + self.after <= now

    def over(self, window: Window, now: datetime) -> bool:
        """Whether the outcomes of all predictions of a window are final."""
        return window.end <= now and self.reached(window.end, now)

    def in_time(self, predicted: datetime, observed: datetime) -> bool:
        """Whether a positive came soon enough to count against a prediction."""
        return self.after is None or observed - predicted <= self.after
