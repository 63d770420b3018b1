"""Drawings: where lines, bars and words of a chart stand; the template writes them down as SVG.

Lengths are in units of the drawing; one unit is about one pixel on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from riskloop.report.words import shown

Anchor = Literal["start", "middle", "end"]
WIDTH = 400.0
_LEFT = 40.0
_LINE = 20.0


class Path(NamedTuple):
    """A path of SVG, by the name of its style."""

    kind: str
    d: str


class Word(NamedTuple):
    """A text that ends, begins or stands around a point."""

    kind: str
    x: float
    y: float
    anchor: Anchor
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart."""

    width: float
    height: float
    paths: tuple[Path, ...]
    words: tuple[Word, ...]


class Bar(NamedTuple):
    """A row of a bar chart. ``text`` is what stands at its right; ``strong`` is the one it is about."""

    name: str
    value: float
    low: float
    high: float
    text: str
    strong: bool = False


def bar(name: str, interval: Mapping[str, float | None], text: str, *, strong: bool = False) -> Bar:
    """The bar of a value with its interval, if that is known."""
    value, low, high = (interval.get(part) for part in ("value", "low", "high"))
    height = value or 0.0
    if low is None or high is None:
        low = high = height
    return Bar(name, height, low, high, text, strong)


class Series(NamedTuple):
    """A line through points."""

    name: str
    kind: str
    points: Sequence[tuple[float, float]]


class Tick(NamedTuple):
    """A mark of an axis."""

    at: float
    text: str


def bars(rows: Sequence[Bar]) -> Drawing:
    """Bars below each other with their intervals, from 0."""
    name_end, start, end = 122.0, 128.0, 326.0
    lowest = min(0.0, *(one.low for one in rows))
    highest = max(0.0, *(one.high for one in rows))
    scale = (end - start) / ((highest - lowest) or 1.0)

    def x(value: float) -> float:
        return start + (value - lowest) * scale

    floor = _LINE * len(rows) + 2
    paths = [Path("axis", f"M{_px(x(0))} 0V{_px(floor)}")]
    words = []
    for place, row in enumerate(rows):
        y = _LINE * place
        paths.append(
            Path(
                "bar strong" if row.strong else "bar", f"M{_px(x(0))} {_px(y + 5)}H{_px(x(row.value))}v11H{_px(x(0))}Z"
            )
        )
        if row.high > row.low:
            paths.append(Path("whisker", f"M{_px(x(row.low))} {_px(y + 10.5)}H{_px(x(row.high))}"))
        words.append(Word("name", name_end, y + 14, "end", shown(row.name, 21)))
        words.append(Word("value", WIDTH, y + 14, "end", row.text))
    return Drawing(WIDTH, floor + 2, tuple(paths), tuple(words))


def dots(
    points: Sequence[tuple[float, float, float, float]], top: float, ticks: Sequence[Tick], across: str, up: str
) -> Drawing:
    """Points (x, y, low, high) beside the diagonal, on square-root scales: most customers have small probabilities."""
    size, left, upper = 250.0, 40.0, 16.0
    floor = upper + size

    def x(value: float) -> float:
        return left + size * math.sqrt(max(value, 0.0) / top)

    def y(value: float) -> float:
        return floor - size * math.sqrt(min(max(value, 0.0) / top, 1.0))

    whiskers = "".join(f"M{_px(x(at))} {_px(y(high))}V{_px(y(low))}" for at, _, low, high in points)
    marks = "".join(f"M{_px(x(at))} {_px(y(value))}h0" for at, value, _, _ in points)
    grid = "".join(f"M{_px(left)} {_px(y(one.at))}H{_px(left + size)}" for one in ticks)
    paths = (
        Path("axis", grid),
        Path("all", f"M{_px(left)} {_px(floor)}L{_px(left + size)} {_px(upper)}"),
        Path("whisker", whiskers),
        Path("dot", marks),
    )
    words = [Word("", left - 4, y(one.at) + 3, "end", one.text) for one in ticks]
    words += [Word("", x(one.at), floor + 13, "middle", one.text) for one in ticks]
    words += [Word("", left + size / 2, floor + 27, "middle", across), Word("", 0, 9, "start", up)]
    return Drawing(left + size + 12, floor + 32, tuple(paths), tuple(words))


def lines(
    series: Sequence[Series],
    across: Sequence[Tick],
    up: Sequence[Tick],
    *,
    titles: tuple[str, str],
    mark: float | None = None,
    dotted: bool = False,
    band: Sequence[tuple[float, float, float]] = (),
) -> Drawing:
    """Lines over the ticks of two axes, which are the bounds; ``mark`` is a vertical line.

    Parameters
    ----------
    titles : (str, str)
        Of the axis across, and of the one that goes up.
    dotted : bool
        Also draw the points.
    band : sequence of (float, float, float)
        Points across, each with the lower and the upper end of a band behind the lines.
    """
    upper = 16.0 + 14.0 * (math.ceil(len(series) / 2) if len(series) > 1 else 0)
    height, right = 150.0, WIDTH - 8
    floor = upper + height
    low, high = min(one.at for one in up), max(one.at for one in up)
    first, last = across[0].at, across[-1].at

    def x(value: float) -> float:
        return _LEFT + (right - _LEFT) * (value - first) / ((last - first) or 1.0)

    def y(value: float) -> float:
        return floor - height * (min(max(value, low), high) - low) / ((high - low) or 1.0)

    paths = [Path("axis", "".join(f"M{_px(_LEFT)} {_px(y(one.at))}H{_px(right)}" for one in up))]
    if band:
        edge = [(at, top) for at, _, top in band] + [(at, bottom) for at, bottom, _ in reversed(band)]
        paths.append(Path("band", "M" + "L".join(f"{_px(x(at))} {_px(y(value))}" for at, value in edge) + "Z"))
    if mark is not None:
        paths.append(Path("all", f"M{_px(x(mark))} {_px(upper)}V{_px(floor)}"))
    words = [Word("", _LEFT - 4, y(one.at) + 3, "end", one.text) for one in up]
    for place, one in enumerate(across):
        anchor: Anchor = "end" if place == len(across) - 1 else "middle" if place else "start"
        words.append(Word("", x(one.at), floor + 13, anchor, one.text))
    words += [Word("", (right + _LEFT) / 2, floor + 27, "middle", titles[0]), Word("", 0, 9, "start", titles[1])]
    for place, line in enumerate(series):
        drawn = [(x(at), y(value)) for at, value in line.points]
        paths.append(Path(f"line {line.kind}", "M" + "L".join(f"{_px(a)} {_px(b)}" for a, b in drawn)))
        if dotted:
            paths.append(Path(f"spot {line.kind}", "".join(f"M{_px(a)} {_px(b)}h0" for a, b in drawn)))
        if len(series) > 1:
            left, level = _LEFT + place % 2 * (right - _LEFT) / 2, 22.0 + 14 * (place // 2)
            paths.append(Path(f"line {line.kind}", f"M{_px(left)} {_px(level)}h14"))
            words.append(Word("name", left + 18, level + 3, "start", line.name))
    return Drawing(WIDTH, floor + 32, tuple(paths), tuple(words))


class Pile(NamedTuple):
    """Counts of what is right and of what is wrong, in bins of equal width from 0 to 1."""

    title: str
    right_name: str
    wrong_name: str
    right: Sequence[int]
    wrong: Sequence[int]


def piles(
    rows: Sequence[Pile], across: Sequence[Tick], title: str, count: Callable[[int], str], *, mark: float
) -> Drawing:
    """Panels below each other, what is wrong on top of what is right, on square-root scales: few customers show too.

    Parameters
    ----------
    rows : sequence of Pile
        One panel each.
    across : sequence of Tick
        Of the axis from 0 to 1 that they share.
    title : str
        Of that axis.
    count : callable
        Writes a number of customers.
    mark : float
        A vertical line.
    """
    height, each, right = 80.0, 118.0, WIDTH - 8
    paths, words = [], []

    def x(value: float) -> float:
        return _LEFT + (right - _LEFT) * value

    for place, row in enumerate(rows):
        floor = each * (place + 1) - 4
        most = max(1, *(a + b for a, b in zip(row.right, row.wrong, strict=True)))
        width = 1 / len(row.right)
        drawn = {"bar strong": "", "wrong": ""}
        for bin_, (good, bad) in enumerate(zip(row.right, row.wrong, strict=True)):
            low, high = (height * math.sqrt(part / most) for part in (good, good + bad))
            left, end = _px(x((bin_ + 0.06) * width)), _px(x((bin_ + 0.94) * width))
            if good:
                drawn["bar strong"] += f"M{left} {_px(floor)}V{_px(floor - low)}H{end}V{_px(floor)}Z"
            if bad:
                drawn["wrong"] += f"M{left} {_px(floor - low)}V{_px(floor - high)}H{end}V{_px(floor - low)}Z"
        paths.append(Path("axis", f"M{_px(_LEFT)} {_px(floor)}H{_px(right)}"))
        paths += [Path(kind, d) for kind, d in drawn.items() if d]
        paths.append(Path("all", f"M{_px(x(mark))} {_px(floor - height)}V{_px(floor)}"))
        top = floor - height - 14
        for kind, name, at in (("bar strong", row.right_name, 130.0), ("wrong", row.wrong_name, 265.0)):
            paths.append(Path(kind, f"M{_px(at)} {_px(top - 8)}h9v9h-9Z"))
            words.append(Word("", at + 13, top, "start", name))
        words.append(Word("name", 0, top, "start", row.title))
        words.append(Word("", _LEFT - 4, floor - height + 7, "end", count(most)))
        words.append(Word("", _LEFT - 4, floor, "end", count(0)))
    floor = each * len(rows) - 4
    for place, one in enumerate(across):
        anchor: Anchor = "end" if place == len(across) - 1 else "middle" if place else "start"
        words.append(Word("", x(one.at), floor + 13, anchor, one.text))
    words.append(Word("", (right + _LEFT) / 2, floor + 27, "middle", title))
    return Drawing(WIDTH, floor + 32, tuple(paths), tuple(words))


def nice(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers that span the two, about ``count`` steps apart."""
    if not high > low:
        high = low + 1.0
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [step * place for place in range(first, last + 1)]


def _px(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")
