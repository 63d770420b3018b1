"""What is watched: the same draws for riskloop and for its peers. NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np

NUMBERS = tuple(f"x{place}" for place in range(16))
CATEGORIES = tuple(f"c{place}" for place in range(4))
LEVELS = tuple("abcdefgh")
SHARES = (0.4, 0.3, 0.1, 0.1, 0.05, 0.04, 0.009, 0.001)
REFERENCE_ROWS = 100_000
SHIFTS = {0.02: 0.1415, 0.05: 0.2238, 0.1: 0.3170}
"""PSI of a normal column by the shift of its mean, in standard deviations: about its square root."""
MOVED = "x4"
"""The normal column that moves, and that no score hangs on."""


def draw(rng: np.random.Generator, rows: int, shift: float = 0.0) -> dict[str, np.ndarray[Any, Any]]:
    """Twenty independent columns, normal, heavy-tailed, counts, half zeros and categories; one of them moved."""
    columns: dict[str, np.ndarray[Any, Any]] = {}
    for place, name in enumerate(NUMBERS):
        kind = place % 4
        if kind == 0:
            columns[name] = rng.normal(size=rows)
        elif kind == 1:
            columns[name] = rng.lognormal(0, 2, rows)
        elif kind == 2:
            columns[name] = rng.poisson(1.2, rows).astype(np.float64)
        else:
            columns[name] = np.where(rng.random(rows) < 0.4, 0.0, rng.exponential(size=rows))
    cuts = np.cumsum(SHARES)[:-1]
    columns |= {name: np.searchsorted(cuts, rng.random(rows)).astype(np.int32) for name in CATEGORIES}
    columns[MOVED] = columns[MOVED] + shift
    return columns


def one(rng: np.random.Generator, rows: int, shift: float, kind: str) -> np.ndarray[Any, Any]:
    """A column whose mean moves by so many standard deviations: normal, or, its order unchanged, with a heavy tail."""
    normal = rng.normal(shift, 1, rows)
    return np.exp(2 * normal) if kind == "heavy tail" else normal
