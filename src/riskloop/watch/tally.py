"""The tally: what realised and expected performance are computed from, counted in one pass; tallies add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.scorer.log_odds import logit

CELLS = 2048
"""Cells of log-odds. One is .012 wide: a ROC-AUC changes in the fifth digit where its rows are taken to be alike."""

_FARTHEST = 12.0
TINY = 1e-15


class Counts(NamedTuple):
    """Sums over the rows of each cell, shape (2, cells): rows left alone, then rows acted on."""

    rows: FloatArray
    probability: FloatArray
    if_positive: FloatArray
    if_negative: FloatArray
    if_positive_squared: FloatArray
    if_negative_squared: FloatArray
    known: FloatArray
    known_probability: FloatArray
    positive: FloatArray


class Moments(NamedTuple):
    """Over rows whose outcome is known, sums of a quantity, of its square and of its cube."""

    cost: FloatArray
    brier: FloatArray
    log_loss: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Decisions with their probabilities, costs and outcomes, in 300 kB whatever the number of rows."""

    counts: Counts
    moments: Moments

    @classmethod
    def empty(cls) -> Tally:
        """Nothing counted yet."""
        return cls(
            Counts(*(np.zeros((2, CELLS)) for _ in Counts._fields)), Moments(*(np.zeros(3) for _ in Moments._fields))
        )

    @classmethod
    def of(
        cls,
        probability: FloatArray,
        act: BoolArray,
        costs: tuple[FloatArray, FloatArray],
        outcome: BoolArray | None = None,
        known: BoolArray | None = None,
    ) -> Tally:
        """Count rows.

        Parameters
        ----------
        probability : float array, shape (n,)
        act : bool array, shape (n,)
        costs : (float array, float array), shape (n,)
            What each decision costs if the customer turns out positive, and if not.
        outcome, known : bool array, shape (n,), optional
            Whether the risk came true, and whether that is known.
        """
        n = len(probability)
        outcome = np.zeros(n, dtype=bool) if outcome is None else outcome
        known = np.zeros(n, dtype=bool) if known is None else known
        log_odds = np.clip(logit(probability, TINY), -_FARTHEST, _FARTHEST)
        cell = np.minimum(((log_odds + _FARTHEST) * (CELLS / (2 * _FARTHEST))).astype(np.int64), CELLS - 1)
        place = cell + CELLS * act
        seen, (if_positive, if_negative) = known.astype(np.float64), costs

        def summed(values: FloatArray | None = None) -> FloatArray:
            return np.bincount(place, values, 2 * CELLS).reshape(2, CELLS).astype(np.float64)

        counts = Counts(
            rows=summed(),
            probability=summed(probability),
            if_positive=summed(if_positive),
            if_negative=summed(if_negative),
            if_positive_squared=summed(if_positive**2),
            if_negative_squared=summed(if_negative**2),
            known=summed(seen),
            known_probability=summed(probability * seen),
            positive=summed(seen * outcome),
        )
        happened, told = outcome[known], np.clip(probability[known], TINY, 1 - TINY)
        cost = np.where(happened, if_positive[known], if_negative[known])
        brier = (told - happened) ** 2
        loss = -np.log(np.where(happened, told, 1 - told))
        sums = (np.array([(one**power).sum() for power in (1, 2, 3)]) for one in (cost, brier, loss))
        return cls(counts, Moments(*sums))

    def merge(self, other: Tally) -> Tally:
        """Both together; the order does not matter."""
        return Tally(
            Counts(*(a + b for a, b in zip(self.counts, other.counts, strict=True))),
            Moments(*(a + b for a, b in zip(self.moments, other.moments, strict=True))),
        )

    @property
    def rows(self) -> int:
        return int(self.counts.rows.sum())

    @property
    def known(self) -> int:
        """Rows whose outcome is known."""
        return int(self.counts.known.sum())

    @property
    def positives(self) -> int:
        """Rows known to have turned out positive."""
        return int(self.counts.positive.sum())
