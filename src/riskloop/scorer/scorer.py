"""The Scorer: contract + encoding + model + calibration -> probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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

    def margin(self, matrix: FloatArray) -> FloatArray:
        """Log-odds of n rows of the matrix, shape (n,), before calibration."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that a bundle keeps."""


@dataclass(frozen=True)
class Scorer:
    """What turns a customer into a probability; plain NumPy, no training library.

    Attributes
    ----------
    contract : Contract
        Decodes a customer to columns.
    encoding : Encoding
        Makes the matrix, shape (n, p), of them.
    model : Model
        Makes log-odds, shape (n,), of that.
    calibration : Calibration
        Makes probabilities of those.
    interval : VennAbers
        Puts an interval around each (Vovk, Petej and Fedorova, 2015).
    """

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

    def alone(self, values: Sequence[float]) -> float:
        """The probability of one customer, given by the decoded values in the order of `contract.read`.

        That of a table of one row, without the price of an array per column.
        """
        return self.together([values])[0]

    def together(self, customers: Sequence[Sequence[float]]) -> list[float]:
        """The probability of each of some customers, to the last bit what :meth:`alone` says of them."""
        if self._plain is None:
            margin = self.margin(self.contract.columns_of(customers))
        else:
            margin = self.model.margin(np.array(customers)[:, self._plain])
        return [self.calibration.probability_of(one) for one in margin.tolist()]

    @cached_property
    def _plain(self) -> list[int] | slice | None:
        """Where the values of the matrix stand among those decoded, if they are all taken as they are."""
        if not all(block.plain for block in self.encoding.blocks):
            return None
        places = [self.contract.read_names.index(block.source) for block in self.encoding.blocks]
        in_line = places == list(range(len(places)))
        return slice(0, len(places)) if in_line else places
