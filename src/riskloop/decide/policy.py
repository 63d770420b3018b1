"""Policy: a probability and the costs become a decision in money."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import NEVER, Amount, BoolArray, Costs, FloatArray
from riskloop.decide.cuts import Cuts
from riskloop.decide.prices import Declared, Prices, declare
from riskloop.decide.review import Review, least_saving
from riskloop.errors import BundleRefused, ConfigError, DataError

PolicyKind = Literal["cost", "capacity", "empirical", "f1", "fixed", "precision_at", "recall_at"]
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
            raise _wrong(f"Labels {self.labels!r} leave no word for a review.", "choose another review.label")
        if self.kind not in get_args(PolicyKind):
            raise _unknown(self.kind)
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise _wrong(f"A threshold of {self.threshold!r} makes no sense.", "set a probability between 0 and 1")
        if not (math.isfinite(self.least_gain) and self.least_gain >= 0):
            raise _wrong(f"A least gain of {self.least_gain!r} makes no sense.", "set an amount of 0 or more")
        if len(self.bands) != 2 or not 0 <= self.bands[0] <= self.bands[1] <= 1:
            raise _wrong(f"Risk bands {self.bands!r} are not two rising probabilities.", "set e.g. [0.4, 0.7]")
        if len({label for label in self.labels if isinstance(label, str) and label}) != 2 or len(self.labels) != 2:
            raise _wrong(f"Labels {self.labels!r} are not two different words.", "set e.g. [contact, leave]")

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


def choose_policy(
    kind: PolicyKind,
    outcome: BoolArray,
    probability: FloatArray,
    costs: Costs,
    *,
    declared: Declared | None = None,
    value: float | None = None,
    bands: tuple[float, float] = (0.4, 0.7),
    labels: tuple[str, str] = ("act", "pass"),
    seed: int = 0,
    review: Review | None = None,
    most_reviewed: float = 1.0,
) -> Policy:
    """Choose a threshold on out-of-fold probabilities; never on the rows that will judge it.

    Parameters
    ----------
    kind : PolicyKind
        ``cost``: the Bayes threshold of the costs (Elkan, 2001), of each customer's own where they differ; right when
        probabilities are calibrated; needs no rows. ``capacity``: the share ``value`` of customers on whom acting gains
        most, as long as it gains. ``empirical``: the threshold that was cheapest on these rows (Sheng and Ling, 2006).
        ``f1``: the best F1. ``precision_at``, ``recall_at``: the cheapest threshold that reaches ``value``. ``fixed``:
        ``value``.
    outcome : array of bool, shape (n,)
        True for a positive.
    probability : array of float, shape (n,)
        Out-of-fold probabilities of the same rows.
    costs : Costs
        Of the same rows.
    declared : Costs or Prices, optional
        Where ``costs`` come from, if they differ from row to row.
    value : float, optional
        The threshold, precision, recall or share asked for, in [0, 1].
    seed : int
        Of the bootstrap for the interval of a threshold chosen on rows.
    review : Review, optional
        Where a person may look at a case instead.
    most_reviewed : float
        Share of these rows, at most.

    Raises
    ------
    ConfigError
        If ``value`` is missing or is no probability.
    DataError
        If the rows cannot support the choice: fewer than 50 positives for ``empirical``, one class only, or a
        precision that no threshold reaches.
    """
    found = _choose(kind, outcome, probability, costs, value, seed)
    policy = Policy(
        kind,
        found.threshold,
        costs if declared is None else declared,
        bands,
        labels,
        found.why,
        found.least_gain,
        found.interval,
    )
    return policy if review is None else _with_review(policy, review, probability, costs, most_reviewed)


def _with_review(policy: Policy, review: Review, probability: FloatArray, costs: Costs, most: float) -> Policy:
    act = policy.act(probability, costs)
    saving = review.saving(probability, act, costs)
    review = replace(review, least_saving=least_saving(saving, most))
    reviewed = review.chosen(probability, act, costs)
    why = (
        f"{policy.why} A review at {review.cost:g} {costs.currency} pays for {(saving > 0).mean():.1%} of the customers"
    )
    if reviewed.any():
        low, high = probability[reviewed].min(), probability[reviewed].max()
        why += f"; {reviewed.mean():.1%} are reviewed, with probabilities from {low:.3g} to {high:.3g}"
    return replace(policy, why=f"{why}.", review=review)


class _Found(NamedTuple):
    threshold: float
    why: str
    least_gain: float = 0.0
    interval: tuple[float, float] | None = None


def _choose(
    kind: PolicyKind, outcome: BoolArray, probability: FloatArray, costs: Costs, value: float | None, seed: int
) -> _Found:
    match kind:
        case "cost":
            return _bayes(costs)
        case "capacity":
            return _capacity(probability, costs, _checked(kind, value))
        case "fixed":
            threshold = _checked(kind, value)
            return _Found(threshold, f"The threshold {threshold:g} is set in the project.")
        case "empirical":
            return _empirical(_cuts(outcome, probability), costs, seed)
        case "f1":
            return _best_f1(_cuts(outcome, probability), costs)
        case "precision_at":
            cuts = _cuts(outcome, probability)
            return _reaching("precision", cuts.precision, cuts, costs, _checked(kind, value))
        case "recall_at":
            cuts = _cuts(outcome, probability)
            return _reaching("recall", cuts.recall, cuts, costs, _checked(kind, value))
    raise _unknown(kind)


def _bayes(costs: Costs) -> _Found:
    threshold = costs.bayes_threshold
    if costs.varies:
        low, middle, high = np.quantile(costs.thresholds(), (0.25, 0.5, 0.75)).tolist()
        return _Found(
            min(max(threshold, 0.0), NEVER),
            f"Acting is cheaper in expectation from a probability of each customer's own on: {middle:.4g} for the "
            f"middle one, between {low:.4g} and {high:.4g} for half of them.",
        )
    return _Found(
        threshold,
        f"Acting is cheaper in expectation from a probability of {threshold:.4g} on: a needless action "
        f"costs {costs.needless:g} {costs.currency}, a missed positive {costs.missed:g} {costs.currency}.",
    )


def _capacity(probability: FloatArray, costs: Costs, share: float) -> _Found:
    order = np.argsort(-costs.gain(probability), kind="stable")
    gain = costs.take(order).gain(probability[order])
    places = math.floor(share * len(gain))
    worthwhile = int((gain >= 0).sum())
    if worthwhile <= places:
        why = f"Acting pays for {worthwhile / len(gain):.1%} of the customers, and there is room for {share:.1%}."
        return _Found(costs.bayes_threshold, why)
    last = float(gain[places - 1]) if places else math.inf
    least = _between(float(gain[places]), last)
    first_out, last_in = probability[order[places]], probability[order[places - 1]] if places else 1.0
    return _Found(
        float(costs.mean().thresholds(least)) if costs.varies else _between(float(first_out), float(last_in)),
        f"There is room for {share:.1%} of the customers, and acting pays for {worthwhile / len(gain):.1%}: those are "
        f"acted on for whom it gains at least {least:.4g} {costs.currency} in expectation.",
        least,
    )


def _between(low: float, high: float) -> float:
    """A number above the lower one and, if it can be, not above the higher one."""
    middle = (low + high) / 2 if math.isfinite(high) else low
    return middle if middle > low else low + 1e-9 * max(1.0, abs(low))


def _empirical(cuts: Cuts, costs: Costs, seed: int) -> _Found:
    if cuts.positives < FEWEST_POSITIVES:
        raise DataError(
            f"{cuts.positives} positives are too few to choose a threshold by its cost; at least "
            f"{FEWEST_POSITIVES} are needed.",
            where="policy",
            next_step="use the policy 'cost', which needs no rows, or bring more outcomes",
        )
    cut = cuts.cheapest(costs)
    drawn = cuts.cheapest_thresholds(costs, seed=seed)
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return _Found(
        cuts.threshold(cut, costs.bayes_threshold),
        f"The cheapest threshold on {cuts.rows} out-of-fold rows: {cuts.cost(costs)[cut] / cuts.rows * 1000:.6g} "
        f"{costs.currency} per 1,000 customers (95 of 100 other samples would have it between {low:.4g} and "
        f"{high:.4g}; the Bayes threshold is {costs.bayes_threshold:.4g}).",
        interval=(low, high),
    )


def _best_f1(cuts: Cuts, costs: Costs) -> _Found:
    cut = int(np.argmax(cuts.f1))
    return _Found(
        cuts.threshold(cut, costs.bayes_threshold),
        f"The best F1 on {cuts.rows} out-of-fold rows: {cuts.f1[cut]:.4f}.",
    )


def _reaching(metric: str, reached: FloatArray, cuts: Cuts, costs: Costs, value: float) -> _Found:
    best = float(np.nanmax(reached))
    if best < value:
        raise DataError(
            f"No threshold reaches a {metric} of {value:g}; the best reachable is {best:.4g}.",
            where="policy",
            next_step=f"ask for a {metric} of {best:.4g} or less, or use the policy 'cost'",
        )
    cut = cuts.cheapest(costs, allowed=reached >= value)
    return _Found(
        cuts.threshold(cut, costs.bayes_threshold),
        f"The cheapest threshold with a {metric} of at least {value:g}: {reached[cut]:.4f} on {cuts.rows} "
        f"out-of-fold rows.",
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
    best = float(costs.expected(true_probability, true_probability >= costs.thresholds()).mean()) * 1000
    excess = float(costs.expected(true_probability, act).mean()) * 1000 - best
    return Regret(excess, best, excess / abs(best) if best else math.nan)
