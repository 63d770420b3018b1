"""Policy: a probability and the costs become a decision in money."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.decide.cuts import Cuts
from riskloop.errors import BundleRefused, ConfigError, DataError

PolicyKind = Literal["cost", "empirical", "f1", "fixed", "precision_at", "recall_at"]
RiskBand = Literal["low", "medium", "high"]
BANDS: tuple[RiskBand, RiskBand, RiskBand] = ("low", "medium", "high")

FEWEST_POSITIVES = 50
"""Below this many positives a cost-minimal threshold is mostly noise."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one customer. ``expected_cost`` is that of the decision taken, in currency."""

    decision: str
    act: bool
    probability: float
    threshold: float
    risk_band: RiskBand
    expected_cost: float


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What to do about n customers: columns of shape (n,). ``expected_cost`` is in currency per customer."""

    decision: NDArray[np.str_]
    act: BoolArray
    risk_band: NDArray[np.str_]
    expected_cost: FloatArray


@dataclass(frozen=True, slots=True)
class Policy:
    """Act when the probability reaches the threshold.

    Attributes
    ----------
    kind : {"cost", "empirical", "f1", "fixed", "precision_at", "recall_at"}
        How the threshold was chosen.
    threshold : float
        Act at or above it; above 1 the policy never acts.
    costs : Costs
        What each outcome costs; prices every decision whatever the kind.
    bands : (float, float)
        Probabilities at which risk becomes medium and high.
    labels : (str, str)
        What to call acting and leaving alone.
    why : str
        One sentence on the choice of the threshold.

    Raises
    ------
    ConfigError
        If the threshold, the bands or the labels make no sense.
    """

    kind: PolicyKind
    threshold: float
    costs: Costs
    bands: tuple[float, float] = (0.4, 0.7)
    labels: tuple[str, str] = ("act", "pass")
    why: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(PolicyKind):
            raise _unknown(self.kind)
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise _wrong(f"A threshold of {self.threshold!r} makes no sense.", "set a probability between 0 and 1")
        if len(self.bands) != 2 or not 0 <= self.bands[0] <= self.bands[1] <= 1:
            raise _wrong(f"Risk bands {self.bands!r} are not two rising probabilities.", "set e.g. [0.4, 0.7]")
        if len({label for label in self.labels if isinstance(label, str) and label}) != 2 or len(self.labels) != 2:
            raise _wrong(f"Labels {self.labels!r} are not two different words.", "set e.g. [contact, leave]")

    def act(self, probability: FloatArray) -> BoolArray:
        """Whom to act on, shape (n,)."""
        return np.asarray(probability >= self.threshold)

    def decide(self, probability: float) -> Decision:
        """The decision for one customer."""
        probability = float(probability)
        act = probability >= self.threshold
        positive, negative = (self.costs.tp, self.costs.fp) if act else (self.costs.fn, self.costs.tn)
        return Decision(
            decision=self.labels[0] if act else self.labels[1],
            act=act,
            probability=probability,
            threshold=self.threshold,
            risk_band=BANDS[bisect_right(self.bands, probability)],
            expected_cost=probability * positive + (1 - probability) * negative,
        )

    def decide_many(self, probability: FloatArray) -> Decisions:
        """The decisions for n customers; row by row what ``decide`` says."""
        act = self.act(probability)
        return Decisions(
            decision=np.where(act, *self.labels),
            act=act,
            risk_band=np.array(BANDS)[np.searchsorted(self.bands, probability, side="right")],
            expected_cost=self.costs.expected(probability, act),
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
            plain = {**fields, "costs": Costs(**fields["costs"])}
            return cls(**{**plain, "bands": tuple(fields["bands"]), "labels": tuple(fields["labels"])})
        except (KeyError, TypeError, ValueError, ConfigError) as wrong:
            raise BundleRefused(
                f"The policy cannot be used: {wrong}",
                where="policy",
                next_step="train again, or restore the bundle from its store",
            ) from wrong


def choose_policy(
    kind: PolicyKind,
    outcome: BoolArray,
    probability: FloatArray,
    costs: Costs,
    *,
    value: float | None = None,
    bands: tuple[float, float] = (0.4, 0.7),
    labels: tuple[str, str] = ("act", "pass"),
) -> Policy:
    """Choose a threshold on out-of-fold probabilities; never on the rows that will judge it.

    Parameters
    ----------
    kind : PolicyKind
        ``cost``: the Bayes threshold of the costs (Elkan, 2001), right when probabilities are calibrated; needs no
        rows. ``empirical``: the threshold that was cheapest on these rows (Sheng and Ling, 2006). ``f1``: the best
        F1. ``precision_at``, ``recall_at``: the cheapest threshold that reaches ``value``. ``fixed``: ``value``.
    outcome : array of bool, shape (n,)
        True for a positive.
    probability : array of float, shape (n,)
        Out-of-fold probabilities of the same rows.
    value : float, optional
        The threshold, precision or recall asked for, in [0, 1].

    Raises
    ------
    ConfigError
        If ``value`` is missing or is no probability.
    DataError
        If the rows cannot support the choice: fewer than 50 positives for ``empirical``, one class only, or a
        precision that no threshold reaches.
    """
    threshold, why = _choose(kind, outcome, probability, costs, value)
    return Policy(kind, threshold, costs, bands, labels, why)


Choice = tuple[float, str]


def _choose(kind: PolicyKind, outcome: BoolArray, probability: FloatArray, costs: Costs, value: float | None) -> Choice:
    match kind:
        case "cost":
            return _bayes(costs)
        case "fixed":
            threshold = _checked(kind, value)
            return threshold, f"The threshold {threshold:g} is set in the project."
        case "empirical":
            return _empirical(_cuts(outcome, probability), costs)
        case "f1":
            return _best_f1(_cuts(outcome, probability), costs)
        case "precision_at":
            cuts = _cuts(outcome, probability)
            return _reaching("precision", cuts.precision, cuts, costs, _checked(kind, value))
        case "recall_at":
            cuts = _cuts(outcome, probability)
            return _reaching("recall", cuts.recall, cuts, costs, _checked(kind, value))
    raise _unknown(kind)


def _bayes(costs: Costs) -> Choice:
    needless, missed = costs.fp - costs.tn, costs.fn - costs.tp
    return costs.bayes_threshold, (
        f"Acting is cheaper in expectation from a probability of {costs.bayes_threshold:.4g} on: a needless action "
        f"costs {needless:g} {costs.currency}, a missed positive {missed:g} {costs.currency}."
    )


def _empirical(cuts: Cuts, costs: Costs) -> Choice:
    if cuts.positives < FEWEST_POSITIVES:
        raise DataError(
            f"{cuts.positives} positives are too few to choose a threshold by its cost; at least "
            f"{FEWEST_POSITIVES} are needed.",
            where="policy",
            next_step="use the policy 'cost', which needs no rows, or bring more outcomes",
        )
    cut = cuts.cheapest(costs)
    return cuts.threshold(cut, costs.bayes_threshold), (
        f"The cheapest threshold on {cuts.rows} out-of-fold rows: {cuts.cost(costs)[cut] / cuts.rows * 1000:.6g} "
        f"{costs.currency} per 1,000 customers (the Bayes threshold is {costs.bayes_threshold:.4g})."
    )


def _best_f1(cuts: Cuts, costs: Costs) -> Choice:
    cut = int(np.argmax(cuts.f1))
    return cuts.threshold(cut, costs.bayes_threshold), (
        f"The best F1 on {cuts.rows} out-of-fold rows: {cuts.f1[cut]:.4f}."
    )


def _reaching(metric: str, reached: FloatArray, cuts: Cuts, costs: Costs, value: float) -> Choice:
    best = float(np.nanmax(reached))
    if best < value:
        raise DataError(
            f"No threshold reaches a {metric} of {value:g}; the best reachable is {best:.4g}.",
            where="policy",
            next_step=f"ask for a {metric} of {best:.4g} or less, or use the policy 'cost'",
        )
    cut = cuts.cheapest(costs, allowed=reached >= value)
    return cuts.threshold(cut, costs.bayes_threshold), (
        f"The cheapest threshold with a {metric} of at least {value:g}: {reached[cut]:.4f} on {cuts.rows} "
        f"out-of-fold rows."
    )


def _cuts(outcome: BoolArray, probability: FloatArray) -> Cuts:
    if outcome.all() or not outcome.any():
        raise DataError(
            "A threshold cannot be chosen on one class only.",
            where="policy",
            next_step="bring rows with both outcomes, or use the policy 'cost'",
        )
    return Cuts.of(outcome, probability)


def _checked(kind: str, value: float | None) -> float:
    if value is None or not 0 <= value <= 1:
        raise _wrong(f"The policy {kind!r} needs a value between 0 and 1, not {value!r}.", "set policy.value")
    return float(value)


def _unknown(kind: str) -> ConfigError:
    return _wrong(f"There is no policy {kind!r}.", "choose one of " + ", ".join(get_args(PolicyKind)))


def _wrong(message: str, next_step: str) -> ConfigError:
    return ConfigError(message, where="policy", next_step=next_step)


def trivial(outcome: BoolArray, costs: Costs) -> dict[str, BoolArray]:
    """The decisions of the two policies that need no model, ``act_on_all`` and ``act_on_none``, the cheaper first."""
    rows = len(outcome)
    both = {"act_on_all": np.ones(rows, dtype=bool), "act_on_none": np.zeros(rows, dtype=bool)}
    return dict(sorted(both.items(), key=lambda item: costs.per_thousand(outcome, item[1])))


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
    best = float(costs.expected(true_probability, true_probability >= costs.bayes_threshold).mean()) * 1000
    excess = float(costs.expected(true_probability, act).mean()) * 1000 - best
    return Regret(excess, best, excess / abs(best) if best else math.nan)
