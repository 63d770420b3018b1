"""What a version remembers of its own making, so that it can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from riskloop.learn.candidates.families import families, select_candidates
from riskloop.learn.plan import Plan
from riskloop.learn.training import Trained
from riskloop.settings import Settings

_LIBRARIES = ("riskloop", "numpy", "scipy", "polars", "scikit-learn", "lightgbm", "xgboost-cpu", "catboost", "duckdb")
"""Those whose arithmetic is in a bundle."""


def record(settings: Settings, plan: Plan, trained: Trained) -> dict[str, Any]:
    """Plain JSON values: settings, the families that were finished, what a search found, versions of libraries."""
    singles = [one.candidate for one in trained.contenders if one.candidate is not None and one.target is None]
    known = families()
    order = [one.name for one in plan.candidates]
    searched = {
        one.name: dict(one.parameters)
        for one in singles
        if one.parameters != known[one.name.partition("+")[0]].parameters
    }
    return {
        "settings": settings.model_dump(mode="json"),
        "candidates": sorted((one.name for one in singles), key=order.index),
        "blends": list(plan.blends),
        "searched": searched,
        "libraries": libraries(),
        "partitions": bool(trained.learnt),
    }


def recorded_plan(plan: Plan, made: Mapping[str, Any]) -> Plan:
    """The plan with the families and parameters of a record in place of a search."""
    return replace(
        plan,
        candidates=select_candidates(made["candidates"], 0),
        blends=tuple(made["blends"]),
        tuned=made["searched"],
        trials=0,
        seconds=None,
    )


@cache
def libraries() -> dict[str, str]:
    """Versions of the libraries whose arithmetic ends up in a bundle."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
