"""Intervals, as evaluations know them; what watches knows them too, so they live at `riskloop.intervals`."""

from riskloop.intervals import FloatArray, Interval, finite, normal, percentile, wilson

__all__ = ["FloatArray", "Interval", "finite", "normal", "percentile", "wilson"]
