"""Cuts: every threshold a sample can tell apart, and what each would have done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import NEVER, BoolArray, Costs, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Every way to cut a sample in two by score: from acting on nobody to acting on everybody.

    Columns of shape (distinct scores + 1,): the range of thresholds ``(above, upto]`` that makes the cut, and whom
    it catches. ``outcome`` and ``group``, of shape (n,), are the sample: the score of a row is the group-th lowest.
    """

    outcome: BoolArray
    group: NDArray[np.intp]
    above: FloatArray
    upto: FloatArray
    tp: FloatArray
    fp: FloatArray
    positives: int
    negatives: int

    @classmethod
    def of(cls, outcome: BoolArray, probability: FloatArray) -> Self:
        """From n outcomes and probabilities."""
        scores, group = np.unique(probability, return_inverse=True)
        tp = np.bincount(group, weights=outcome, minlength=len(scores))[::-1].cumsum()
        acted = np.bincount(group, minlength=len(scores))[::-1].cumsum()
        upto = np.append(NEVER, scores[::-1])
        return cls(
            outcome=outcome,
            group=group,
            above=np.append(upto[1:], 0.0),
            upto=upto,
            tp=np.append(0.0, tp),
            fp=np.append(0.0, acted - tp),
            positives=int(outcome.sum()),
            negatives=int((~outcome).sum()),
        )

    @property
    def rows(self) -> int:
        return self.positives + self.negatives

    @property
    def precision(self) -> FloatArray:
        """NaN where nobody is acted on."""
        acted = self.tp + self.fp
        return np.divide(self.tp, acted, out=np.full_like(acted, np.nan), where=acted > 0)

    @property
    def recall(self) -> FloatArray:
        return self.tp / self.positives

    @property
    def f1(self) -> FloatArray:
        return 2 * self.tp / (self.tp + self.fp + self.positives)

    def cost(self, costs: Costs) -> FloatArray:
        """Total cost of every cut, in currency."""
        if costs.varies:
            if_acted, if_left = (costs.each(self.outcome, np.full(self.rows, act)) for act in (True, False))
            change = np.bincount(self.group, weights=if_acted - if_left)[::-1].cumsum()
            return np.asarray(if_left.sum() + np.append(0.0, change))
        acted = self.tp * costs.tp + self.fp * costs.fp
        return acted + (self.positives - self.tp) * costs.fn + (self.negatives - self.fp) * costs.tn

    def threshold(self, cut: int, bayes: float) -> float:
        """The middle of the gap between two scores, or the Bayes threshold when it falls in the gap."""
        low, high = float(self.above[cut]), float(self.upto[cut])
        if low < bayes <= high:
            return bayes
        if cut == 0:
            return NEVER
        middle = (low + high) / 2
        return middle if middle > low else high

    def cheapest(self, costs: Costs, allowed: BoolArray | None = None) -> int:
        """The cut that costs least; among equals, the one nearest to the Bayes threshold."""
        cost = self.cost(costs)
        if allowed is not None:
            cost = np.where(allowed, cost, np.inf)
        equal = np.flatnonzero(cost <= cost.min() + 1e-9 * max(1.0, abs(cost.min())))
        nearest = [abs(self.threshold(int(cut), costs.bayes_threshold) - costs.bayes_threshold) for cut in equal]
        return int(equal[int(np.argmin(nearest))])

    def cheapest_thresholds(self, costs: Costs, *, seed: int, resamples: int = 200) -> FloatArray:
        """The cheapest threshold on each of so many bootstrap samples of the rows, shape (resamples,)."""
        if_acted, if_left = (costs.each(self.outcome, np.full(self.rows, act)) for act in (True, False))
        change, rng = if_acted - if_left, np.random.default_rng(seed)
        found = []
        for _ in range(resamples):
            rows = rng.integers(0, self.rows, self.rows)
            acted = np.bincount(self.group[rows], weights=change[rows], minlength=len(self.tp) - 1)[::-1].cumsum()
            found.append(self.threshold(int(np.append(0.0, acted).argmin()), costs.bayes_threshold))
        return np.array(found)
