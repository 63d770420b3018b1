"""Logistic regression with bounded coefficients, where scikit-learn offers none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.scorer.linear import Linear
from riskloop.scorer.log_odds import logistic

FloatArray = NDArray[np.float64]


def bounded_logistic(
    matrix: FloatArray,
    outcome: NDArray[Any],
    signs: Sequence[int],
    *,
    penalty: float = 1.0,
    weight: FloatArray | None = None,
) -> Linear:
    """Ridge logistic regression whose coefficients may not have the wrong sign.

    Parameters
    ----------
    matrix : float array, shape (n, p)
    outcome : array, shape (n,)
        Bool, or probabilities.
    signs : sequence of int, length p
        1: not below zero; -1: not above; 0: free.
    penalty : float
        Half the weight of the squared coefficients; the intercept is free (``1 / C`` of scikit-learn).
    weight : float array, shape (n,), optional

    Returns
    -------
    Linear
        The minimum, by L-BFGS-B (Byrd et al., 1995).
    """
    from scipy.optimize import minimize

    rows, width = matrix.shape
    mass = np.ones(rows) if weight is None else weight
    target = outcome.astype(np.float64)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        coefficients, intercept = parameters[:-1], parameters[-1]
        margin = matrix @ coefficients + intercept
        value = mass @ (np.logaddexp(0, margin) - target * margin) + penalty / 2 * coefficients @ coefficients
        residual = mass * (logistic(margin) - target)
        gradient = np.append(matrix.T @ residual + penalty * coefficients, residual.sum())
        return float(value) / rows, gradient / rows

    bounds = [(0 if sign > 0 else None, 0 if sign < 0 else None) for sign in signs]
    share = np.clip(np.average(target, weights=mass), 1e-9, 1 - 1e-9)
    start = np.append(np.zeros(width), np.log(share) - np.log1p(-share))
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[*bounds, (None, None)],
        options={"maxiter": 2_000, "ftol": 1e-12, "gtol": 1e-8},
    )
    return Linear(np.array(found.x[:-1], dtype=np.float64), float(found.x[-1]))
