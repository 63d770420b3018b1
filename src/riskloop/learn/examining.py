"""Examining: what one number per metric hides: time, groups of customers, luck, and what more rows would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.dataset import Dataset
from riskloop.data.split import Split
from riskloop.findings import Finding
from riskloop.learn.block import Block
from riskloop.learn.choice import Contender
from riskloop.learn.evaluation.iid import IidAgainstTime, iid_against_time
from riskloop.learn.evaluation.learning_curve import LearningCurve, learning_curve
from riskloop.learn.evaluation.metrics import Evaluation, evaluate
from riskloop.learn.evaluation.reliability import Reliability, reliability
from riskloop.learn.evaluation.segments import WeakSegment, weak_segments
from riskloop.learn.evaluation.stability import Stability, stability
from riskloop.learn.plan import Plan
from riskloop.learn.refitting import refit

FloatArray = NDArray[np.float64]
_CARD_SEGMENTS = 20
_RESAMPLES = 200
_ALARM_LEVEL = 0.99


@dataclass(frozen=True)
class Examination:
    """A closer look at a chosen model.

    Attributes
    ----------
    reliability : Reliability
        On the test block.
    stability : Stability or None
        Over the rows judged out of fold and the test block; None where rows have no order.
    iid : IidAgainstTime or None
        Where the test block is the latest part of the table.
    segments : list of WeakSegment
        On rows judged out of fold.
    learning_curve : LearningCurve or None
        Where it was asked for.
    findings : tuple of Finding
        What a reader must know before trusting the numbers.
    """

    reliability: Reliability
    stability: Stability | None
    iid: IidAgainstTime | None
    segments: list[WeakSegment]
    learning_curve: LearningCurve | None
    findings: tuple[Finding, ...]

    def words(self, currency: str, most_segments: int = 3) -> list[str]:
        """What to say about it, a sentence each."""
        said = [one.words() for one in (self.iid, self.stability, self.learning_curve) if one]
        said += [f"Weak segment: {one.words(currency)}." for one in self.segments[:most_segments]]
        return said + [f"{finding.message} Next: {finding.next_step}." for finding in self.findings]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the learning curve: whether it was asked for is no property of the model."""
        return {
            "reliability": self.reliability.to_dict(),
            "stability": self.stability.to_dict() if self.stability else None,
            "iid": self.iid.to_dict() if self.iid else None,
            "segments": [one.to_dict() for one in self.segments[:_CARD_SEGMENTS]],
            "findings": [finding.to_dict() for finding in self.findings],
        }


@dataclass(frozen=True)
class Examiner:
    """Everything an examination looks at, of one training.

    Attributes
    ----------
    dataset : Dataset
    parts : Split
    block : Block
    plan : Plan
    chosen : Contender
    contenders : sequence of Contender
    test : Evaluation
        Of the chosen model on the test block.
    probability : float array, shape (test rows,)
    important : sequence of str
        Features, the most important first.
    """

    dataset: Dataset
    parts: Split
    block: Block
    plan: Plan
    chosen: Contender
    contenders: Sequence[Contender]
    test: Evaluation
    probability: FloatArray
    important: Sequence[str]

    def examine(self, *, with_learning_curve: bool = False) -> Examination:
        """Look closely; a learning curve takes several fits more."""
        family = family_of(self.chosen, self.contenders)
        return Examination(
            reliability=reliability(self.dataset.outcome[self.parts.test], self.probability),
            stability=self._stability(),
            iid=self._iid(family) if family and self.block.forward else None,
            segments=self._segments(),
            learning_curve=learning_curve(family, self.block, self.plan) if family and with_learning_curve else None,
            findings=tuple(suspicious(self.chosen.evaluation, self.test, self.parts.kind == "random")),
        )

    def _stability(self) -> Stability | None:
        time = self.dataset.time
        if time is None and self.parts.kind == "random":
            return None
        rows = np.concatenate([self.parts.train[self.block.judged], self.parts.test])
        return stability(
            self.dataset.outcome[rows],
            np.concatenate([self.chosen.probability, self.probability]),
            rows.astype(np.float64) if time is None or self.parts.kind == "row_order" else time[rows],
            np.arange(len(rows)) >= len(rows) - len(self.parts.test),
            clock=time is not None and self.parts.kind != "row_order",
        )

    def _iid(self, family: Contender) -> IidAgainstTime:
        test = self.test if family is self.chosen else self._on_test(family)
        return iid_against_time(family, self.block, self.dataset.groups[self.parts.train], self.plan, test)

    def _on_test(self, family: Contender) -> Evaluation:
        scorer = refit(self.block, self.plan, family, self.contenders).scorer
        probability = scorer.probability(self.dataset.take(self.parts.test))
        outcome, costs = (
            self.dataset.outcome[self.parts.test],
            self.plan.costs_of(self.dataset.columns, self.parts.test),
        )
        act = family.policy.act(probability, costs)
        cost = family.policy.cost(outcome, probability, costs)
        return evaluate(outcome, probability, act, costs, seed=self.plan.seed, resamples=_RESAMPLES, cost=cost)

    def _segments(self) -> list[WeakSegment]:
        probability, judged = self.chosen.probability, self.block.judged
        costs = self.plan.costs_of(self.block.columns, judged)
        return weak_segments(
            self.block.contract,
            self.block.rows(judged),
            self.block.outcome[judged],
            probability,
            self.chosen.policy.cost(self.block.outcome[judged], probability, costs)
            - self.chosen.policy.decide_many(probability, costs).expected_cost,
            seed=self.plan.seed,
            important=self.important,
        )


def family_of(chosen: Contender, contenders: Sequence[Contender]) -> Contender | None:
    """The single family behind a choice: itself, the heaviest member of a blend, or a student's cheapest relative."""
    by_name = {one.name: one for one in contenders}
    if chosen.recipe is not None:
        return by_name[max(chosen.recipe.weights, key=lambda name: chosen.recipe.weights[name])]  # type: ignore[union-attr]
    if chosen.target is None:
        return chosen
    return next((one for one in contenders if one.candidate is not None and one.target is None), None)


def suspicious(out_of_fold: Evaluation, test: Evaluation, random: bool) -> list[Finding]:
    """A finding where a random test block is ranked otherwise than rows out of fold, beyond the luck of one in 100."""
    ours, theirs = out_of_fold["roc_auc"], test["roc_auc"]
    apart = theirs.value - ours.value
    errors = [(one["roc_auc"].high - one["roc_auc"].low) / 2 / _z(one.level) for one in (out_of_fold, test)]
    margin = _z(_ALARM_LEVEL) * math.hypot(*errors)
    if not random or not abs(apart) > margin:
        return []
    cause = "rows of the test block have twins in training" if apart > 0 else "the choice has learnt the folds by heart"
    return [
        Finding(
            "test-apart-from-folds",
            "warning",
            f"ROC-AUC is {theirs.value:.3f} on the test block and {ours.value:.3f} out of fold; at random they would "
            f"differ by at most {margin:.3f} in 99 of 100 trainings.",
            f"find out whether {cause}: name problem.id, try fewer candidates or another training.seed",
            evidence={"test": theirs.value, "out_of_fold": ours.value, "margin": margin},
        )
    ]


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)
