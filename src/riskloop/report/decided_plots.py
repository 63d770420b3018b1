"""Plots of what decisions rest on: the ratio of the costs, and whom ranking puts first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from riskloop.report import canvas
from riskloop.report.canvas import INK, MUTED, RIGHT, THIRD, WRONG

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from riskloop.learn.training import Trained

_LINE = 2.0


def cost_ratio(trained: Trained) -> Figure:
    """What policies would cost if a missed positive cost more or less than it is taken to."""
    sweep = trained.decided.sweep
    figure, (axes,) = canvas.panels(
        "Cost ratio: how far do the decisions hang on the costs?",
        f"Cost above that of thresholds made for each ratio; lower is better. {trained.test.n:,} customers.",
    )
    ratios = np.array([one.ratio for one in sweep.points])
    adapted = np.array([one.adapted for one in sweep.points])
    lines = (
        ("kept", "the thresholds chosen", RIGHT, "-"),
        ("act_on_all", "acting on everybody", WRONG, "--"),
        ("act_on_none", "leaving everybody alone", THIRD, ":"),
    )
    base = np.where(np.abs(adapted) > 0, np.abs(adapted), np.nan)
    for name, words, colour, style in lines:
        dearer = (np.array([getattr(one, name) for one in sweep.points]) - adapted) / base * 100
        axes.plot(ratios, dearer, style, color=colour, linewidth=_LINE, label=words)
    if not math.isnan(sweep.right_from):
        axes.axvspan(sweep.right_from, sweep.right_to, color=RIGHT, alpha=0.08, label="within 5 per cent")
    axes.axvline(sweep.ratio, color=INK, linewidth=1.2, label=f"taken to cost {sweep.ratio:.3g}")
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_ylim(-10, 100)
    _plain_ticks(axes, ratios)
    canvas.label(axes, "what a missed positive costs (needless actions)", "cost above (per cent)")
    canvas.legend(axes, "upper right")
    return figure


def _plain_ticks(axes: object, ratios: np.ndarray) -> None:
    first, last = math.ceil(math.log10(ratios[0])), math.floor(math.log10(ratios[-1]))
    ticks = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 3)]
    shown = [tick for tick in ticks if ratios[0] <= tick <= ratios[-1]]
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])  # type: ignore[attr-defined]
    axes.minorticks_off()  # type: ignore[attr-defined]


def gain(trained: Trained) -> Figure:
    """How many of the positives are among the customers of the highest probabilities."""
    tenths = trained.decided.tenths
    rows = np.cumsum([0, *(one.rows for one in tenths)]) / trained.test.n
    gained = np.array([0.0, *(one.gained for one in tenths)])
    figure, (axes,) = canvas.panels(
        "Gain: how many positives do the first customers hold?",
        f"Customers by falling probability; the numbers are the lift of each tenth. {trained.test.n:,} customers, "
        f"{trained.test.positives:,} positive.",
    )
    axes.plot(rows, gained, "o-", color=RIGHT, linewidth=_LINE, markersize=5, label="model")
    perfect = [0.0, trained.test.prevalence, 1.0]
    axes.plot(perfect, [0, 1, 1], ":", color=THIRD, linewidth=1.4, label="perfect ranking")
    axes.plot([0, 1], [0, 1], "--", color=MUTED, linewidth=1.2, label="by chance")
    acted = trained.test["act_rate"].value
    axes.axvline(acted, color=INK, linewidth=1.2, label=f"acted on: {acted:.0%}")
    for one, place, height in zip(tenths, rows[1:], gained[1:], strict=True):
        if not math.isnan(one.lift):
            axes.annotate(
                f"{one.lift:.1f}", (place, height), xytext=(4, -12), textcoords="offset points", fontsize=8, color=INK
            )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.03))
    canvas.label(axes, "share of the customers", "share of the positives")
    canvas.legend(axes, "lower right")
    return figure
