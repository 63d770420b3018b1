"""Plots of what moves a model on the whole: SHAP summary and bars, dependence, coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskloop.report import canvas
from riskloop.report.canvas import FAINT, INK, MUTED, RIGHT, WRONG
from riskloop.report.words import shown
from riskloop.scorer.linear import Linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from riskloop.learn.explaining import Attributions
    from riskloop.learn.training import Trained

MOST_FEATURES = 20
_MOST_PANELS = 6
_ROW = 0.27
_LANES = 41
"""Dots of one feature that share a place are spread over so many lanes."""
_FAMILIAR = 12
"""A category with more levels has only its most frequent ones drawn."""


def explained(trained: Trained) -> dict[str, Figure]:
    """The plots by name; without the last where the model is not linear."""
    figures = {"shap_summary": _summary(trained), "shap_bars": _bars(trained), "dependence": _dependence(trained)}
    if isinstance(trained.scorer.model, Linear):
        figures["coefficients"] = _coefficients(trained.scorer.encoding.names, trained.scorer.model.coefficients)
    return figures


def _places(told: Attributions) -> list[tuple[str, int]]:
    """The weightiest features and their columns."""
    return [(name, told.features.index(name)) for name in list(told.mean_share)[:MOST_FEATURES]]


def _tall(title: str, reading: str, rows: int) -> tuple[Figure, Axes]:
    size = (canvas.SIZE[0], max(3.0, 1.5 + _ROW * rows))
    figure, (axes,) = canvas.panels(title, reading, size=size, left=2.5)
    return figure, axes


def _named(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)))
    for text, name in zip(axes.set_yticklabels([shown(name, 32) for name in names]), names, strict=True):
        text.set_parse_math(False)
        text.set_text(shown(name, 32))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def _summary(trained: Trained) -> Figure:
    told = trained.attributions
    places = _places(told)
    figure, axes = _tall(
        "SHAP summary: what moves the risk of whom?",
        f"{len(told.shares):,} customers of the test block; low values are blue, high ones orange, missing ones grey.",
        len(places),
    )
    for line, (_, at) in enumerate(places):
        shares, values = told.shares[:, at], told.values[:, at]
        axes.scatter(shares, line + _spread(shares), c=_colours(values), s=5, linewidths=0, alpha=0.8)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    _named(axes, [name for name, _ in places])
    canvas.label(axes, "what the feature adds to the log-odds, beside the baseline")
    return figure


def _spread(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets that keep dots of nearly the same share apart, in a swarm around the line."""
    if not len(shares):
        return shares
    width = float(np.ptp(shares)) or 1.0
    bins = np.floor((shares - shares.min()) / width * 120).astype(int)
    offsets, seen = np.zeros(len(shares)), dict[int, int]()
    for row, place in enumerate(bins.tolist()):
        count = seen[place] = seen.get(place, -1) + 1
        offsets[row] = (count + 1) // 2 % _LANES * (1 if count % 2 else -1) / _LANES
    return offsets * 0.42


def _colours(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From blue to orange by rank, grey where missing, shape (n, 4)."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    scale = LinearSegmentedColormap.from_list("value", [RIGHT, "#b9bdc4", WRONG])
    known = ~np.isnan(values)
    distinct, place = np.unique(values[known], return_inverse=True)
    colours = np.tile(np.array(to_rgba("#9aa1ab")), (len(values), 1))
    colours[known] = scale(place / max(len(distinct) - 1, 1))
    return colours


def _bars(trained: Trained) -> Figure:
    told = trained.attributions
    ranked = list(told.mean_share.items())[:MOST_FEATURES]
    more = len(told.features) - len(ranked)
    which = f"The first {len(ranked)} of {len(told.features)} features." if more else "All features."
    figure, axes = _tall(
        "SHAP importance: which features move the risk most?",
        f"Mean size of what a feature adds to the log-odds. {which} {_rows(told)}",
        len(ranked),
    )
    axes.barh(range(len(ranked)), [size for _, size in ranked], color=RIGHT, height=0.68)
    _named(axes, [name for name, _ in ranked])
    canvas.label(axes, "mean size of what the feature adds to the log-odds")
    return figure


def _dependence(trained: Trained) -> Figure:
    from riskloop.report.figure import Drawn

    told, contract = trained.attributions, trained.scorer.contract
    places = _places(told)[:_MOST_PANELS]
    rows = max(1, -(-len(places) // 2))
    width, height = canvas.SIZE[0], 1.0 + 2.1 * rows
    figure = Drawn(figsize=(width, height), dpi=canvas.DPI, facecolor="white")
    figure.subplots_adjust(0.09, 0.45 / height, 0.98, 1 - 0.85 / height, hspace=0.42, wspace=0.2)
    title = "Dependence: how does the risk move with a feature?"
    reading = f"A dot is a customer: a value, and what it adds to the log-odds. {_rows(told)}"
    figure.text(0.025, 1 - 0.12 / height, title, fontsize=13, fontweight="bold", color=INK, va="top")
    figure.text(0.025, 1 - 0.41 / height, reading, fontsize=9.5, color=MUTED, va="top")
    for number, (name, at) in enumerate(places):
        axes = figure.add_subplot(rows, 2, number + 1)
        _one_dependence(axes, told.values[:, at], told.shares[:, at], _levels(contract, name))
        axes.set_title(shown(name, 44), fontsize=10, color=INK, loc="left", parse_math=False)
    return figure


def _levels(contract: object, name: str) -> tuple[str, ...] | None:
    column = contract.by_name.get(name)  # type: ignore[attr-defined]
    return column.levels if column is not None and column.type == "category" else None


def _one_dependence(
    axes: Axes, values: NDArray[np.float64], shares: NDArray[np.float64], levels: tuple[str, ...] | None
) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=MUTED, labelsize=8, length=0, labelcolor=INK)
    axes.grid(visible=True, color=FAINT, linewidth=0.6, alpha=0.7)
    axes.set_axisbelow(True)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    known = ~np.isnan(values)
    if levels is None:
        axes.scatter(values[known], shares[known], s=6, color=RIGHT, alpha=0.5, linewidths=0)
        return
    codes, counts = np.unique(values[known], return_counts=True)
    drawn = np.sort(codes[np.argsort(-counts, kind="stable")[:_FAMILIAR]])
    for place, code in enumerate(drawn.tolist()):
        some = shares[values == code]
        axes.scatter(place + _spread(some) * 0.9, some, s=6, color=RIGHT, alpha=0.5, linewidths=0)
    named = [levels[int(code)] if code < len(levels) else "(other)" for code in drawn.tolist()]
    room = max(4, 36 // max(1, len(named)))
    for text in axes.set_xticks(range(len(named)), [shown(name, room) for name in named]):
        text.label1.set_parse_math(False)


def _coefficients(names: Sequence[str], coefficients: NDArray[np.float64]) -> Figure:
    order = np.argsort(-np.abs(coefficients), kind="stable")[:MOST_FEATURES]
    figure, axes = _tall(
        "Coefficients: what the model adds for each of its columns",
        f"Log-odds per unit of the column as the model sees it. The first {len(order)} of {len(coefficients)}.",
        len(order),
    )
    colours = [WRONG if value > 0 else RIGHT for value in coefficients[order].tolist()]
    axes.barh(range(len(order)), coefficients[order], color=colours, height=0.68)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    _named(axes, [names[at] for at in order.tolist()])
    canvas.label(axes, "coefficient (log-odds); orange raises the risk")
    return figure


def _rows(told: Attributions) -> str:
    return f"{len(told.shares):,} customers of the test block."
