"""Choose among candidates: one that can be read, if it is as good as the best; else the best probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.decide.policy import Policy
from riskloop.learn.blending import Recipe
from riskloop.learn.calibrating import CalibrationChoice
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.crossfit import OutOfFold
from riskloop.learn.evaluation.metrics import Evaluation, log_loss
from riskloop.learn.evaluation.paired import (
    PairedDifference,
    by_stretch,
    compare_costs,
    compare_costs_by_stretch,
)

Preference = Literal["simple", "cheap"]
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class Contender:
    """A candidate with what it achieved out of fold on the n training rows.

    Attributes
    ----------
    name : str
    complexity : float
    out_of_fold : OutOfFold
    calibration : CalibrationChoice
    policy : Policy
    evaluation : Evaluation
    candidate : Candidate or None
        The single family; None for a blend.
    recipe : Recipe or None
        How a blend is put together; None for a single family.
    target : float array or None
        The probabilities a distilled family learnt from, for all rows of the block.
    told : float array, shape (folds, all rows of the block), or None
        Where folds roll forward: log-odds of the rows that each fold's model learnt from.
    """

    name: str
    complexity: float
    out_of_fold: OutOfFold
    calibration: CalibrationChoice
    policy: Policy
    evaluation: Evaluation
    candidate: Candidate | None = None
    recipe: Recipe | None = None
    target: FloatArray | None = None
    told: FloatArray | None = None

    @property
    def probability(self) -> FloatArray:
        """Cross-fitted, calibrated probabilities, shape (n,)."""
        return self.calibration.probability

    @property
    def blendable(self) -> bool:
        """Whether it may enter a blend: a single family whose log-odds are a sum, fitted to the rows as they are."""
        return self.candidate is not None and self.candidate.additive and self.candidate.balance == "none"

    @property
    def readable(self) -> bool:
        """Whether a person can follow it line by line."""
        return self.candidate is not None and self.candidate.readable

    @property
    def cost_per_thousand(self) -> float:
        return self.evaluation["cost_per_thousand"].value


@dataclass(frozen=True)
class Choice:
    """The contender chosen, the reason in words, and every contender's difference from the cheapest.

    `balancing` says of every variant that minds a rare outcome whether that helped.
    """

    chosen: Contender
    why: str
    difference: dict[str, PairedDifference] = field(default_factory=dict)
    balancing: tuple[str, ...] = ()


def choose(
    contenders: Sequence[Contender],
    outcome: BoolArray,
    costs: Costs,
    *,
    seed: int,
    weight: FloatArray | None = None,
    stretch: NDArray[np.integer] | None = None,
    prefer: Preference = "simple",
) -> Choice:
    """Choose a contender: of those that are as good as the best, the simplest one that can be read, if there is any.

    Where none can be read (nobody reads a booster or a blend, whatever its size) the one with the lowest log loss is
    chosen.

    As good means two things: its cost is not significantly above that of the cheapest (paired bootstrap; of equal
    costs, as where it pays to act on all, the lower log loss is the cheaper), and its log loss not significantly above
    the lowest (paired, normal approximation). The cost hangs on the few customers near the threshold and is the blunt
    one of the two; the log loss looks at every probability and is the sharp one. Both tests at the 5 % level. Where
    nobody passes both, the cheapest is chosen.

    Parameters
    ----------
    contenders : sequence of Contender
        At least one, all on the same n rows.
    outcome : bool array, shape (n,)
    costs : Costs
        Of the same rows.
    seed : int
    weight : float array, shape (n,), optional
        Of the rows: recent ones may count more.
    stretch : int array, shape (n,), optional
        Where rows come in stretches of time, their numbers: stretches are then the units of both tests, not rows.
    prefer : {"simple", "cheap"}
        ``cheap``: the cheapest, whatever it is.
    """
    mass = np.ones(len(outcome)) if weight is None else weight / weight.mean()
    loss = {one.name: log_loss(outcome, one.probability) for one in contenders}
    cost = {one.name: one.policy.cost(outcome, one.probability, costs) for one in contenders}
    mean_loss = {name: float((mass * each).mean()) for name, each in loss.items()}
    mean_cost = {name: float((mass * each).mean()) for name, each in cost.items()}

    def compared(one: Contender, other: Contender) -> PairedDifference:
        if stretch is not None:
            return compare_costs_by_stretch(cost[one.name], cost[other.name], stretch, mass)
        return compare_costs(mass * cost[one.name], mass * cost[other.name], seed=seed)

    cheapest = min(contenders, key=lambda one: (mean_cost[one.name], mean_loss[one.name], one.complexity))
    difference = {one.name: compared(one, cheapest) for one in contenders if one is not cheapest}
    balancing = tuple(_balancing_words(contenders, {name: mass * each for name, each in cost.items()}, seed))
    sharpest = min(contenders, key=lambda one: (mean_loss[one.name], one.complexity))

    def as_good(one: Contender) -> bool:
        dearer = one is not cheapest and difference[one.name].low > 0
        return not dearer and not _worse(loss[one.name] - loss[sharpest.name], mass, stretch)

    chosen = cheapest
    if prefer == "simple" and (good := [one for one in contenders if as_good(one)]):
        readable = [one for one in good if one.readable]
        chosen = min(
            readable or good, key=lambda one: (0.0 if readable else mean_loss[one.name], one.complexity, one.name)
        )
    if chosen is cheapest:
        words = _cheapest_words(chosen, mean_cost[chosen.name] * 1000, len(contenders), weight)
    elif chosen.readable:
        words = _simpler_words(chosen, cheapest, difference[chosen.name])
    else:
        gain = mean_loss[cheapest.name] - mean_loss[chosen.name]
        words = _sharper_words(chosen, cheapest, difference[chosen.name], gain)
    return Choice(chosen, words, difference, balancing)


def _worse(excess: FloatArray, mass: FloatArray, stretch: NDArray[np.integer] | None) -> bool:
    """Whether a log loss is significantly higher at the 5 % level."""
    if stretch is None:
        excess = mass * excess
        return bool(excess.mean() > _TWO_SIDED_95 * excess.std(ddof=1) / np.sqrt(len(excess)))
    from scipy.special import stdtrit

    mean, error, count = by_stretch(excess, stretch, mass)
    return mean > error * float(stdtrit(count - 1, 0.975)) if count > 1 else False


def _cheapest_words(one: Contender, cost: float, count: int, weight: FloatArray | None) -> str:
    return (
        f"{one.name} has the lowest expected cost out of fold of {count} candidates, {cost:.0f} "
        f"{one.policy.costs.currency} per 1,000 customers{' (recent ones count more)' if weight is not None else ''}."
    )


def _simpler_words(one: Contender, cheapest: Contender, difference: PairedDifference) -> str:
    return (
        f"{one.name} can be read line by line and is not significantly worse than {cheapest.name}: "
        f"{difference.mean:+.0f} [{difference.low:.0f}, {difference.high:.0f}] {one.policy.costs.currency} per 1,000 "
        "customers out of fold, and no significantly higher log loss than any."
    )


def _sharper_words(one: Contender, cheapest: Contender, difference: PairedDifference, gain: float) -> str:
    return (
        f"{one.name} has better probabilities than {cheapest.name} (log loss lower by {gain:.5f}) at a cost not "
        f"significantly higher: {difference.mean:+.0f} [{difference.low:.0f}, {difference.high:.0f}] "
        f"{one.policy.costs.currency} per 1,000 customers out of fold."
    )


def _balancing_words(contenders: Sequence[Contender], costs: dict[str, FloatArray], seed: int) -> Iterator[str]:
    """Whether weights or SMOTE helped, beside the same family left as it is."""
    for one in contenders:
        plain, plus, balance = one.name.partition("+")
        if plus and plain in costs:
            difference = compare_costs(costs[one.name], costs[plain], seed=seed)
            verdict = "helped" if difference.high < 0 else "did harm to" if difference.low > 0 else "did not help"
            yield (
                f"{'SMOTE' if balance == 'smote' else 'Weighing'} {verdict} {plain}: {difference.mean:+.0f} "
                f"[{difference.low:.0f}, {difference.high:.0f}] {one.policy.costs.currency} per 1,000 out of fold."
            )
