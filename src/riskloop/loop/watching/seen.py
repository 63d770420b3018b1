"""Rows on their way from a table or the ledger to a profile, with what their performance is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
import polars as pl

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

KEPT = 2_000_000
"""Rows of which at most what a performance is computed from is kept: 27 bytes each."""
_PAGE = 10_000


@dataclass
class Seen:
    """Rows on their way: profiles are added up, and of each row only what a performance is computed from is kept.

    Of more than `most` rows every k-th is, where k is the ``step``: it doubles when there are too many, so that memory
    stays flat. Profiles count every row.
    """

    bundle: Bundle
    reference: Profile
    most: int = KEPT
    step: int = 1
    profile: Profile | None = None
    rows: int = 0
    decided: int = 0
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
        if problem.target_column in frame.columns:
            outcome, known = known_outcome(frame, problem)
        else:
            outcome = known = np.zeros(frame.height, dtype=bool)
        self._add(decoded.columns, decoded.breaches, scores, kept, outcome[kept], known[kept])

    def page(self, page: list[tuple[Prediction, Outcome | None]]) -> None:
        """Rows of the ledger, as they were decided."""
        policy, contract = self.bundle.policy, self.bundle.contract
        for from_file, group in groupby(page, key=lambda one: one[0].arm.startswith("batch")):
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
            both = np.array([(bool(said and said.outcome), said is not None) for _, said in told], dtype=bool)
            self._add(decoded.columns, breaches, scores, kept, both[kept, 0], both[kept, 1])

    def _add(
        self,
        columns: Columns,
        breaches: Iterable[Breach],
        scores: Scores,
        kept: BoolArray,
        outcome: BoolArray,
        known: BoolArray,
    ) -> None:
        refused: dict[str, BoolArray] = {}
        for breach in breaches:
            if breach.column in columns:
                refused.setdefault(breach.column, np.zeros(len(kept), dtype=bool))[breach.rows] = True
        made = self.reference.measure(columns, scores, refused)
        self.profile = made if self.profile is None else self.profile.merge(made)
        self.rows += len(kept)
        policy = self.bundle.policy
        costs = policy.costs.of({name: columns[name][kept] for name in policy.costs.names})
        self._keep(scores, both_ways(policy, scores.act, scores.reviewed, costs, len(scores)), outcome, known)

    def _keep(self, scores: Scores, costs: tuple[FloatArray, FloatArray], outcome: BoolArray, known: BoolArray) -> None:
        some = slice(-self.decided % self.step, None, self.step)
        self.decided += len(scores)
        self.probability.append(scores.probability[some])
        self.act.append(scores.act[some])
        self.costs.append((costs[0][some], costs[1][some]))
        self.outcome.append(outcome[some])
        self.known.append(known[some])
        if sum(map(len, self.probability)) > self.most:
            self._thin_out()

    def _thin_out(self) -> None:
        self.step *= 2
        self.probability = [np.concatenate(self.probability)[::2]]
        self.act = [np.concatenate(self.act)[::2]]
        self.costs = [
            (np.concatenate([a for a, _ in self.costs])[::2], np.concatenate([b for _, b in self.costs])[::2])
        ]
        self.outcome = [np.concatenate(self.outcome)[::2]]
        self.known = [np.concatenate(self.known)[::2]]

    def current(self) -> Profile:
        """Everything seen, without the columns that were not."""
        assert self.profile is not None  # noqa: S101 - rows were seen
        columns = {name: one for name, one in self.profile.columns.items() if name not in self.lacking}
        return replace(self.profile, columns=columns)


def pages_of(
    judged: Iterator[tuple[Prediction, Outcome | None]],
) -> Iterator[list[tuple[Prediction, Outcome | None]]]:
    page: list[tuple[Prediction, Outcome | None]] = []
    for one in judged:
        page.append(one)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _take(columns: Columns, rows: BoolArray) -> Columns:
    return columns if rows.all() else {name: values[rows] for name, values in columns.items()}
