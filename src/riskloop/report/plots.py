"""Plots of one training: how the model ranks, how sure it is, what its decisions are right about and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from riskloop.costs import FloatArray
from riskloop.learn.evaluation.intervals import Interval
from riskloop.report import canvas
from riskloop.report.canvas import INK, MUTED, RIGHT, THIRD, WRONG
from riskloop.report.decided_plots import cost_ratio, gain
from riskloop.report.examination_plots import over_time
from riskloop.report.explanation_plots import explained
from riskloop.report.words import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from riskloop.learn.evaluation.policies import PolicyRow
    from riskloop.learn.training import Trained

MOST_FEATURES = 20
_SAME_THRESHOLD = 1e-9
_LINE = 2.0


def write_plots(folder: Path, trained: Trained) -> list[Path]:
    """Write the plots of a training as PNG files.

    Parameters
    ----------
    folder : Path
        Exists; files of the same names are replaced.
    trained : Trained

    Returns
    -------
    list of Path
        One for each of `figures`.
    """
    return [canvas.save(figure, folder / f"{name}.png") for name, figure in figures(trained).items()]


def figures(trained: Trained) -> dict[str, Figure]:
    """The plots of a training, by name; a notebook shows each as it is.

    All but stability and learning_curve are drawn from the test block, which the training read once.

    Parameters
    ----------
    trained : Trained
        What `riskloop.train` returns has it as ``trained``.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        roc, precision_recall, confusion, cost_curve, calibration, importance, scores, cost_ratio, gain, shap_summary,
        shap_bars and dependence; coefficients of a linear model; stability where rows have an order, learning_curve
        where it was asked for.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed: it comes with ``riskloop[train]``.
    """
    drawings: dict[str, Callable[[Trained], Figure]] = {
        "roc": _roc,
        "precision_recall": _precision_recall,
        "confusion": _confusion,
        "cost_curve": _cost_curve,
        "calibration": _calibration,
        "importance": _importance,
        "scores": _scores,
        "cost_ratio": cost_ratio,
        "gain": gain,
    }
    drawn = {name: draw(trained) for name, draw in drawings.items()}
    return drawn | explained(trained) | over_time(trained.examination)


def _roc(trained: Trained) -> Figure:
    figure, (axes,) = canvas.panels(
        "ROC curve: does the model rank positives first?",
        f"ROC-AUC {_interval(trained.test['roc_auc'])}. Nearer the upper left corner is better. {_rows(trained)}",
    )
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", label="no better than chance")
    fpr, recall = (np.array(rates, dtype=float) for rates in (trained.curves.fpr, trained.curves.recall))
    axes.plot(fpr, recall, color=RIGHT, linewidth=_LINE, label="model")
    confusion = trained.test.confusion
    _operating_point(axes, trained, confusion.fp / (confusion.fp + confusion.tn), trained.test["recall"].value)
    canvas.label(axes, "false positive rate (share of negatives acted on)", "recall (share of positives acted on)")
    _unit(axes, "xy")
    canvas.legend(axes, "lower right")
    return figure


def _precision_recall(trained: Trained) -> Figure:
    base = trained.test.prevalence
    figure, (axes,) = canvas.panels(
        "Precision and recall: how many of those acted on are positives?",
        f"PR-AUC {_interval(trained.test['pr_auc'])}. Nearer the upper right corner is better. {_rows(trained)}",
    )
    axes.axhline(base, color=MUTED, linestyle=":", label=f"no better than chance ({base:.1%} are positives)")
    points = [(r, p) for r, p in zip(trained.curves.recall, trained.curves.precision, strict=True) if p is not None]
    axes.plot(*zip(*points, strict=True), color=RIGHT, linewidth=_LINE, label="model")
    _operating_point(axes, trained, trained.test["recall"].value, trained.test["precision"].value)
    canvas.label(axes, "recall (share of positives acted on)", "precision (share of positives among those acted on)")
    _unit(axes, "xy")
    canvas.legend(axes, "lower left" if base < 0.5 else "upper right")
    return figure


def _operating_point(axes: Axes, trained: Trained, x: float, y: float) -> None:
    words = f"chosen threshold {_threshold(trained.policy.threshold)}"
    axes.plot([x], [y], "o", color=WRONG, markersize=9, markeredgecolor="white", label=words, zorder=5)


def _confusion(trained: Trained) -> Figure:
    from matplotlib.patches import Rectangle

    counts, costs = trained.test.confusion, trained.test_costs.mean()
    figure, (axes,) = canvas.panels(
        "Confusion matrix: how many decisions are right and wrong?",
        f"Blue decisions are right, orange ones wrong; the darker, the larger the share of the row. {_rows(trained)}",
    )
    varies = trained.test_costs.varies
    cells = (
        (0, 1, counts.tp, counts.tp + counts.fn, costs.tp, RIGHT),
        (1, 1, counts.fn, counts.tp + counts.fn, costs.fn, WRONG),
        (0, 0, counts.fp, counts.fp + counts.tn, costs.fp, WRONG),
        (1, 0, counts.tn, counts.fp + counts.tn, costs.tn, RIGHT),
    )
    for x, y, count, of, price, colour in cells:
        share = count / of if of else 0.0
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, alpha=0.12 + 0.3 * share, edgecolor="white", lw=4))
        words = f"{share:.1%} of the row, {price:g} {costs.currency} {'on average' if varies else 'each'}"
        axes.text(x + 0.5, y + 0.56, f"{count:,}", ha="center", fontsize=20, fontweight="bold", color=INK)
        axes.text(x + 0.5, y + 0.34, words, ha="center", fontsize=10, color=INK, parse_math=False)
    act, leave = (shown(word, 20) for word in trained.policy.labels)
    axes.set(xlim=(0, 2), ylim=(0, 2), xticks=[0.5, 1.5], yticks=[1.5, 0.5])
    _tick_words(axes.set_xticklabels, [act, leave])
    _tick_words(axes.set_yticklabels, ["positive", "negative"])
    axes.grid(visible=False)
    canvas.label(axes, f"decision (chosen threshold {_threshold(trained.policy.threshold)})", "outcome (customers)")
    return figure


def _cost_curve(trained: Trained) -> Figure:
    rows = {row.name: row for row in trained.policies}
    chosen, currency = rows["chosen"], trained.policy.costs.currency
    figure, (axes,) = canvas.panels(
        "Cost curve: what would every threshold have cost?",
        f"Chosen threshold: {_money(chosen.cost_per_thousand)} {currency} per 1,000 customers. Lower is better. "
        f"{_rows(trained)}",
    )
    curve = sorted(zip(trained.curves.threshold, trained.curves.cost_per_thousand, strict=True))
    thresholds, costs = np.array([(0.0, curve[0][1]), *curve]).T
    axes.step(thresholds, costs, where="pre", color=RIGHT, linewidth=_LINE)
    _trivial_policies(axes, rows)
    _thresholds(axes, chosen, rows["bayes"])
    axes.set(xlim=(0, 1), ylim=(min(0.0, costs.min() * 1.05), max(0.0, costs.max() * 1.12)))
    canvas.label(axes, "threshold (act from this probability on)", f"cost ({currency} per 1,000 customers)")
    canvas.legend(axes, "best")
    return figure


def _trivial_policies(axes: Axes, rows: dict[str, PolicyRow]) -> None:
    for name, style, words in (("act_on_all", "-.", "act on everyone"), ("act_on_none", ":", "act on nobody")):
        cost = rows[name].cost_per_thousand.value
        axes.axhline(cost, color=MUTED, linestyle=style, linewidth=1.4, label=f"{words}: {cost:,.0f}")


def _thresholds(axes: Axes, chosen: PolicyRow, bayes: PolicyRow) -> None:
    cost = chosen.cost_per_thousand
    same = abs(chosen.threshold - bayes.threshold) < _SAME_THRESHOLD
    words = "chosen threshold" + (" (the Bayes threshold)" if same else "")
    axes.errorbar(
        [min(chosen.threshold, 1.0)],
        [cost.value],
        yerr=[[max(cost.value - cost.low, 0)], [max(cost.high - cost.value, 0)]],
        fmt="o",
        color=WRONG,
        markersize=9,
        markeredgecolor="white",
        capsize=4,
        zorder=5,
        label=f"{words} {_threshold(chosen.threshold)}: {cost.value:,.0f}",
    )
    axes.axvline(chosen.threshold, color=WRONG, linewidth=1, alpha=0.6)
    if not same:
        words = f"Bayes threshold {_threshold(bayes.threshold)}: {bayes.cost_per_thousand.value:,.0f}"
        axes.axvline(bayes.threshold, color=THIRD, linestyle="--", linewidth=1.4, label=words)


def _calibration(trained: Trained) -> Figure:
    bins = trained.examination.reliability.bins
    figure, (axes,) = canvas.panels(
        "Calibration: do probabilities come true?",
        f"Slope {_interval(trained.test['calibration_slope'], 2)}, ideally 1. Points on the line keep their word; "
        f"square-root scales. {_rows(trained)}",
    )
    observed = np.array([(one.observed.value, one.observed.low, one.observed.high) for one in bins]).T
    most = min(1.0, 1.08 * max(float(observed[2].max()), *(one.foreseen for one in bins)))
    grid = np.linspace(0, most, 400) ** 2 / most
    low, high = trained.scorer.interval.of_many(grid)
    axes.fill_between(grid, low, high, color=THIRD, alpha=0.18, linewidth=0, label="interval served (Venn-Abers)")
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", label="foreseen = observed")
    axes.errorbar(
        [one.foreseen for one in bins],
        observed[0],
        yerr=np.maximum([observed[0] - observed[1], observed[2] - observed[0]], 0),
        fmt="o",
        color=RIGHT,
        markersize=7,
        markeredgecolor="white",
        capsize=3,
        clip_on=False,
        label=f"{len(bins)} groups of about {_typical(one.rows for one in bins):,} customers, 95 % interval (Wilson)",
    )
    canvas.label(axes, "probability foreseen (mean of the group)", "share of positives observed")
    _root_scale(axes, "xy", most)
    canvas.legend(axes, "upper left")
    return figure


def _importance(trained: Trained) -> Figure:
    ranked = list(trained.importance.items())[:MOST_FEATURES]
    more = len(trained.importance) - len(ranked)
    which = f"The first {len(ranked)} of {len(trained.importance)} features." if more else "All features."
    figure, (axes,) = canvas.panels(
        "Importance: which features does the model rely on?",
        f"Growth of the log loss when a feature is shuffled, 95% interval. {which} {_rows(trained)}",
        size=(canvas.SIZE[0], max(3.0, 1.5 + 0.27 * len(ranked))),
        left=2.5,
    )
    places = range(len(ranked))
    growth = np.array([(one.value, one.value - one.low, one.high - one.value) for _, one in ranked]).reshape(-1, 3).T
    axes.barh(places, growth[0], color=RIGHT, height=0.68)
    axes.errorbar(growth[0], places, xerr=growth[1:], fmt="none", ecolor=INK, elinewidth=1, capsize=2)
    axes.invert_yaxis()
    axes.set_yticks(places)
    _tick_words(axes.set_yticklabels, [shown(name, 32) for name, _ in ranked])
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.grid(visible=False, axis="y")
    canvas.label(axes, "growth of the log loss (nats per customer)")
    return figure


def _scores(trained: Trained) -> Figure:
    counts, act = trained.test.confusion, shown(trained.policy.labels[0], 20)
    figure, (upper, lower) = canvas.panels(
        "Scores: where are decisions right and wrong?",
        f"Blue decisions are right, hatched orange ones wrong; square-root scale. {_rows(trained)}",
        rows=2,
        size=(canvas.SIZE[0], 5.6),
    )
    bins = trained.curves.scores
    edges = np.array([one.low for one in bins])
    tp, fn, fp, tn = np.array([(one.tp, one.fn, one.fp, one.tn) for one in bins]).T
    _stack(upper, edges, (tp, f"acted on: {counts.tp:,}"), (fn, f"missed: {counts.fn:,}"))
    _stack(lower, edges, (tn, f"left alone: {counts.tn:,}"), (fp, f"acted on needlessly: {counts.fp:,}"))
    own = " on average" if trained.policy.own_thresholds else ""
    for axes in (upper, lower):
        axes.axvline(
            trained.policy.threshold,
            color=INK,
            linewidth=1.4,
            label=f"threshold {_threshold(trained.policy.threshold)}{own}",
        )
        canvas.legend(axes, "best")
        axes.set_xlim(0, 1)
    canvas.label(upper, y="positives (customers)")
    canvas.label(lower, f"probability ({act} from the threshold on)", "negatives (customers)")
    return figure


def _stack(axes: Axes, edges: FloatArray, right: tuple[FloatArray, str], wrong: tuple[FloatArray, str]) -> None:
    width = 1 / len(edges)
    axes.bar(edges, right[0], width, align="edge", color=RIGHT, edgecolor="white", linewidth=0.8, label=right[1])
    axes.bar(
        edges,
        wrong[0],
        width,
        bottom=right[0],
        align="edge",
        color=WRONG,
        edgecolor="white",
        linewidth=0.8,
        hatch="////",
        label=wrong[1],
    )
    _root_scale(axes, "y", 1.15 * max(float((right[0] + wrong[0]).max()), 1.0))


def _root_scale(axes: Axes, which: str, most: float) -> None:
    """Square-root scale from 0: small numbers, where most customers are, get room."""
    for letter in which:
        getattr(axes, f"set_{letter}scale")("function", functions=(_root, np.square))
        getattr(axes, f"set_{letter}lim")(0, most)


def _root(values: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum(values, 0)))


def _unit(axes: Axes, which: str) -> None:
    for letter in which:
        getattr(axes, f"set_{letter}lim")(-0.01, 1.01)


def _tick_words(setter: Callable[..., list[Text]], words: list[str]) -> None:
    for text in setter(words, fontsize=10):
        text.set_parse_math(False)


def _typical(rows: Iterable[int]) -> int:
    return int(np.median(list(rows)))


def _interval(one: Interval, digits: int = 3) -> str:
    return f"{one.value:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"


def _money(one: Interval) -> str:
    return f"{one.value:,.0f} [{one.low:,.0f}, {one.high:,.0f}]"


def _threshold(value: float) -> str:
    return f"{value:.3g}" if value <= 1 else "above 1 (nobody)"


def _rows(trained: Trained) -> str:
    return f"{trained.test.n:,} test rows."
