"""The closed set of model forms a bundle may hold: nothing else is ever constructed from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import BundleRefused
from riskloop.scorer.blend import Blend, Member
from riskloop.scorer.forest import Forest
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Model

_SINGLE: dict[str, type[Linear] | type[Forest]] = {"linear": Linear, "forest": Forest}
_MOST_MEMBERS = 1_000


def form_of(model: Model) -> dict[str, Any]:
    """A model's form, as its bundle says it.

    Raises
    ------
    BundleRefused
        For a model of another type.
    """
    if isinstance(model, Blend):
        return {"form": "blend", "link": model.link, "members": [form_of(member.model) for member in model.members]}
    for name, kind in _SINGLE.items():
        if isinstance(model, kind):
            return {"form": name}
    raise BundleRefused(f"A {type(model).__name__} cannot be put into a bundle.", where="model")


def build(form: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    """A model from its form and its arrays.

    Raises
    ------
    BundleRefused
        For a form outside the closed set, or arrays that do not make one.
    """
    name = form.get("form")
    if name == "blend":
        return _blend(form, arrays)
    if not isinstance(name, str) or name not in _SINGLE or set(form) != {"form"}:
        raise BundleRefused(f"Unknown model form {name!r:.60}.", where="model.json")
    return _SINGLE[name].from_arrays(arrays)


def _blend(form: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Blend:
    forms, parts = form.get("members"), Blend.split(arrays)
    if set(form) != {"form", "link", "members"} or not isinstance(forms, list) or len(forms) > _MOST_MEMBERS:
        raise BundleRefused("A blend names its link and its members.", where="model.json")
    if len(forms) != len(parts) or not all(isinstance(each, dict) and each.get("form") in _SINGLE for each in forms):
        raise BundleRefused("The members of a blend are single models, as many as their arrays.", where="model.json")
    return Blend(
        members=tuple(_member(each, part) for each, part in zip(forms, parts, strict=True)),
        n_features=int(_single(arrays, "n_features", np.int64)),
        intercept=float(_single(arrays, "intercept", np.float64)),
        link=form["link"],
    )


def _member(form: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Member:
    own = {name: array for name, array in arrays.items() if name not in ("columns", "weight")}
    if "columns" not in arrays:
        raise BundleRefused("A member of a blend names its columns.", where="model")
    return Member(build(form, own), arrays["columns"], float(_single(arrays, "weight", np.float64)))


def _single(arrays: Mapping[str, NDArray[Any]], name: str, kind: type[np.generic]) -> Any:
    array = arrays.get(name)
    if array is None or array.shape != () or array.dtype != kind:
        raise BundleRefused("It must be a single value of the right type.", where=f"blend.{name}")
    return array.item()
