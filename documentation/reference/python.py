"""Python: the public names of riskloop, with their signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import riskloop
from documentation.reference.writing import head, marked, table
from documentation.reference.writing import page as whole
from documentation.reference.yaml_files import attributes

_PART = re.compile(
    r"^(?P<title>Parameters|Attributes|Returns|Raises|Yields|Notes|References|Examples)\n-+$", re.MULTILINE
)


def page() -> str:
    """The reference of the Python package."""
    return whole(
        head(
            "Python",
            "`import riskloop` gives these names, in the order in which a project needs them. Use cases take a project, return "
            "dataclasses and never print. Errors are `riskloop.RiskloopError` and below ([codes](errors.md)).",
        ),
        *(part for name in riskloop.__all__ for part in _name(name)),
    )


def _name(name: str) -> Iterator[str]:
    thing = getattr(riskloop, name)
    yield f"## {name}"
    yield f"```text\n{signature(name, thing)}\n```"
    yield from _docstring(thing)
    if inspect.isclass(thing):
        for method, member in methods(thing):
            yield f"### {name}.{method}"
            if callable(member) or isinstance(member, classmethod | staticmethod):
                yield f"```text\n{signature(method, getattr(thing, method))}\n```"
            yield from _docstring(member)


def methods(kind: type) -> Iterator[tuple[str, Any]]:
    """What a class itself offers and describes."""
    for name, member in vars(kind).items():
        plain = getattr(member, "__func__", getattr(member, "fget", None) or getattr(member, "func", None) or member)
        if not name.startswith("_") and inspect.isfunction(plain) and inspect.getdoc(plain):
            yield name, plain if isinstance(member, property) or hasattr(member, "func") else member


def signature(name: str, thing: Any) -> str:
    """A call in one line, or a parameter a line where that is long; without types, which the text says."""
    try:
        given = inspect.signature(thing)
    except (TypeError, ValueError):
        return name
    parameters = [
        one.replace(annotation=inspect.Parameter.empty, default=_shown(one.default))
        for one in given.parameters.values()
    ]
    text = str(given.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    text = text.replace("Ellipsis", "...")
    return name + (text if len(text) < 90 else text.replace(", ", ",\n    ").replace("(", "(\n    ", 1))


def _shown(default: Any) -> Any:
    """A default, where it is the same everywhere and short."""
    plain = default is inspect.Parameter.empty or default is None or type(default) in (bool, int, float, str)
    return default if plain or default == () else ...


def _docstring(thing: Any) -> Iterator[str]:
    """Sentences as they are; lists of parameters as tables."""
    text = marked(inspect.getdoc(thing) or "")
    begins = [*_PART.finditer(text)]
    yield text[: begins[0].start()] if begins else text
    for place, found in enumerate(begins):
        end = begins[place + 1].start() if place + 1 < len(begins) else len(text)
        body = text[found.end() : end].strip("\n")
        if found["title"] in ("Parameters", "Attributes"):
            listed = type("listed", (), {"__doc__": f"{found['title']}\n---\n{body}"})
            yield f"**{found['title']}**"
            yield table(("name", "type", "is"), [(f"`{one}`", kind, said) for one, kind, said in attributes(listed)])
        elif found["title"] == "Examples":
            yield f"**Example**\n\n```text\n{body}\n```"
        else:
            lines = re.sub(r"\n {4,}", ": ", body).splitlines()
            yield (
                f"**{found['title']}**: " + "; ".join(line.strip().rstrip(".") for line in lines if line.strip()) + "."
            )
