"""Labelled rows of the ledger: predictions whose outcome is known by now, and of whose it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np

from riskloop.costs import FloatArray
from riskloop.decide.arms import place, share_explored
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.loop.project import Project
from riskloop.loop.watching.final import final_outcomes

Fate = Literal["acted", "left", "explored"]


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled prediction.

    Attributes
    ----------
    customer : str or None
    at : datetime
    features : dict
        As logged: plain JSON values, or text where they came from a file.
    outcome : bool
    fate : {"acted", "left", "explored"}
        What was done: acted on (or reviewed), left alone, or left alone although the model would have acted.
    weight : float
        How many customers like this one it stands for: 1, or 1 / share where it was explored.
    """

    customer: str | None
    at: datetime
    features: dict[str, Any]
    outcome: bool
    fate: Fate
    weight: float = 1.0


@dataclass(slots=True)
class Count:
    """Predictions of one fate that are old enough, and of them those with an outcome."""

    predictions: int = 0
    labelled: int = 0

    @property
    def missing(self) -> float:
        """Share without an outcome."""
        return 1 - self.labelled / self.predictions if self.predictions else 0.0


@dataclass
class Labelled:
    """What the ledger has to learn from.

    Attributes
    ----------
    rows : list of Row
        In the order of their time; of several predictions about a customer on one day the last.
    counts : dict of fate to Count
    young : int
        Predictions too young to count.
    """

    rows: list[Row] = field(default_factory=list)
    counts: dict[str, Count] = field(default_factory=lambda: {"acted": Count(), "left": Count(), "explored": Count()})
    young: int = 0

    @property
    def times(self) -> FloatArray:
        """Seconds since 1970, shape (n,)."""
        return np.array([row.at.timestamp() for row in self.rows])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without rows."""
        counted = {
            fate: {"predictions": one.predictions, "labelled": one.labelled, "missing": one.missing}
            for fate, one in self.counts.items()
        }
        return {"labelled": len(self.rows), "young": self.young, "by_decision": counted}


Judged = tuple[Prediction, Outcome | None]


def judged(project: Project, now: datetime) -> Iterator[Judged]:
    """Predictions with their outcomes, shadows left out."""
    return final_outcomes(project, until=now)


def gather(project: Project, pairs: Iterator[Judged], now: datetime) -> Labelled:
    """Put what is old enough into rows.

    Predictions younger than ``problem.maturity`` do not count even if their outcome is known: bad news comes first,
    and of the young only bad news would be learnt.
    """
    maturity = project.settings.problem.matures()
    labels = _Labels(project)
    newest: dict[tuple[str, ...], tuple[Prediction, Outcome | None]] = {}
    found = Labelled()
    for prediction, outcome in pairs:
        if not maturity.reached(prediction.at, now):
            found.young += 1
            continue
        newest[_subject(prediction)] = prediction, outcome
    for prediction, outcome in newest.values():
        fate, weight = labels.fate(prediction)
        count = found.counts[fate]
        count.predictions += 1
        if outcome is None:
            continue
        count.labelled += 1
        row = Row(prediction.entity_id, prediction.at, dict(prediction.features), outcome.outcome, fate, weight)
        found.rows.append(row)
    # Customers of one instant (a batch) in an order that has nothing to do with the file they came in.
    found.rows.sort(key=lambda row: (row.at, place(row.customer or "", "retraining")))
    return found


def _subject(prediction: Prediction) -> tuple[str, ...]:
    if prediction.entity_id is None:
        return (prediction.prediction_id,)
    return prediction.entity_id, prediction.at.date().isoformat()


class _Labels:
    """What each version called its decisions."""

    def __init__(self, project: Project) -> None:
        self._left = {one.version: one.summary.get("policy", {}).get("labels") for one in project.versions.list()}
        self._usual = list(project.settings.serving.labels)

    def fate(self, prediction: Prediction) -> tuple[Fate, float]:
        """What was done about a customer, and for how many they stand."""
        labels = self._left.get(prediction.version) or self._usual
        share = share_explored(prediction.arm)
        if share is None or prediction.decision != labels[1]:
            return ("left" if prediction.decision == labels[1] else "acted"), 1.0
        would_act = prediction.threshold is not None and prediction.probability >= prediction.threshold
        return ("explored", 1 / share) if would_act else ("left", 1.0)
