"""Policy: a probability and the costs become a decision in money."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import Amount, BoolArray, Costs, FloatArray
from riskloop.decide.prices import Declared, Prices, declare
from riskloop.decide.review import Review
from riskloop.errors import BundleRefused, ConfigError

PolicyKind = Literal["cost", "capacity", "empirical", "f1", "fixed", "precision_at", "recall_at"]
RiskBand = Literal["low", "medium", "high"]
BANDS: tuple[RiskBand, RiskBand, RiskBand] = ("low", "medium", "high")


class Decision(NamedTuple):
    """What to do about one customer. ``expected_cost`` is that of the decision taken, in currency."""

    decision: str
    act: bool
    probability: float
    threshold: float
    risk_band: RiskBand
    expected_cost: float


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What to do about n customers: columns of shape (n,).

    ``expected_cost`` of the decision taken, and ``gain``, what acting saves in expectation (below 0 where it does not
    pay), are in currency per customer.
    """

    decision: NDArray[np.str_]
    act: BoolArray
    threshold: FloatArray
    risk_band: NDArray[np.str_]
    expected_cost: FloatArray
    gain: FloatArray


@dataclass(frozen=True, slots=True)
class Policy:
    """Act when the probability reaches the threshold.

    Attributes
    ----------
    kind : {"cost", "capacity", "empirical", "f1", "fixed", "precision_at", "recall_at"}
        How the threshold was chosen.
    threshold : float
        Act at or above it; above 1 the policy never acts. Where every customer has a threshold of their own (see
        `own_thresholds`), the one that would be best for all of them.
    costs : Costs or Prices
        What each outcome costs; prices every decision whatever the kind.
    bands : (float, float)
        Probabilities at which risk becomes medium and high.
    labels : (str, str)
        What to call acting and leaving alone.
    why : str
        One sentence on the choice of the threshold.
    least_gain : float
        What acting must gain in expectation, in currency: above 0 where there is no capacity for all who would gain.
    interval : (float, float) or None
        In which the threshold lies with 95 % confidence, where it was chosen on rows.
    review : Review or None
        Where a person may look at a case instead.

    Raises
    ------
    ConfigError
        If the threshold, the bands or the labels make no sense.
    """

    kind: PolicyKind
    threshold: float
    costs: Declared
    bands: tuple[float, float] = (0.4, 0.7)
    labels: tuple[str, str] = ("act", "pass")
    why: str = ""
    least_gain: float = 0.0
    interval: tuple[float, float] | None = None
    review: Review | None = None

    def __post_init__(self) -> None:
        if self.review is not None and self.review.label in self.labels:
            raise wrong(f"Labels {self.labels!r} leave no word for a review.", "choose another review.label")
        if self.kind not in get_args(PolicyKind):
            raise unknown(self.kind)
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise wrong(f"A threshold of {self.threshold!r} makes no sense.", "set a probability between 0 and 1")
        if not (math.isfinite(self.least_gain) and self.least_gain >= 0):
            raise wrong(f"A least gain of {self.least_gain!r} makes no sense.", "set an amount of 0 or more")
        if len(self.bands) != 2 or not 0 <= self.bands[0] <= self.bands[1] <= 1:
            raise wrong(f"Risk bands {self.bands!r} are not two rising probabilities.", "set e.g. [0.4, 0.7]")
        if len({label for label in self.labels if isinstance(label, str) and label}) != 2 or len(self.labels) != 2:
            raise wrong(f"Labels {self.labels!r} are not two different words.", "set e.g. [contact, leave]")

    @property
    def own_thresholds(self) -> bool:
        """Whether every customer has a threshold of their own, because they cost differently."""
        return self.kind in ("cost", "capacity") and isinstance(self.costs, Prices)

    def thresholds(self, costs: Costs) -> Amount:
        """The probability from which each customer is acted on; one number where it is the same for all.

        Parameters
        ----------
        costs : Costs
            Those of the n customers: ``policy.costs.of(columns)``.
        """
        return costs.thresholds(self.least_gain) if self.own_thresholds else self.threshold

    def act(self, probability: FloatArray, costs: Costs) -> BoolArray:
        """Whom to act on of n customers with these costs, shape (n,); nobody who is to be reviewed."""
        act = np.asarray(probability >= self.thresholds(costs))
        return act if self.review is None else act & ~self.review.chosen(probability, act, costs)

    def reviewed(self, probability: FloatArray, costs: Costs) -> BoolArray:
        """Whom to review of n customers with these costs, shape (n,)."""
        if self.review is None:
            return np.zeros(len(probability), dtype=bool)
        return self.review.chosen(probability, np.asarray(probability >= self.thresholds(costs)), costs)

    def cost(self, outcome: BoolArray, probability: FloatArray, costs: Costs) -> FloatArray:
        """Cost of every decision about n customers with these costs, once the outcome is known, shape (n,)."""
        cost = costs.each(outcome, self.act(probability, costs))
        if self.review is None:
            return cost
        return np.where(self.reviewed(probability, costs), self.review.each(outcome, costs), cost)

    def decide(self, probability: float, costs: Costs, row: int = 0) -> Decision:
        """The decision for one customer: the row-th of those with these costs."""
        probability = float(probability)
        if costs.varies or self.review is not None:
            decided = self.decide_many(np.array([probability]), costs.take(np.array([row])))
            decision, act = str(decided.decision[0]), bool(decided.act[0])
            threshold, expected = float(decided.threshold[0]), float(decided.expected_cost[0])
        else:  # the same in plain numbers: ten times as fast
            threshold = self.threshold
            act = probability >= threshold
            decision = self.labels[0] if act else self.labels[1]
            positive, negative = (costs.tp, costs.fp) if act else (costs.fn, costs.tn)
            expected = float(probability * positive + (1 - probability) * negative)
        return Decision(
            decision=decision,
            act=act,
            probability=probability,
            threshold=threshold,
            risk_band=BANDS[bisect_right(self.bands, probability)],
            expected_cost=expected,
        )

    def left_alone(self, decision: Decision, costs: Costs, row: int = 0) -> Decision:
        """The same customer, the row-th of those with these costs, left alone whatever the probability says."""
        mine = costs.take(np.array([row])) if costs.varies else costs
        expected = mine.expected(np.array([decision.probability]), np.zeros(1, dtype=bool))
        return decision._replace(decision=self.labels[1], act=False, expected_cost=float(expected[0]))

    def decide_many(self, probability: FloatArray, costs: Costs) -> Decisions:
        """The decisions for n customers with these costs; row by row what ``decide`` says."""
        act, reviewed = self.act(probability, costs), self.reviewed(probability, costs)
        decision, expected = np.where(act, *self.labels), costs.expected(probability, act)
        if self.review is not None:
            decision = np.where(reviewed, self.review.label, decision)
            expected = np.where(reviewed, self.review.expected(probability, costs), expected)
        return Decisions(
            decision=decision,
            act=act,
            threshold=np.broadcast_to(self.thresholds(costs), probability.shape),
            risk_band=np.array(BANDS)[np.searchsorted(self.bands, probability, side="right")],
            expected_cost=expected,
            gain=costs.gain(probability),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "threshold": self.threshold,
            "costs": self.costs.to_dict(),
            "bands": list(self.bands),
            "labels": list(self.labels),
            "why": self.why,
            "least_gain": self.least_gain,
            "interval": None if self.interval is None else list(self.interval),
            "review": None if self.review is None else self.review.to_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Any) -> Self:
        """The policy that ``to_dict`` described.

        Raises
        ------
        BundleRefused
            If a field is missing, unknown or makes no sense.
        """
        try:
            plain = {**fields, "costs": declare(**fields["costs"])}
            interval, review = fields.get("interval"), fields.get("review")
            plain |= {"interval": None if interval is None else tuple(interval)}
            plain |= {"review": None if review is None else Review(**review)}
            return cls(**{**plain, "bands": tuple(fields["bands"]), "labels": tuple(fields["labels"])})
        except (KeyError, TypeError, ValueError, ConfigError) as wrong:
            raise BundleRefused(
                f"The policy cannot be used: {wrong}",
                where="policy",
                next_step="train again, or restore the bundle from its store",
            ) from wrong


def unknown(kind: str) -> ConfigError:
    """The error about a policy that does not exist."""
    return wrong(f"There is no policy {kind!r}.", "choose one of " + ", ".join(get_args(PolicyKind)))


def wrong(message: str, next_step: str) -> ConfigError:
    """An error about the settings of the policy."""
    return ConfigError(message, where="policy", next_step=next_step)


@dataclass(frozen=True, slots=True)
class Regret:
    """What decisions cost beyond the best that can be known.

    Attributes
    ----------
    per_thousand, bayes_per_thousand : float
        Expected excess cost, and expected cost of the Bayes rule, in currency per 1,000 customers.
    relative : float
        Excess over the cost of the Bayes rule; NaN when that cost is 0.
    """

    per_thousand: float
    bayes_per_thousand: float
    relative: float


def regret(true_probability: FloatArray, act: BoolArray, costs: Costs) -> Regret:
    """Expected cost of decisions minus that of the Bayes rule, where the true probabilities are known (simulation)."""
    best = float(costs.expected(true_probability, true_probability >= costs.thresholds()).mean()) * 1000
    excess = float(costs.expected(true_probability, act).mean()) * 1000 - best
    return Regret(excess, best, excess / abs(best) if best else math.nan)
