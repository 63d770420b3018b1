from __future__ import annotations

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
