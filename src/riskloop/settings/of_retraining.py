"""When a new version is trained by itself, on what, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from riskloop.data.recency import Recency
from riskloop.errors import UsageError
from riskloop.settings.section import Section, duration


class RetrainingSection(Section):
    """When a new version is trained, on what, and what becomes of it."""

    every: str | float | None = Field(
        None, description="Age of the champion from which a new version is due, as 30d; no schedule if left out."
    )
    min_new_labels: int | None = Field(
        None, gt=0, description="Newly known outcomes that are reason enough; no reason by themselves if left out."
    )
    harm: float = Field(
        0.0, ge=0, description="Growth of the expected cost, beyond its noise, from which drift is reason enough."
    )
    look_back: str | float = Field("30d", description="Age of the predictions that drift is looked for in.")
    window: str = Field("all", description="Rows to learn from: all, recent:180d or sliding:50000.")
    held_out: float = Field(
        0.4, gt=0, lt=0.9, description="Share of the new labelled rows, the newest, on which versions are compared."
    )
    fewest_rows: int = Field(200, ge=30, description="Held-out rows below which no version can be judged.")
    fewest_positives: int = Field(20, ge=5, description="The same, of the rarer outcome.")
    acted: Literal["keep", "leave_out"] = Field(
        "keep",
        description="leave_out: acting changes or hides the outcome, so that rows acted on are learnt from only where "
        "exploration has left the customer alone.",
    )
    margin: float = Field(
        0.0, ge=0, description="Currency per 1,000 customers by which a segment may become dearer for sure."
    )
    promote: Literal["auto", "never"] = Field(
        "auto", description="auto: a version that is better than the champion beyond noise leads at once."
    )
    then: Literal["propose", "challenge"] = Field(
        "propose", description="What becomes of an accepted one that does not lead at once: challenge is an A/B test."
    )
    share: float = Field(0.2, gt=0, lt=1, description="Share of customers whom such a challenger answers.")
    budget: str | float | None = Field(None, description="Time for a retraining; that of the section training if not.")

    @field_validator("every", "look_back", "budget")
    @classmethod
    def _is_a_time(cls, text: str | float | None) -> str | float | None:
        if text is not None:
            duration(text)
        return text

    @field_validator("window")
    @classmethod
    def _is_a_window(cls, text: str) -> str:
        try:
            return str(Recency.parse(text))
        except UsageError as error:
            raise ValueError(f"{error.message} {error.next_step}") from error

    @property
    def schedule(self) -> timedelta | None:
        """``every`` as a time."""
        return None if self.every is None else timedelta(seconds=duration(self.every))

    @property
    def looks_back(self) -> timedelta:
        """``look_back`` as a time."""
        return timedelta(seconds=duration(self.look_back))
