"""Charts as SVG, drawn by the server: no script, no inline style, and for those who do not see them a sentence.

Widths are in a drawing 360 wide, so that letters stay readable on a telephone; the style sheet makes them smaller where
the drawing is wide. Colours are classes, so that they follow light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

WIDTH, HEIGHT = 360.0, 210.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 10.0, 34.0
_NEAR = 1.2
_LETTER = 6.0
Write = Callable[[float], str]


@dataclass(frozen=True)
class Line:
    """A line, or steps, through points; ``kind`` is its colour: a, b, c, d, muted."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    kind: str = "a"
    dashed: bool = False
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dots: bool = False


@dataclass(frozen=True)
class Mark:
    """A vertical line at a value, with its name."""

    name: str
    at: float
    kind: str = "muted"


@dataclass(frozen=True)
class Axis:
    """From where to where, what it is, and how its numbers are written."""

    name: str
    low: float
    high: float
    write: Write
    ticks: int = 4


@dataclass(frozen=True)
class Frame:
    """Where things stand in a drawing."""

    x: Axis
    y: Axis
    height: float = HEIGHT
    left: float = _LEFT
    parts: list[str] = field(default_factory=list)

    def at_x(self, value: float) -> float:
        """Where a value stands across, in pixels."""
        return self.left + (WIDTH - self.left - _RIGHT) * _share(value, self.x)

    def at_y(self, value: float) -> float:
        """Where a value stands upright, in pixels."""
        return self.height - _BOTTOM - (self.height - _BOTTOM - _TOP) * _share(value, self.y)


def nice(low: float, high: float, ticks: int = 4) -> list[float]:
    """Round numbers between two values, about so many."""
    if not high > low:
        return [low]
    raw = (high - low) / ticks
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    found: list[float] = []
    while (first + len(found)) * step <= high + step * 1e-9:
        found.append(round((first + len(found)) * step, 12))
    return found


def steps(names: Sequence[str]) -> Axis:
    """An axis of names, one after the other."""
    last = max(len(names) - 1, 1)
    return Axis("", 0, last, lambda at: names[int(at)] if at == int(at) and 0 <= at < len(names) else "", min(4, last))


def lines(series: Sequence[Line], x: Axis, y: Axis, said: str, marks: Sequence[Mark] = ()) -> Markup:
    """Lines over one another, with a legend; ``said`` is what they show, in a sentence."""
    frame = Frame(x, y)
    _axes(frame)
    for mark in marks:
        if x.low <= mark.at <= x.high:
            place = _px(frame.at_x(mark.at))
            frame.parts.append(f'<path class="mark {mark.kind}" d="M{place} {_TOP}V{_px(frame.height - _BOTTOM)}"/>')
    for one in series:
        if len(one.low):
            around = [*zip(one.x, one.high, strict=True), *reversed(list(zip(one.x, one.low, strict=True)))]
            frame.parts.append(f'<path class="around {one.kind}" d="{_path(frame, around)}Z"/>')
    for one in series:
        dashed = " dashed" if one.dashed else ""
        points = list(zip(one.x, one.y, strict=True))
        if one.dots:
            frame.parts.extend(
                f'<circle class="dot {one.kind}" cx="{_px(frame.at_x(a))}" cy="{_px(frame.at_y(b))}" r="2.6"/>'
                for a, b in points
                if math.isfinite(a) and math.isfinite(b)
            )
        if len(points) > 1:
            frame.parts.append(f'<path class="line {one.kind}{dashed}" d="{_path(frame, points)}"/>')
    named = [*((one.name, f"{one.kind}{' dashed' if one.dashed else ''}") for one in series if one.name)]
    named += [(mark.name, f"{mark.kind} upright") for mark in marks if mark.name]
    return _figure(frame, said, named)


@dataclass(frozen=True)
class Columns:
    """Bars side by side over the same places: how high each is."""

    name: str
    heights: Sequence[float]
    kind: str = "a"


def columns(
    series: Sequence[Columns],
    places: Sequence[str],
    y: Axis,
    said: str,
    *,
    x_name: str = "",
    stacked: bool = False,
    height: float = HEIGHT,
) -> Markup:
    """Vertical bars: beside one another, or stacked."""
    frame = Frame(Axis(x_name, 0, max(len(places), 1), str), y, height)
    _axes(frame, with_x=False)
    step = (WIDTH - frame.left - _RIGHT) / max(len(places), 1)
    gap = min(step * 0.18, 3.0)
    base = frame.at_y(max(y.low, 0.0))
    for place in range(len(places)):
        below = 0.0
        for number, one in enumerate(series):
            value = one.heights[place]
            if not math.isfinite(value) or value == 0:
                continue
            wide = step - gap if stacked else (step - gap) / len(series)
            left = frame.left + step * place + gap / 2 + (0 if stacked else wide * number)
            foot = frame.at_y(below) if stacked else base
            head = frame.at_y(below + value if stacked else value)
            below += value
            frame.parts.append(
                f'<rect class="bar {one.kind}" x="{_px(left)}" y="{_px(min(head, foot))}" '
                f'width="{_px(max(wide, 0.4))}" height="{_px(max(abs(foot - head), 0.5))}"/>'
            )
    longest = max((min(len(name), 12) for name in places), default=1)
    every = max(1, math.ceil(len(places) * (longest * _LETTER + 8) / (WIDTH - frame.left - _RIGHT)))
    for place, name in enumerate(places):
        if place % every == 0:
            middle = frame.left + step * (place + 0.5)
            frame.parts.append(
                f'<text class="tick" x="{_px(middle)}" y="{_px(height - _BOTTOM + 12)}" text-anchor="middle">'
                f"{escape(_short(name, 12))}</text>"
            )
    if x_name:
        frame.parts.append(_x_name(frame))
    return _figure(frame, said, [(one.name, f"{one.kind} block") for one in series if one.name and len(series) > 1])


def bar(share: float, kind: str = "a", *, low: float | None = None, high: float | None = None) -> Markup:
    """A bar of a table's row: how much of the longest, from 0 to 1, with its interval."""
    wide = 100 * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    whisker = ""
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        a, b = (100 * min(max(one, 0.0), 1.0) for one in (low, high))
        whisker = f'<path class="whisker" d="M{_px(a)} 5H{_px(b)}"/>'
    return Markup(
        '<svg class="meter" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="trough" width="100" height="10" rx="2"/>'
        f'<rect class="bar {kind}" width="{_px(wide)}" height="10" rx="2"/>{whisker}</svg>'
    )


def both_ways(share: float) -> Markup:
    """A bar to the left or to the right of the middle: from -1 to 1."""
    wide = 50 * min(abs(share), 1.0)
    left, kind = (50.0, "up") if share >= 0 else (50.0 - wide, "down")
    return Markup(
        '<svg class="meter" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="bar {kind}" x="{_px(left)}" width="{_px(wide)}" height="10"/>'
        '<path class="axis" d="M50 0V10"/></svg>'
    )


def scale(probability: float, threshold: float, low: float | None, high: float | None, said: str) -> Markup:
    """Where a customer stands: the probability with its interval, and the threshold beyond which is acted."""

    def at(share: float) -> str:
        return _px(6 + 348 * min(max(share, 0.0), 1.0))

    interval = ""
    if low is not None and high is not None:
        wide = _px(max(348 * (high - low), 1))
        interval = f'<rect class="interval" x="{at(low)}" y="17" width="{wide}" height="10" rx="3"/>'
    beyond = _px(max(348 * (1 - min(threshold, 1.0)), 0))
    return Markup(
        f'<svg class="scale" viewBox="0 0 360 48" role="img" aria-label="{escape(said)}">'
        f'<rect class="trough" x="6" y="17" width="348" height="10" rx="5"/>'
        f'<rect class="beyond" x="{at(threshold)}" y="17" width="{beyond}" height="10"/>'
        f'{interval}<path class="threshold" d="M{at(threshold)} 10V34"/>'
        f'<circle class="here" cx="{at(probability)}" cy="22" r="7"/>'
        + "".join(
            f'<text class="tick" x="{at(place)}" y="46" text-anchor="{anchor}">{label}</text>'
            for place, anchor, label in ((0, "start", "0"), (0.5, "middle", "50"), (1, "end", "100"))
        )
        + "</svg>"
    )


def _axes(frame: Frame, *, with_x: bool = True) -> None:
    bottom = _px(frame.height - _BOTTOM)
    for value in nice(frame.y.low, frame.y.high, frame.y.ticks):
        place = _px(frame.at_y(value))
        frame.parts.append(f'<path class="grid" d="M{_px(frame.left)} {place}H{_px(WIDTH - _RIGHT)}"/>')
        frame.parts.append(
            f'<text class="tick" x="{_px(frame.left - 5)}" y="{place}" dy="3.5" text-anchor="end">'
            f"{escape(frame.y.write(value))}</text>"
        )
    frame.parts.append(f'<path class="axis" d="M{_px(frame.left)} {bottom}H{_px(WIDTH - _RIGHT)}"/>')
    if with_x:
        for value in nice(frame.x.low, frame.x.high, frame.x.ticks):
            frame.parts.append(
                f'<text class="tick" x="{_px(frame.at_x(value))}" y="{_px(frame.height - _BOTTOM + 12)}" '
                f'text-anchor="middle">{escape(frame.x.write(value))}</text>'
            )
        frame.parts.append(_x_name(frame))


def _x_name(frame: Frame) -> str:
    middle = _px((frame.left + WIDTH - _RIGHT) / 2)
    foot = _px(frame.height - 7)
    return f'<text class="name" x="{middle}" y="{foot}" text-anchor="middle">{escape(frame.x.name)}</text>'


def _figure(frame: Frame, said: str, named: Sequence[tuple[str, str]]) -> Markup:
    legend = "".join(
        f'<li><svg class="key {kind}" viewBox="0 0 18 10" aria-hidden="true" focusable="false">'
        f"{_key(kind)}</svg>{escape(name)}</li>"
        for name, kind in named
    )
    above = f'<p class="axis-name">{escape(frame.y.name)}</p>' if frame.y.name else ""
    return Markup(
        f'<div class="chart">{above}<svg viewBox="0 0 {_px(WIDTH)} {_px(frame.height)}" role="img" '
        f'aria-label="{escape(said)}">{"".join(frame.parts)}</svg>'
        + (f'<ul class="legend">{legend}</ul>' if legend else "")
        + "</div>"
    )


def _key(kind: str) -> str:
    if "block" in kind:
        return f'<rect class="bar {kind.split(maxsplit=1)[0]}" width="18" height="10" rx="2"/>'
    if "upright" in kind:
        return f'<path class="mark {kind.split(maxsplit=1)[0]}" d="M9 0V10"/>'
    return f'<path class="line {kind}" d="M0 5H18"/>'


def _path(frame: Frame, points: Sequence[tuple[float, float]]) -> str:
    """Points that fall on one another are drawn once."""
    told: list[str] = []
    pen, before, last = "M", (-9.0, -9.0), len(points) - 1
    for place, (x, y) in enumerate(points):
        if not (math.isfinite(x) and math.isfinite(y)):
            pen = "M"
            continue
        here = frame.at_x(x), frame.at_y(y)
        if pen == "L" and place < last and abs(here[0] - before[0]) + abs(here[1] - before[1]) < _NEAR:
            continue
        told.append(f"{pen}{_px(here[0])} {_px(here[1])}")
        pen, before = "L", here
    return "".join(told)


def _share(value: float, axis: Axis) -> float:
    wide = axis.high - axis.low
    return min(max((value - axis.low) / wide, -0.02), 1.02) if wide > 0 else 0.0


def _px(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
