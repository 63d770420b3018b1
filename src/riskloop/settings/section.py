"""What sections of riskloop.yaml have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from riskloop.data.contract import did_you_mean
from riskloop.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Section(BaseModel):
    """A part of riskloop.yaml: what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def duration(text: str | float) -> float:
    """Seconds in ``90s``, ``10m``, ``2h``, ``30d``, or a plain number of seconds.

    Raises
    ------
    ValueError
        For anything else.
    """
    number, unit = (str(text)[:-1], str(text)[-1:]) if str(text)[-1:] in _SECONDS else (str(text), "s")
    try:
        seconds = float(number) * _SECONDS[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise ValueError(f"{text!r} is no time; write 90s, 10m, 2h or 30d")
    return seconds


def days(text: str | float) -> float:
    """Days in ``90d``, ``12h``, or a plain number of days.

    Raises
    ------
    ValueError
        For anything else.
    """
    number, unit = (str(text)[:-1], str(text)[-1:]) if str(text)[-1:] in ("d", "h") else (str(text), "d")
    try:
        found = float(number) / (24.0 if unit == "h" else 1.0)
    except ValueError:
        found = 0.0
    if not 0 < found < 36_525:
        raise ValueError(f"{text!r} is no number of days; write 90d or 12h")
    return found


_TYPES = {
    "dict_type": "must hold names with their values, one a line below it",
    "model_type": "must hold settings, one a line below it",
    "model_attributes_type": "must hold settings, one a line below it",
    "list_type": "must be a list: [a, b]",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "missing": "is missing",
}
_BOUNDS = {
    "greater_than": ("must be more than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
}


def explained(error: ValidationError, model: type[Section], where: str | Callable[[list[str]], str]) -> ConfigError:
    """The first thing that is wrong, with its place and the next step.

    Parameters
    ----------
    where : str or callable
        The place, or what gives it for the names that lead to a setting.
    """
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    place = ".".join(path)
    where = where if isinstance(where, str) else where(path)
    if problem["type"] == "extra_forbidden":
        siblings = _fields_at(model, path[:-1])
        return ConfigError(
            f"Unknown setting {place!r}{did_you_mean(path[-1], siblings)}.",
            where=where,
            next_step=f"it may be one of: {', '.join(siblings)}",
        )
    shown = repr(problem["input"])
    got = f" (got {shown})" if problem["type"] not in ("missing", "value_error") and len(shown) <= 80 else ""
    step = f"put it in quotes: {path[-1]}: 'yes'" if problem["type"] == "string_type" else "see `riskloop schema`"
    subject = f"{place}: " if place else ""
    return ConfigError(f"{subject}{_complaint(problem)}{got}.", where=where, next_step=step)


def _complaint(problem: ErrorDetails) -> str:
    if problem["type"] in _BOUNDS:
        words, bound = _BOUNDS[problem["type"]]
        return f"{words} {problem['ctx'][bound]:g}"
    words = _TYPES.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    return words.replace("Input should be", "must be")


def _fields_at(model: Any, path: list[str]) -> list[str]:
    for part in path:
        by_name = get_args(model)  # a mapping of sections: the name of one of them is any
        model = by_name[1] if by_name else model.model_fields[part].annotation
    return list(model.model_fields)
