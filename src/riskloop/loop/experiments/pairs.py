"""Two versions over the same customers: what each decides, and what either decision costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.bundle.bundle import Bundle
from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.data.contract import Columns
from riskloop.decide.policy import Policy
from riskloop.decide.prices import priceless
from riskloop.decide.review import Review

PASS, ACT, REVIEW = 0, 1, 2
Codes = NDArray[np.int8]
"""What was decided of n customers: PASS, ACT or REVIEW."""


@dataclass(frozen=True, eq=False)
class Read:
    """Customers whom a version can read.

    Attributes
    ----------
    kept : bool array, shape (n,)
        Who of those given.
    columns : Columns
        Of the k kept, and so are the others.
    probability : float array
    code : Codes
    """

    kept: BoolArray
    columns: Columns
    probability: FloatArray
    code: Codes


def read_by(bundle: Bundle, rows: Sequence[Mapping[str, Any]]) -> Read:
    """What a version decides of customers as the ledger keeps them."""
    decoded = bundle.contract.decode_kept(rows)
    columns, kept = decoded.columns, ~decoded.broken()
    policy = bundle.policy
    kept &= ~np.broadcast_to(priceless(policy.costs.of(columns)), len(rows))
    columns = {name: values[kept] for name, values in columns.items()}
    probability, costs = bundle.scorer.probability(columns), policy.costs.of(columns)
    code = np.where(policy.act(probability, costs), ACT, PASS).astype(np.int8)
    code[policy.reviewed(probability, costs)] = REVIEW
    return Read(kept, columns, probability, code)


def code_of(policy: Policy, decision: str) -> int:
    """The code of a decision in the words of a policy; what it has no word for was not acted on."""
    if decision == policy.labels[0]:
        return ACT
    return REVIEW if policy.review is not None and decision == policy.review.label else PASS


def priced(code: Codes, outcome: BoolArray, costs: Costs, review: Review | None) -> FloatArray:
    """What decisions cost once the outcome is known, shape (n,)."""
    cost = costs.each(outcome, code == ACT)
    return cost if review is None else np.where(code == REVIEW, review.each(outcome, costs), cost)


def expected(code: Codes, probability: FloatArray, costs: Costs, review: Review | None) -> FloatArray:
    """What decisions cost in expectation, shape (n,)."""
    cost = costs.expected(probability, code == ACT)
    return cost if review is None else np.where(code == REVIEW, review.expected(probability, costs), cost)


@dataclass(frozen=True, eq=False)
class Paired:
    """Customers whom the champion can read, and what both versions make of them.

    Attributes
    ----------
    kept : bool array, shape (n,)
        Who of those given; all others are of shape (k,).
    costs : Costs
        The champion's: one money for both.
    probability : (float array, float array)
        Of champion and challenger; the champion's where the challenger cannot read.
    code : (Codes, Codes)
        The same.
    unread : bool array
        Whom only the champion can read, who answers them in either arm.
    """

    kept: BoolArray
    costs: Costs
    probability: tuple[FloatArray, FloatArray]
    code: tuple[Codes, Codes]
    unread: BoolArray


@dataclass(frozen=True)
class Pair:
    """Champion and challenger."""

    champion: Bundle
    challenger: Bundle

    @property
    def reviews(self) -> tuple[Review | None, Review | None]:
        return self.champion.policy.review, self.challenger.policy.review

    def read(self, rows: Sequence[Mapping[str, Any]]) -> Paired:
        """What both decide of customers as they were received."""
        first = read_by(self.champion, rows)
        chosen = [row for row, fine in zip(rows, first.kept, strict=True) if fine]
        second = read_by(self.challenger, chosen)
        probability, code = first.probability.copy(), first.code.copy()
        probability[second.kept], code[second.kept] = second.probability, second.code
        costs = self.champion.policy.costs.of(first.columns)
        return Paired(first.kept, costs, (first.probability, probability), (first.code, code), ~second.kept)


def amounts(pair: Pair, costs: Costs) -> tuple[float, float]:
    """The least and the most that a decision about these customers can cost, in currency."""
    told = [np.asarray(one, dtype=np.float64) for one in (costs.fp, costs.fn, costs.tp, costs.tn)]
    reviewing = max([review.cost for review in pair.reviews if review is not None], default=0.0)
    return min(float(one.min()) for one in told), max(float(one.max()) for one in told) + reviewing
