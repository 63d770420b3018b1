"""Draw the figures of docs/explanation: `python docs/images/draw_explanations.py`; the same seeds, the same files."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from riskloop.costs import Costs
from riskloop.watch.distances import psi, psi_by_chance
from riskloop.watch.experiment import Design, Tally, looks

HERE = Path(__file__).parent
BLUE, ORANGE, GREY = "#0b6e99", "#c2571a", "#8a8f98"


def _figure(name: str, draw: object, title: str) -> None:
    matplotlib.rcParams |= {"svg.hashsalt": name, "font.size": 10, "svg.fonttype": "none", "font.family": "sans-serif"}
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    draw(axes)  # type: ignore[operator]
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(HERE / f"{name}.svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    plt.close(figure)


def cost_by_threshold(axes: Axes) -> None:
    """Cost of deciding by true probabilities, cut at each threshold."""
    rng = np.random.default_rng(7)
    p = rng.beta(1.2, 6, 50_000)
    left, costs = rng.random(50_000) < p, Costs(fp=10, fn=100)
    cuts = np.linspace(0, 0.8, 81)
    axes.plot(cuts, [costs.per_thousand(left, p >= cut) for cut in cuts], color=BLUE, label="decided by the threshold")
    axes.axhline(costs.per_thousand(left, p >= 0), color=ORANGE, ls="--", lw=1.2, label="act on everybody")
    axes.axhline(costs.per_thousand(left, p >= 2), color=GREY, ls=":", lw=1.2, label="act on nobody")
    axes.axvline(costs.bayes_threshold, color=BLUE, lw=0.8, alpha=0.6)
    axes.annotate("10 / 110", (costs.bayes_threshold, 14_500), (0.12, 14_500))
    axes.set(xlabel="threshold", ylabel="EUR per 1,000 customers", ylim=(0, 18_000))


def psi_where_nothing_moved(axes: Axes) -> None:
    """PSI of two samples of one distribution, by their size."""
    rng, sizes = np.random.default_rng(7), np.array([100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000])
    drawn = [[psi(*rng.multinomial(n, np.full(20, 0.05), size=2)) for _ in range(40)] for n in sizes]
    for n, found in zip(sizes, drawn, strict=True):
        axes.plot(np.full(len(found), n), found, ".", color=GREY, ms=3, alpha=0.6)
    axes.plot([], [], ".", color=GREY, label="nothing has moved")
    axes.plot(sizes, [psi_by_chance(20, n, n, 0.95) for n in sizes], color=BLUE, label="floor: 95 % by chance")
    axes.axhline(0.1, color=ORANGE, ls="--", lw=1.2, label="the customary .1")
    axes.set(xscale="log", yscale="log", xlabel="rows, in either sample", ylabel="PSI, 20 bins")


def looking_daily(axes: Axes) -> None:
    """One experiment without a difference in which a test repeated each day is once sure of one."""
    rng, days, each = np.random.default_rng(19), 60, 50
    missed = rng.random((2, days, each)) < 0.05
    n = each * np.arange(1, days + 1)
    rate = missed.sum(axis=2).cumsum(axis=1) / n
    gap, error = 100 * (rate[1] - rate[0]), 100 * np.sqrt((rate * (1 - rate)).sum(axis=0) / n)
    design = Design(share=0.5, low=0, high=100, span=100, spread=22, planned=2 * days * each)
    tallies = []
    for day in range(days):
        tally = Tally()
        for arm in (0, 1):
            bad = int(missed[arm, day].sum())
            tally.add(arm, 100.0, 100.0, bad)
            tally.add(arm, 0.0, 0.0, each - bad)
        tallies.append((date(2026, 1, 1) + timedelta(day), tally))
    found = looks(tallies, design)
    at = np.arange(1, days + 1)
    axes.fill_between(
        at,
        [one.difference.low for one in found],
        [one.difference.high for one in found],
        color=BLUE, alpha=0.18, label="confidence sequence",
    )  # fmt: skip
    axes.plot(at, gap - 1.96 * error, color=ORANGE, lw=1, label="t-interval of the day")
    axes.plot(at, gap + 1.96 * error, color=ORANGE, lw=1)
    axes.plot(at, gap, color="black", lw=1.2, label="difference seen")
    axes.axhline(0, color=GREY, lw=0.8)
    axes.set(xlabel="day", ylabel="EUR per customer", ylim=(-12, 12))


if __name__ == "__main__":
    _figure("cost-by-threshold", cost_by_threshold, "What a threshold costs: a needless call 10, a lost customer 100")
    _figure("psi-by-chance", psi_where_nothing_moved, "Few rows move by themselves")
    _figure("looking-daily", looking_daily, "Sixty days without any difference")
