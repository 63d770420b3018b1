"""Review: a person looks at the cases that are not worth deciding blindly, at a price."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Review:
    """A third decision beside acting and leaving alone (the reject option: Chow, 1970).

    Attributes
    ----------
    cost : float
        Of one review, in the currency of the costs.
    accuracy : float
        How often the reviewer finds out which it is; then does what is right, and else what is wrong.
    least_saving : float
        What a review must save in expectation: above 0 where there are too few reviewers for all it would pay for.
    label : str
        What to call it.

    Raises
    ------
    ConfigError
        If a number makes no sense.
    """

    cost: float
    accuracy: float = 1.0
    least_saving: float = 0.0
    label: str = "review"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.cost) and self.cost >= 0 and 0.5 < self.accuracy <= 1 and self.least_saving >= 0):
            raise ConfigError(
                f"A review at {self.cost!r} that is right with {self.accuracy!r} makes no sense.",
                where="review",
                next_step="give a cost of 0 or more, and an accuracy above 0.5 and up to 1",
            )

    def each(self, outcome: BoolArray, costs: Costs) -> FloatArray:
        """Expected cost of reviewing each of n customers, once the outcome is known, shape (n,)."""
        right, wrong = costs.each(outcome, outcome), costs.each(outcome, ~outcome)
        return self.cost + self.accuracy * right + (1 - self.accuracy) * wrong

    def expected(self, probability: FloatArray, costs: Costs) -> FloatArray:
        """Expected cost of reviewing each of n customers, before the outcome is known, shape (n,)."""
        right = probability * costs.tp + (1 - probability) * costs.tn
        wrong = probability * costs.fn + (1 - probability) * costs.fp
        return np.asarray(self.cost + self.accuracy * right + (1 - self.accuracy) * wrong)

    def saving(self, probability: FloatArray, act: BoolArray, costs: Costs) -> FloatArray:
        """What a review saves in expectation beside deciding so without one, shape (n,)."""
        return costs.expected(probability, act) - self.expected(probability, costs)

    def chosen(self, probability: FloatArray, act: BoolArray, costs: Costs) -> BoolArray:
        """Whom to review, shape (n,), of customers who would else be decided about so."""
        return np.asarray(self.saving(probability, act, costs) > self.least_saving)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def least_saving(saving: FloatArray, most: float) -> float:
    """What a review must save so that no larger share of these customers than ``most`` is reviewed."""
    places = math.floor(most * len(saving))
    ranked = np.sort(saving)[::-1]
    return 0.0 if places >= len(ranked) else max(0.0, float(ranked[places]))
