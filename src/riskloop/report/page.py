"""Pages: templates in which everything from tables is escaped, and the few filters they draw with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from riskloop.report.data_summary.groups import FEW_ROWS, Group
from riskloop.report.words import Language, number, percent, shown, speak, written

if TYPE_CHECKING:
    from jinja2 import Environment

Tick = tuple[str, float, str]
_LEFT = 40.0
_GAP = 0.6


def render(template: str, *, language: Language = "en", **values: Any) -> str:
    """Fill a template of this package; whatever it shows is escaped."""
    filled = {"say": speak(language), "group_name": group_names(language), "language": language, **values}
    return _environment(language).get_template(template).render(filled)


@cache
def _environment(language: Language) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("riskloop.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def say_number(write: Callable[..., str]) -> Callable[..., str]:
        return lambda *values: written(write(*values), language)

    environment.filters |= {
        "along": lambda share, top, start, length: px(start + length * min(share / top, 1)),
        "axis_percent": say_number(lambda share: f"{share:.0%}" if share >= 0.1 else f"{share * 100:.2g}%"),
        "count": say_number("{:,}".format),
        "fixed": say_number(lambda value, digits: f"{value:.{digits}f}"),
        "kind": lambda block: type(block).__name__,
        "number": say_number(number),
        "percent": say_number(percent),
        "px": px,
        "short": say_number(short),
        "shown": shown,
        "up": lambda share, top, start, length: px(start + length * (1 - min(share / top, 1))),
    }
    environment.globals |= {
        "block_ticks": block_ticks,
        "extremes": extremes,
        "number_ticks": number_ticks,
        "slots": slots,
    }
    return environment


def px(length: float) -> str:
    """A length in an SVG, to a tenth, as short as possible."""
    return f"{length:.1f}".removesuffix(".0")


def short(count: int) -> str:
    """A count in at most five characters: 950, 12k, 1.2M."""
    for power, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= power:
            return f"{count / power:.3g}{letter}" if count < 100 * power else f"{count / power:.0f}{letter}"
    return str(count)


def slots(groups: Sequence[Group], left: float, right: float) -> list[tuple[Group, float, float]]:
    """Every group with the left end and the width of its place; the missing ones stand apart at the right."""
    apart = _GAP if len(groups) > 1 and groups[-1].kind == "missing" else 0.0
    width = (right - left) / (len(groups) + apart)
    shift = [apart if group.kind == "missing" else 0.0 for group in groups]
    return [(group, left + width * (place + shift[place]), width) for place, group in enumerate(groups)]


def number_ticks(groups: Sequence[Group], right: float, missing: str, language: Language) -> list[Tick]:
    """Words below a chart of numbers, as (anchor, x, text): a few values or ends of ranges, and the missing ones."""
    placed = slots(groups, _LEFT, right)
    numbers = [one for one in placed if one[0].kind != "missing"]
    ticks = [
        _tick(written(number(group.high), language), x + width / 2 if group.kind == "value" else x + width, right)
        for group, x, width in numbers
        if group.high is not None
    ]
    longest = max((len(text) for _, _, text in ticks), default=1)
    stride = math.ceil(len(ticks) * (6 * longest + 8) / (right - _LEFT))
    shown_ticks = ticks[:: max(stride, 1)]
    if len(shown_ticks) > 1 and shown_ticks[-1][0] == "end" and _touch(*shown_ticks[-2:]):
        del shown_ticks[-2]
    gone = [("end", right, missing)] if len(numbers) < len(placed) else []
    return [*shown_ticks, *gone]


def block_ticks(blocks: Sequence[Group], right: float, name: Callable[[Group], str]) -> list[Tick]:
    """The names of the first, the middle and the last block, as (anchor, x, text)."""
    placed = slots(blocks, _LEFT, right)
    middle, width = len(placed) // 2, placed[0][2]
    ticks = [("start", _LEFT, name(blocks[0])), ("end", right, name(blocks[-1]))]
    return [ticks[0], ("middle", placed[middle][1] + width / 2, name(blocks[middle])), ticks[1]]


def _touch(middle: Tick, end: Tick) -> bool:
    """Whether a word around its place reaches one that ends at its own."""
    return middle[1] + 3 * len(middle[2]) + 6 > end[1] - 6 * len(end[2])


def _tick(text: str, x: float, right: float) -> Tick:
    return ("end", right, text) if x + 3 * len(text) > right else ("middle", x, text)


def extremes(groups: Sequence[Group]) -> tuple[Group, Group]:
    """The groups with the lowest and the highest rate; tiny ones only where there are no others."""
    large = [one for one in groups if one.rows >= FEW_ROWS] or [one for one in groups if one.rows]
    return min(large, key=lambda one: one.rate.value), max(large, key=lambda one: one.rate.value)


def group_names(language: Language) -> Callable[[Group], str]:
    """A function from a group to its name in the language."""
    say = speak(language)

    def digits(value: float | None) -> str:
        return written(number(value), language)

    def name(group: Group) -> str:
        match group.kind:
            case "block" if group.low is not None:
                ends = (written(f"{end:,.0f}", language) for end in (group.low, group.high))
                return say("block_rows", **dict(zip(("low", "high"), ends, strict=True)))
            case "level" | "block":
                return str(group.level)
            case "value":
                return digits(group.low)
            case "range" if group.low is None:
                return say("below", value=digits(group.high))
            case "range" if group.high is None:
                return say("from", value=digits(group.low))
            case "range":
                return say("between", low=digits(group.low), high=digits(group.high))
            case "rest":
                return say("rest", count=written(f"{group.levels:,}", language))
            case "unknown":
                return say("unknown")
        return say("all_missing")

    return name
