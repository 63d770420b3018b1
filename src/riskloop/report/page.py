"""Pages: templates in which everything from tables is escaped, and the few filters they draw with."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from riskloop.report.data_summary.groups import FEW_ROWS, Group
from riskloop.report.words import Language, Say, number, percent, shown, speak

if TYPE_CHECKING:
    from jinja2 import Environment

Tick = tuple[str, float, str]
_LEFT = 40.0
_GAP = 0.6


def render(template: str, *, language: Language = "en", **values: Any) -> str:
    """Fill a template of this package; whatever it shows is escaped."""
    say = speak(language)
    return _environment().get_template(template).render(say=say, group_name=group_names(say), **values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("riskloop.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "along": lambda share, top, start, length: px(start + length * min(share / top, 1)),
        "base64": lambda data: base64.b64encode(data).decode("ascii"),
        "axis_percent": lambda share: f"{share:.0%}" if share >= 0.1 else f"{share * 100:.2g}%",
        "count": "{:,}".format,
        "kind": lambda block: type(block).__name__,
        "number": number,
        "percent": percent,
        "px": px,
        "short": short,
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


def number_ticks(groups: Sequence[Group], right: float, missing: str) -> list[Tick]:
    """Words below a chart of numbers, as (anchor, x, text): a few values or ends of ranges, and the missing ones."""
    placed = slots(groups, _LEFT, right)
    numbers = [one for one in placed if one[0].kind != "missing"]
    ticks = [
        _tick(number(group.high), x + width / 2 if group.kind == "value" else x + width, right)
        for group, x, width in numbers
        if group.high is not None
    ]
    longest = max((len(text) for _, _, text in ticks), default=1)
    stride = math.ceil(len(ticks) * (6 * longest + 8) / (right - _LEFT))
    gone = [("end", right, missing)] if len(numbers) < len(placed) else []
    return [*ticks[:: max(stride, 1)], *gone]


def block_ticks(blocks: Sequence[Group], right: float) -> list[Tick]:
    """The names of the first, the middle and the last block, as (anchor, x, text)."""
    placed = slots(blocks, _LEFT, right)
    middle, width = len(placed) // 2, placed[0][2]
    ticks = [("start", _LEFT, str(blocks[0].level)), ("end", right, str(blocks[-1].level))]
    return [ticks[0], ("middle", placed[middle][1] + width / 2, str(blocks[middle].level)), ticks[1]]


def _tick(text: str, x: float, right: float) -> Tick:
    return ("end", right, text) if x + 3 * len(text) > right else ("middle", x, text)


def extremes(groups: Sequence[Group]) -> tuple[Group, Group]:
    """The groups with the lowest and the highest rate; tiny ones only where there are no others."""
    large = [one for one in groups if one.rows >= FEW_ROWS] or [one for one in groups if one.rows]
    return min(large, key=lambda one: one.rate.value), max(large, key=lambda one: one.rate.value)


def group_names(say: Say) -> Callable[[Group], str]:
    """A function from a group to its name in the language of ``say``."""

    def name(group: Group) -> str:
        match group.kind:
            case "level" | "block":
                return str(group.level)
            case "value":
                return number(group.low)
            case "range":
                return _range_name(group, say)
            case "rest":
                return say("rest", count=f"{group.levels:,}")
            case "unknown":
                return say("unknown")
        return say("all_missing")

    return name


def _range_name(group: Group, say: Say) -> str:
    if group.low is None:
        return say("below", value=number(group.high))
    if group.high is None:
        return say("from", value=number(group.low))
    return say("between", low=number(group.low), high=number(group.high))
