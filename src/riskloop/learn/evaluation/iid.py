"""IID against out-of-time: what validation on random folds would have promised, beside what later customers brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.split import folds
from riskloop.learn.block import Block
from riskloop.learn.choice import Contender
from riskloop.learn.contending import contend
from riskloop.learn.crossfit import crossfit
from riskloop.learn.evaluation.intervals import Interval
from riskloop.learn.evaluation.metrics import Evaluation
from riskloop.learn.plan import Plan

MOST_ROWS = 200_000
_SHOWN = ("roc_auc", "log_loss", "cost_per_thousand")


@dataclass(frozen=True)
class IidAgainstTime:
    """One family judged three ways.

    Attributes
    ----------
    family : str
    random, forward, test : mapping of metric to Interval
        On random folds of the training block, on folds that roll forward through it, and on the later test block:
        ``roc_auc``, ``log_loss``, ``cost_per_thousand``.
    positive_rate : (float, float)
        In the training block, and on the test block.
    currency : str
    """

    family: str
    random: Mapping[str, Interval]
    forward: Mapping[str, Interval]
    test: Mapping[str, Interval]
    positive_rate: tuple[float, float]
    currency: str

    def words(self) -> str:
        """One sentence: how much too good random validation would have looked."""
        promised, came = self.random["cost_per_thousand"], self.test["cost_per_thousand"]
        ranks, ranked = self.random["roc_auc"].value, self.test["roc_auc"].value
        before, after = self.positive_rate
        off = f"{abs(came.value - promised.value):,.0f} {self.currency} per 1,000"
        verdict = "the same cost within noise"
        if promised.high < came.low:
            verdict = f"{off} too good to be true"
        if came.high < promised.low:
            verdict = f"{off} worse than what came"
        return (
            f"Random folds would have promised a cost of {promised.value:,.0f} and ROC-AUC {ranks:.3f}; "
            f"later customers, of whom {after:.1%} were positives and not {before:.1%}, brought {came.value:,.0f} and "
            f"{ranked:.3f} ({self.family}): {verdict}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        sides = {"random": self.random, "forward": self.forward, "test": self.test}
        shown = {side: {name: one.to_dict() for name, one in metrics.items()} for side, metrics in sides.items()}
        return {"family": self.family, **shown, "positive_rate": list(self.positive_rate), "words": self.words()}


def iid_against_time(
    family: Contender, block: Block, groups: NDArray[np.int64], plan: Plan, test: Evaluation
) -> IidAgainstTime:
    """Cross-fit a family on random folds of a block whose own folds roll forward.

    Parameters
    ----------
    family : Contender
        A single family, judged on the block's own folds.
    block : Block
    groups : int array, shape (n,)
        Rows of one group stay in one fold.
    plan : Plan
    test : Evaluation
        Of the same family on the later test block.

    Notes
    -----
    More than 200,000 rows are sampled.
    """
    if family.candidate is None:
        raise ValueError(f"{family.name} is no single family")
    mixed = _random_folds(block, groups, plan)
    result = crossfit(family.candidate, mixed, seed=plan.seed)
    random = contend(family.name, family.complexity, result, mixed, plan)
    return IidAgainstTime(
        family=family.name,
        random=_shown(random.evaluation),
        forward=_shown(family.evaluation),
        test=_shown(test),
        positive_rate=(random.evaluation.prevalence, test.prevalence),
        currency=plan.costs.currency,
    )


def _shown(evaluation: Evaluation) -> dict[str, Interval]:
    return {name: evaluation[name] for name in _SHOWN}


def _random_folds(block: Block, groups: NDArray[np.int64], plan: Plan) -> Block:
    n = len(block.outcome)
    rows = np.sort(np.random.default_rng(plan.seed).permutation(n)[:MOST_ROWS])
    outcome = block.outcome[rows]
    fold = folds(outcome, groups[rows], count=plan.folds, seed=plan.seed)
    columns = {name: values[rows] for name, values in block.columns.items()}
    return replace(block, columns=columns, outcome=outcome, fold=fold, trains=(), groups=groups[rows])
