"""Probabilities and their log-odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

EDGE = 1e-12
"""How near to 0 and 1 a served probability tells its log-odds."""


def logit(probability: FloatArray, edge: float = EDGE) -> FloatArray:
    """Log-odds of probabilities, shape (n,); those nearer to 0 or 1 than ``edge`` count as so near: always finite."""
    inside = np.clip(probability, edge, 1 - edge)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def logistic(log_odds: FloatArray) -> FloatArray:
    """Probabilities of log-odds, shape (n,)."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))
