"""The one style of all plots: sober, safe for colour-blind readers, drawn without a screen and without global state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1f24"
MUTED = "#5b6470"
FAINT = "#d5d9de"
RIGHT = "#0072b2"
WRONG = "#d55e00"
THIRD = "#007a5a"
SIZE = (7.2, 5.0)
DPI = 120


def panels(
    title: str, reading: str, *, rows: int = 1, size: tuple[float, float] = SIZE, left: float = 0.85
) -> tuple[Figure, Sequence[Axes]]:
    """A figure with ``rows`` panels above each other, a title, and a line that says how to read it.

    Parameters
    ----------
    size : (float, float)
        Width and height in inches.
    left : float
        Room for the labels of the vertical axis, in inches. Margins are fixed: matplotlib's own layout takes longer
        than all the drawing.
    """
    from riskloop.report.figure import Drawn

    width, height = size
    figure = Drawn(figsize=size, dpi=DPI, facecolor="white")
    figure.subplots_adjust(left / width, 0.62 / height, 1 - 0.2 / width, 1 - 0.78 / height, hspace=0.12)
    above = 1 - 0.12 / height
    figure.text(0.025, above, title, fontsize=13, fontweight="bold", color=INK, va="top", parse_math=False)
    figure.text(0.025, above - 0.29 / height, reading, fontsize=9.5, color=MUTED, va="top", parse_math=False)
    axes: list[Axes] = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0].tolist()
    for one in axes:
        _sober(one)
    return figure, axes


def _sober(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.grid(visible=True, color=FAINT, linewidth=0.6, alpha=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=9, length=0, labelcolor=INK)


def label(axes: Axes, x: str = "", y: str = "") -> None:
    """Name the axes, with their units."""
    axes.set_xlabel(x, fontsize=10, color=INK, parse_math=False)
    axes.set_ylabel(y, fontsize=10, color=INK, parse_math=False)


def legend(axes: Axes, where: str) -> None:
    """A legend without a box around it, opaque enough to be read above lines."""
    drawn = axes.legend(loc=where, fontsize=9, frameon=True, framealpha=0.9, edgecolor="none", labelcolor=INK)
    for text in drawn.get_texts():
        text.set_parse_math(False)


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG; the same figure gives the same bytes."""
    from riskloop.report.figure import print_png

    print_png(figure, path)
    return path
