"""The Scorer: contract + encoding + model + calibration -> probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Contract
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.interval import VennAbers

FloatArray = NDArray[np.float64]


class Model(Protocol):
    """A trained model in plain arrays.

    `margin` maps a float64 matrix of shape (n, p), NaN where missing, to log-odds of shape (n,). It is pure, safe to
    call from several threads, and gives a row the same bits whatever rows stand beside it.
    """

    @property
    def n_features(self) -> int: ...

    def margin(self, matrix: FloatArray) -> FloatArray: ...

    def to_arrays(self) -> dict[str, NDArray[Any]]: ...


@dataclass(frozen=True)
class Scorer:
    """What turns a customer into a probability; plain NumPy, no training library."""

    contract: Contract
    encoding: Encoding
    model: Model
    calibration: Calibration
    interval: VennAbers = field(default_factory=VennAbers)

    def margin(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
        """Uncalibrated log-odds, shape (n,), of decoded columns."""
        return self.model.margin(self.encoding.matrix(columns))

    def probability(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
        """Calibrated probability of the positive class, shape (n,), of decoded columns."""
        return self.calibration.probability(self.margin(columns))
