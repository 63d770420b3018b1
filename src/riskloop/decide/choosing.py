"""Choosing: a policy's threshold, on probabilities of rows that will not judge it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from riskloop.costs import NEVER, BoolArray, Costs, FloatArray
from riskloop.decide.cuts import Cuts
from riskloop.decide.policy import Policy, PolicyKind, unknown, wrong
from riskloop.decide.prices import Declared
from riskloop.decide.review import Review, least_saving
from riskloop.errors import DataError

FEWEST_POSITIVES = 50
"""Below this many positives a cost-minimal threshold is mostly noise."""


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
    raise unknown(kind)


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
        raise wrong(f"The policy {kind!r} needs a value between 0 and 1, not {value!r}.", "set policy.value")
    return float(value)
