"""How a challenger is compared with the champion, and what ends that at once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from riskloop.settings.section import Section
from riskloop.watch.guardrails import USUAL_RAILS, Rails


class ExperimentsSection(Section):
    """How a challenger is compared with the champion in production, and what ends that."""

    level: float = Field(
        0.05, gt=0, lt=0.5, description="Chance that the interval of the difference ever leaves out the truth."
    )
    compare: Literal["decisions", "all"] = Field(
        "decisions",
        description="decisions: both versions are asked about every customer, and only those decided differently tell; "
        "all: costs as they are, without asking again.",
    )
    days: int = Field(28, ge=1, le=730, description="Days after which the interval is to be narrowest.")
    largest: float | None = Field(
        None, gt=0, description="Where costs are formulas: the largest cost of a customer that counts in full."
    )
    fallback: float = Field(
        USUAL_RAILS.fallback, gt=0, le=1, description="Share of its customers that a challenger may fail to answer."
    )
    latency: float = Field(
        USUAL_RAILS.latency, gt=1, description="Times the champion's p99 that a challenger may take."
    )
    score_psi: float = Field(
        USUAL_RAILS.score_psi,
        gt=0,
        description="PSI of the challenger's scores from what was expected of them, beyond the champion's.",
    )
    act_rate: float = Field(
        USUAL_RAILS.act_rate, gt=0, le=1, description="How far the share acted on may be from what was expected."
    )

    def rails(self) -> Rails:
        """What ends a challenge at once."""
        return Rails(self.fallback, self.latency, self.score_psi, self.act_rate, self.level)
