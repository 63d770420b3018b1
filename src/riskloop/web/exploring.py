"""Exploring: what another threshold, other costs, less room or a review would come to, from counted scores.

Scores are those of training rows by models that had not seen them: the test block judges what was chosen, and chooses
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import Costs, FloatArray
from riskloop.decide.review import Review
from riskloop.decide.tally import Confusion, Counts, Tally
from riskloop.intervals import Z95


@dataclass(frozen=True)
class Proposal:
    """A policy that is tried.

    Attributes
    ----------
    costs : Costs
        The same for everybody.
    threshold : float
        As it was asked for.
    by_costs : bool
        Whether the costs set the threshold instead.
    room : float or None
        Largest share of customers that can be acted on.
    review : Review or None
    """

    costs: Costs
    threshold: float
    by_costs: bool = False
    room: float | None = None
    review: Review | None = None


@dataclass(frozen=True)
class Estimate:
    """Currency per 1,000 customers, with its 95 % interval (normal, over the customers)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GroupFare:
    """How a protected group fares: who gets the favourable decision, and that beside the best group."""

    attribute: str
    level: str
    rows: int
    favourable: float
    ratio: float
    tpr: float
    fpr: float


@dataclass(frozen=True)
class Explored:
    """A proposal, carried out on counts.

    Attributes
    ----------
    tally : Tally
    proposal : Proposal
    threshold : float
        That acts: what the costs say, or what there is room for, where asked.
    """

    tally: Tally
    proposal: Proposal
    threshold: float

    @property
    def act(self) -> NDArray[np.bool_]:
        """Of every cell, whether its customers are acted on but for a review."""
        return np.arange(len(self.tally.foreseen)) >= self.tally.cell(self.threshold)

    @cached_property
    def reviewed(self) -> NDArray[np.bool_]:
        """Of every cell, whether a person looks at its customers."""
        review = self.proposal.review
        if review is None:
            return np.zeros(len(self.tally.foreseen), dtype=bool)
        rows = self.tally.counts.positive + self.tally.counts.negative
        with np.errstate(invalid="ignore"):
            mean = np.where(rows > 0, self.tally.foreseen / rows, 0.0)
        return np.asarray(review.chosen(mean, self.act, self.proposal.costs) & (rows > 0))

    @cached_property
    def confusion(self) -> Confusion:
        """Of those who are decided about without a review."""
        act, alone = self.act & ~self.reviewed, ~self.act & ~self.reviewed
        positive, negative = self.tally.counts.positive, self.tally.counts.negative
        return Confusion(*(int(counts[here].sum()) for here in (act, alone) for counts in (positive, negative)))

    @property
    def review_rate(self) -> float:
        counts = self.tally.counts
        return float((counts.positive + counts.negative)[self.reviewed].sum()) / max(self.tally.rows, 1)

    @property
    def act_rate(self) -> float:
        return (self.confusion.tp + self.confusion.fp) / max(self.tally.rows, 1)

    @property
    def band(self) -> tuple[float, float] | None:
        """Probabilities between which is reviewed."""
        places = np.flatnonzero(self.reviewed)
        if not len(places):
            return None
        edges = np.concatenate([[0.0], self.tally.edges, [1.0]])
        return float(edges[places[0]]), float(edges[places[-1] + 1])

    @cached_property
    def each(self) -> tuple[FloatArray, FloatArray]:
        """Cost of one positive and of one negative in every cell."""
        costs, review = self.proposal.costs, self.proposal.review
        positive, negative = np.where(self.act, costs.tp, costs.fn), np.where(self.act, costs.fp, costs.tn)
        if review is not None:
            right = review.accuracy
            positive = np.where(self.reviewed, review.cost + right * costs.tp + (1 - right) * costs.fn, positive)
            negative = np.where(self.reviewed, review.cost + right * costs.tn + (1 - right) * costs.fp, negative)
        return positive, negative

    def cost(self) -> Estimate:
        """Of all decisions."""
        return _estimate(self.tally, *self.each)

    def saves(self, other: Explored) -> Estimate:
        """What this one costs less than another, on the same customers."""
        mine, others = self.each, other.each
        return _estimate(self.tally, others[0] - mine[0], others[1] - mine[1])

    def fare(self, favourable: str) -> list[GroupFare]:
        """How protected groups fare; a review is not favourable yet."""
        good = (self.act if favourable == "act" else ~self.act) & ~self.reviewed
        acted = self.act & ~self.reviewed
        found = []
        for attribute, levels in self.tally.groups.items():
            rates = {level: _share(counts, good) for level, counts in levels.items()}
            best = max(rates.values(), default=math.nan)
            for level, counts in levels.items():
                found.append(
                    GroupFare(
                        attribute,
                        level,
                        int(counts.positive.sum() + counts.negative.sum()),
                        rates[level],
                        rates[level] / best if best else math.nan,
                        float(counts.positive[acted].sum()) / max(int(counts.positive.sum()), 1),
                        float(counts.negative[acted].sum()) / max(int(counts.negative.sum()), 1),
                    )
                )
        return found


def explore(tally: Tally, proposal: Proposal) -> Explored:
    """Carry a proposal out."""
    threshold = proposal.costs.bayes_threshold if proposal.by_costs else proposal.threshold
    if proposal.room is not None:
        rows = np.append(np.cumsum((tally.counts.positive + tally.counts.negative)[::-1])[::-1], 0)
        cell = tally.cell(threshold)
        fits = np.flatnonzero(rows <= proposal.room * tally.rows)
        least = int(fits[0]) if len(fits) else len(rows) - 1
        if least > cell:
            threshold = 2.0 if least > len(tally.edges) else float(tally.edges[least - 1]) if least else 0.0
    return Explored(tally, proposal, threshold)


def beside(explored: Explored, current: float) -> Mapping[str, Explored]:
    """What a proposal is compared with, at its own costs: today's threshold, everybody, nobody."""
    bare = replace(explored.proposal, by_costs=False, room=None, review=None)
    others = {"current": current, "act_on_all": 0.0, "act_on_none": 2.0}
    return {name: explore(explored.tally, replace(bare, threshold=at)) for name, at in others.items()}


def _estimate(tally: Tally, positive: FloatArray, negative: FloatArray) -> Estimate:
    counts, n = tally.counts, max(tally.rows, 2)
    total = float((counts.positive * positive + counts.negative * negative).sum())
    squares = float((counts.positive * positive**2 + counts.negative * negative**2).sum())
    mean = total / n
    half = Z95 * math.sqrt(max(squares / n - mean**2, 0.0) / (n - 1))
    return Estimate(*(1000 * one for one in (mean, mean - half, mean + half)))


def _share(counts: Counts, here: NDArray[np.bool_]) -> float:
    rows = counts.positive + counts.negative
    return float(rows[here].sum()) / max(int(rows.sum()), 1)
