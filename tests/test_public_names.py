from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import riskloop

PACKAGE = Path(riskloop.__file__).parent


@pytest.mark.parametrize("name", riskloop.__all__)
def test_every_public_name_can_be_had_and_says_what_it_is(name: str) -> None:
    thing = getattr(riskloop, name)
    assert thing.__doc__
    assert len(thing.__doc__.strip()) > 20
    assert thing.__module__.startswith("riskloop.")


def test_the_names_that_load_late_are_the_public_ones() -> None:
    assert set(riskloop._HOMES) == set(riskloop.__all__)
    assert set(riskloop.__all__) <= set(dir(riskloop))


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = riskloop.trian  # type: ignore[attr-defined]


def test_a_star_import_brings_the_public_names_and_no_others() -> None:
    names: dict[str, object] = {}
    exec("from riskloop import *", names)
    assert set(names) - {"__builtins__"} == set(riskloop.__all__)


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py" and not path.read_text().startswith('"""')
    ]
    assert silent == []


def _silent(tree: ast.Module | ast.ClassDef, place: str) -> Iterator[str]:
    """Public functions, classes and methods without a docstring; a property is named among its class's attributes."""
    for one in tree.body:
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or one.name.startswith("_"):
            continue
        decorators = [ast.unparse(decorator) for decorator in one.decorator_list]
        if not ast.get_docstring(one) and not any("property" in text for text in decorators):
            yield f"{place}:{one.lineno} {one.name}"
        if isinstance(one, ast.ClassDef):
            yield from _silent(one, place)


def test_every_public_function_and_class_says_what_it_is_for() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts]  # of the migrations
    silent = [one for path in paths for one in _silent(ast.parse(path.read_text()), str(path.relative_to(PACKAGE)))]
    assert silent == []


FUNCTIONS = [name for name in riskloop.__all__ if inspect.isfunction(getattr(riskloop, name))]
CLASSES = [name for name in riskloop.__all__ if inspect.isclass(getattr(riskloop, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_tells_its_parameters_what_it_returns_and_its_errors(name: str) -> None:
    function = getattr(riskloop, name)
    told, signature = inspect.getdoc(function) or "", inspect.signature(function)
    names = [one for one in signature.parameters if one not in ("project", "candidate")]  # typed, and in the first line
    assert [one for one in names if not re.search(rf"^(\w+, )*{one}(, \w+)*( :|$)", told, re.MULTILINE)] == []
    assert re.search(r"^Raises\n-+\n[A-Z]", told, re.MULTILINE)
    returned = re.findall(r"[A-Z]\w+", str(signature.return_annotation))
    ours = [function.__globals__.get(one) for one in returned]
    said = any(getattr(one, "__module__", "").startswith("riskloop") and one.__doc__ for one in ours)
    assert said or returned == ["None"] or "Returns\n" in told


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_tells_what_it_is_made_of(name: str) -> None:
    thing = getattr(riskloop, name)
    told = inspect.getdoc(thing) or ""
    made_of = list(inspect.signature(thing).parameters)
    assert [one for one in made_of if not re.search(rf"^(\w+, )*{one}(, \w+)* :", told, re.MULTILINE)] == []
