"""Rows on their way from a table or the ledger to a profile, with what their performance is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.bundle.bundle import Bundle
from riskloop.costs import BoolArray, FloatArray
from riskloop.data.contract import Breach, Columns
from riskloop.data.frames import decode_frame
from riskloop.data.outcome import known_outcome
from riskloop.decide.prices import priceless
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.problem import Problem
from riskloop.watch.performance import both_ways
from riskloop.watch.profile import Profile, Scores

_PAGE = 10_000
Row = TypeVar("Row")


@dataclass
class Seen:
    """Rows on their way: profiles are added up, and of each row only what a performance is computed from is kept."""

    bundle: Bundle
    reference: Profile
    profile: Profile | None = None
    rows: int = 0
    lacking: set[str] = field(default_factory=set)
    probability: list[FloatArray] = field(default_factory=list)
    act: list[BoolArray] = field(default_factory=list)
    costs: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    outcome: list[BoolArray] = field(default_factory=list)
    known: list[BoolArray] = field(default_factory=list)

    def frame(self, frame: pl.DataFrame, problem: Problem) -> None:
        """Rows of a table, decided about anew."""
        bundle = self.bundle
        decoded = decode_frame(bundle.contract, frame)
        kept = ~decoded.broken()
        costs = bundle.policy.costs.of(decoded.columns)
        kept &= ~np.broadcast_to(priceless(costs), frame.height)
        columns = _take(decoded.columns, kept)
        scores = Scores.of(bundle.policy, bundle.scorer.probability(columns), costs.take(kept))
        self._add(decoded.columns, decoded.breaches, scores, kept)
        if problem.target_column in frame.columns:
            outcome, known = known_outcome(frame, problem)
            self._outcomes(outcome[kept], known[kept])
        else:
            nothing = np.zeros(int(kept.sum()), dtype=bool)
            self._outcomes(nothing, nothing)

    def page(self, page: list[tuple[Prediction, Outcome | None]]) -> None:
        """Rows of the ledger, as they were decided."""
        policy, contract = self.bundle.policy, self.bundle.contract
        for from_file, group in groupby(page, key=lambda one: one[0].arm == "batch"):
            told = list(group)
            decoded = contract.decode_rows([one.features for one, _ in told], typed=not from_file)
            absent = {b.column for b in decoded.breaches if b.code == "absent" and len(b.rows) == len(told)}
            self.lacking |= absent
            breaches = [one for one in decoded.breaches if one.code != "unexpected" and one.column not in absent]
            kept = np.ones(len(told), dtype=bool)
            for breach in breaches:
                kept[breach.rows] = False
            probability = np.array([one.probability for one, _ in told])[kept]
            act = np.array([one.decision == policy.labels[0] for one, _ in told])[kept]
            reviewed = np.array([policy.review is not None and one.decision == policy.review.label for one, _ in told])
            costs = policy.costs.of(_take(decoded.columns, kept))
            expected = costs.expected(probability, act)
            if policy.review is not None:
                expected = np.where(reviewed[kept], policy.review.expected(probability, costs), expected)
            scores = Scores(probability, act, reviewed[kept], np.asarray(expected))
            self._add(decoded.columns, breaches, scores, kept)
            outcomes = [(bool(said and said.outcome), said is not None) for _, said in told]
            both = np.array(outcomes, dtype=bool)
            self._outcomes(both[kept, 0], both[kept, 1])

    def _add(self, columns: Columns, breaches: Iterable[Breach], scores: Scores, kept: BoolArray) -> None:
        refused: dict[str, BoolArray] = {}
        for breach in breaches:
            if breach.column in columns:
                refused.setdefault(breach.column, np.zeros(len(kept), dtype=bool))[breach.rows] = True
        made = self.reference.measure(columns, scores, refused)
        self.profile = made if self.profile is None else self.profile.merge(made)
        self.rows += len(kept)
        policy = self.bundle.policy
        costs = policy.costs.of(_take(columns, kept))
        self.probability.append(scores.probability)
        self.act.append(scores.act)
        self.costs.append(both_ways(policy, scores.act, scores.reviewed, costs, len(scores)))

    def _outcomes(self, outcome: BoolArray, known: BoolArray) -> None:
        self.outcome.append(outcome)
        self.known.append(known)

    def current(self) -> Profile:
        """Everything seen, without the columns that were not."""
        assert self.profile is not None  # noqa: S101 - rows were seen
        columns = {name: one for name, one in self.profile.columns.items() if name not in self.lacking}
        return replace(self.profile, columns=columns, repeats=None if self.lacking else self.profile.repeats)


def pages_of(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows of the ledger, some thousands at a time."""
    page: list[Row] = []
    for one in rows:
        page.append(one)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _take(columns: Columns, rows: NDArray[Any]) -> Columns:
    return {name: values[rows] for name, values in columns.items()}
