"""Pages: templates with everything from tables escaped, and the few filters they draw with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from riskloop.report.data_summary.groups import Group
from riskloop.report.words import Say, number, percent, shown, speak

if TYPE_CHECKING:
    from jinja2 import Environment

_FEW_ROWS = 20


def render(template: str, *, language: str = "en", **values: Any) -> str:
    """Fill a template of this package; whatever it shows is escaped."""
    say = speak(language)
    return _environment().get_template(template).render(say=say, group_name=_group_names(say), **values)


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
    environment.filters |= {"number": number, "percent": percent, "px": _px, "shown": shown, "count": "{:,}".format}
    environment.globals |= {"extremes": extremes, "defined_rate": defined_rate}
    return environment


def _px(length: float) -> str:
    """A length in an SVG, to a tenth, as short as possible."""
    return f"{length:.1f}".removesuffix(".0")


def extremes(groups: Sequence[Group]) -> tuple[Group, Group]:
    """The groups with the lowest and the highest rate; tiny ones only where there are no others."""
    large = [one for one in groups if one.rows >= _FEW_ROWS] or [one for one in groups if one.rows]
    return min(large, key=lambda one: one.rate.value), max(large, key=lambda one: one.rate.value)


def defined_rate(group: Group) -> bool:
    return not math.isnan(group.rate.value)


def _group_names(say: Say) -> Any:
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
