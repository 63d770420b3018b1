"""Plots of an examination: how a model holds over time, and what more rows would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskloop.report import canvas
from riskloop.report.canvas import FAINT, INK, MUTED, RIGHT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskloop.learn.evaluation.intervals import Interval
    from riskloop.learn.evaluation.learning_curve import LearningCurve
    from riskloop.learn.evaluation.stability import Stability
    from riskloop.learn.examining import Examination

_MOST_NAMES = 12


def over_time(examination: Examination) -> dict[str, Figure]:
    """The plots that an examination has something to draw for, by name."""
    figures = {}
    if examination.stability:
        figures["stability"] = _stability(examination.stability)
    if examination.learning_curve:
        figures["learning_curve"] = _learning_curve(examination.learning_curve)
    return figures


def _stability(stability: Stability) -> Figure:
    periods = stability.periods
    score = "" if np.isnan(stability.mean) else f" Stability score {stability.score:.3f}."
    figure, (upper, lower) = canvas.panels(
        "Stability: does the model hold over time?",
        f"Above: ranking. Below: positives observed per positive expected, ideally 1.{score}",
        rows=2,
        size=(canvas.SIZE[0], 5.6),
    )
    places = np.arange(len(periods))
    gini = np.array([one.gini for one in periods])
    upper.plot(places, gini, "o-", color=RIGHT, markersize=5, label="Gini")
    known = np.isfinite(gini)
    if known.sum() > 1:
        upper.plot(places, np.poly1d(np.polyfit(places[known], gini[known], 1))(places), "--", color=INK, lw=1.2)
    _with_intervals(lower, places, [one.in_the_large for one in periods])
    lower.axhline(1, color=MUTED, linestyle=":")
    for axes in (upper, lower):
        _shade_test(axes, [one.test_share for one in periods])
    upper.axhline(0, color=MUTED, linestyle=":", linewidth=1, label="no better than chance")
    canvas.legend(upper, "best")
    shown = places[:: -(-len(places) // _MOST_NAMES)]
    lower.set_xticks(shown)
    for text in lower.set_xticklabels([periods[place].name for place in shown], fontsize=8, rotation=20, ha="right"):
        text.set_parse_math(False)
    canvas.label(upper, y="Gini")
    canvas.label(lower, y="observed / expected")
    return figure


def _shade_test(axes: Axes, test_share: list[float]) -> None:
    later = np.flatnonzero(np.array(test_share) > 0.5)
    if len(later) and (np.diff(later) == 1).all():
        axes.axvspan(later[0] - 0.5, later[-1] + 0.5, color=FAINT, alpha=0.4, linewidth=0, label="test block")


def _with_intervals(axes: Axes, at: NDArray[Any], shares: list[Interval]) -> None:
    value, low, high = np.array([(one.value, one.low, one.high) for one in shares]).T
    reach = np.maximum([value - low, high - value], 0)
    axes.errorbar(at, value, yerr=reach, fmt="o", color=WRONG, markersize=5, capsize=3, markeredgecolor="white")


def _learning_curve(curve: LearningCurve) -> Figure:
    figure, (upper, lower) = canvas.panels(
        "Learning curve: what would more customers be worth?",
        f"{curve.family}, always judged on the same customers; 95 % intervals; lower is better.",
        rows=2,
        size=(canvas.SIZE[0], 5.6),
    )
    rows = np.array([one.rows for one in curve.points])
    for axes, shares in (
        (upper, [one.cost_per_thousand for one in curve.points]),
        (lower, [one.log_loss for one in curve.points]),
    ):
        axes.plot(rows, [one.value for one in shares], color=RIGHT, linewidth=1.5)
        _with_intervals(axes, rows, shares)
    lower.set_xscale("log", base=2)
    lower.set_xticks(rows)
    lower.set_xticklabels([f"{count:,}" for count in rows])
    lower.minorticks_off()
    canvas.label(upper, y=f"cost ({curve.currency} per 1,000)")
    canvas.label(lower, "rows to learn from", "log loss (nats)")
    return figure
