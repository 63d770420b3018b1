"""The closed set of model forms a bundle may hold: nothing else is ever constructed from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from riskloop.errors import BundleRefused
from riskloop.scorer.forest import Forest
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Model


def form_of(model: Model) -> str:
    """Name of a model's form.

    Raises
    ------
    BundleRefused
        For a model of another type.
    """
    if isinstance(model, Linear):
        return "linear"
    if isinstance(model, Forest):
        return "forest"
    raise BundleRefused(f"A {type(model).__name__} cannot be put into a bundle.", where="model")


def build(form: object, arrays: Mapping[str, NDArray[Any]]) -> Model:
    """A model from its arrays.

    Raises
    ------
    BundleRefused
        For a form outside the closed set, or arrays that do not make one.
    """
    if form == "linear":
        return Linear.from_arrays(arrays)
    if form == "forest":
        return Forest.from_arrays(arrays)
    raise BundleRefused(f"Unknown model form {form!r}.", where="model.json")
