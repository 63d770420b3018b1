"""Censoring: what deciding hides from learning, in sentences, and what it costs to look behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from riskloop.costs import BoolArray, FloatArray
from riskloop.loop.retraining.labelled import Labelled
from riskloop.settings import Settings

MISSING_MORE = 0.25
"""Points of share by which outcomes may be missing more often among those acted on before it is a warning."""
COMPLETE = 0.9
"""Share of outcomes known, of those left alone, below which the rows are said to be too young."""
_LEAST = 30


def warnings(labelled: Labelled, settings: Settings) -> tuple[str, ...]:
    """What stands between the rows and the truth: a sentence each, with what to do."""
    acted, left, explored = (labelled.counts[name] for name in ("acted", "left", "explored"))
    section, exploring = settings.retraining, settings.serving.exploration > 0
    step = "" if exploring else ", and set serving.exploration, such as 0.02, so that some are left alone"
    found = []
    if acted.predictions >= _LEAST and acted.missing > left.missing + MISSING_MORE:
        found.append(
            f"Outcomes are missing for {acted.missing:.0%} of those acted on, for {left.missing:.0%} of the others: a "
            "model that learns from the others alone never learns about customers like those acted on. Set "
            f"retraining.acted: leave_out{step}."
        )
    elif section.acted == "keep" and acted.labelled >= _LEAST:
        share = acted.labelled / max(1, len(labelled.rows))
        found.append(
            f"{share:.0%} of the labelled rows were acted on. If acting changes what becomes of a customer (a call "
            f"that keeps them), set retraining.acted: leave_out{step}."
        )
    if section.acted == "leave_out" and acted.predictions and not explored.labelled:
        found.append(
            f"{acted.predictions:,} rows that were acted on are left out and nobody was explored: nothing is known of "
            f"customers like them{step}."
        )
    if left.predictions >= _LEAST and 1 - left.missing < COMPLETE:
        so_far = "" if settings.problem.maturity is None else f" after {settings.problem.maturity}"
        found.append(
            f"Of those left alone {left.missing:.0%} have no outcome{so_far}. If bad news comes first, what is known "
            "is worse than the truth: set problem.maturity to the time after which an outcome is certain."
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ExplorationCost:
    """What leaving some customers alone costs in expectation.

    Attributes
    ----------
    share : float
    acted : float
        Share of customers whom the model would act on.
    per_thousand : float
        Currency per 1,000 customers, explored or not.
    each : float
        Currency per customer who is left alone although the model would have acted.
    currency : str
    """

    share: float
    acted: float
    per_thousand: float
    each: float
    currency: str

    @property
    def words(self) -> str:
        """One sentence."""
        return (
            f"Exploration leaves {self.share:.1%} of the customers alone; the model would act on {self.acted:.0%} of "
            f"them. That costs {self.per_thousand:,.0f} {self.currency} per 1,000 customers in expectation, "
            f"{self.each:,.2f} for each who is left alone in spite of it."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "share": self.share,
            "acted": self.acted,
            "per_thousand": self.per_thousand,
            "each": self.each,
            "currency": self.currency,
        }


def exploration_cost(share: float, act: BoolArray, gain: FloatArray, currency: str) -> ExplorationCost:
    """Expected cost of exploration among customers like these.

    Parameters
    ----------
    act : bool array, shape (n,)
        Whom the model would act on.
    gain : float array, shape (n,)
        What acting on each saves in expectation, in currency.
    """
    lost = np.where(act, gain, 0.0)
    each = float(gain[act].mean()) if act.any() else 0.0
    return ExplorationCost(share, float(act.mean()), share * float(lost.mean()) * 1000, each, currency)
