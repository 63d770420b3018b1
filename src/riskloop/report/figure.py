"""A figure that a notebook shows by itself; imported where something is drawn, since matplotlib takes its time."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class Drawn(Figure):
    """A matplotlib figure without a screen: no pyplot and no magic line is needed to see it as the value of a cell."""

    def _repr_png_(self) -> bytes:
        drawn = BytesIO()
        print_png(self, drawn)
        return drawn.getvalue()


def print_png(figure: Figure, to: Path | BytesIO) -> None:
    """Draw; the same figure gives the same bytes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        FigureCanvasAgg(figure).print_png(to, metadata={"Software": None})
