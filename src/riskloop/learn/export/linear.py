"""scikit-learn's logistic regression as a dot product."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskloop.scorer.linear import Linear


def logistic_regression(model: Any) -> Linear:
    """Coefficients and intercept of a fitted model of two classes."""
    return Linear(np.array(model.coef_[0], dtype=np.float64), float(model.intercept_[0]))
