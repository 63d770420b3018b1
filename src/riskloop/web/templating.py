"""Templates: everything is escaped, and a name that is not there is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskloop.web import charts
from riskloop.web.words import emphasised, known

if TYPE_CHECKING:
    from jinja2 import Environment


def environment() -> Environment:
    """The environment of all templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("riskloop.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    made.filters["strong"] = emphasised
    made.globals |= {"charts": charts, "known": known}
    return made
