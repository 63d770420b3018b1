"""How performance is followed over time."""

from __future__ import annotations

from pydantic import Field

from riskloop.settings.section import Section
from riskloop.watch.windows import Period


class PerformanceSection(Section):
    """How performance is counted over time."""

    window: Period = Field("month", description="Windows in which predictions are judged: hour, day, week or month.")
    minimum_rows: int = Field(
        30, ge=2, description="Windows of fewer known outcomes are shown and not judged, and none is estimated."
    )
    weighted: bool = Field(
        True, description="Whether estimates follow where customers move, by the test rows of the training table."
    )
