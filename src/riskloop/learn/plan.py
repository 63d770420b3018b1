"""The plan of a training, and those who keep and watch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import Costs
from riskloop.data.contract import Columns
from riskloop.data.dataset import Dataset
from riskloop.data.split import Split, SplitKind, folds, rolling_folds, split
from riskloop.decide.policy import PolicyKind
from riskloop.decide.prices import Declared
from riskloop.decide.reasons import Adverse
from riskloop.decide.review import Review
from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate, Value
from riskloop.learn.choice import Contender, Preference
from riskloop.learn.crossfit import OutOfFold
from riskloop.learn.tuning.search import Method, Trial

_SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True)
class Plan:
    """How to train; see the sections training, features, costs and serving of riskloop.yaml.

    Attributes
    ----------
    blends : sequence of str
        Kinds of `riskloop.learn.blending.BLENDS`, and ``distilled``.
    max_ms_per_thousand, max_megabytes : float or None
        What a candidate may take to predict 1,000 rows, and to keep, if it is to be chosen.
    policy : PolicyKind or "auto"
        ``auto``: ``cost``, unless calibration is rejected (then ``empirical``).
    review : Review or None
        Where a person may look at a case instead, of at most the share ``most_reviewed`` of customers.
    adverse : {"act", "pass"}
        The decision that customers would rather not have.
    trials : int
        Trials of the search, in all families together; 0 for none, unless there is a budget in seconds.
    seconds : float or None
        Time for everything; families and trials that would take longer are left out.
    search : {"tpe", "random", "grid"}
    prefer : {"simple", "cheap"}
        See `riskloop.learn.choice.choose`.
    tuned : mapping of family to parameters
        Found by an earlier search: taken instead of searching.
    """

    candidates: Sequence[Candidate]
    costs: Declared
    blends: Sequence[str] = ()
    policy: PolicyKind | Literal["auto"] = "auto"
    policy_value: float | None = None
    review: Review | None = None
    most_reviewed: float = 1.0
    bands: tuple[float, float] = (0.4, 0.7)
    labels: tuple[str, str] = ("act", "pass")
    adverse: Adverse = "act"
    folds: int = 5
    test_share: float = 0.2
    split: SplitKind = "random"
    embargo_days: float = 0.0
    seed: int = 42
    derived: Mapping[str, str] = field(default_factory=dict)
    max_ms_per_thousand: float | None = None
    max_megabytes: float | None = None
    trials: int = 0
    seconds: float | None = None
    search: Method = "tpe"
    prefer: Preference = "simple"
    tuned: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def costs_of(self, columns: Columns, rows: NDArray[Any] | None = None) -> Costs:
        """The costs of customers with these columns, or of some of them (positions or a mask)."""
        needed = {name: columns[name] if rows is None else columns[name][rows] for name in self.costs.names}
        return self.costs.of(needed)

    @property
    def embargo(self) -> float:
        """In seconds; in rows where their order is the time, which has no days."""
        return self.embargo_days * _SECONDS_PER_DAY if self.split == "time" else 0.0


class Memory(Protocol):
    """Where finished candidates are kept, so that interrupted training goes on where it stopped."""

    def recall(self, candidate: str) -> OutOfFold | None:
        """What was kept of a candidate; None if nothing was."""

    def keep(self, candidate: str, result: OutOfFold) -> None:
        """Keep what a candidate foresaw out of fold."""

    def trials(self, candidate: str) -> Path | None:
        """A file for the trials of a family."""


class Watcher(Protocol):
    """Who is told about progress. Called on the training thread; must return quickly."""

    def fold(self, candidate: str, done: int, total: int) -> None:
        """A candidate has been fitted on so many of its folds."""

    def finished(self, contender: Contender) -> None:
        """A candidate has been judged."""

    def trial(self, candidate: str, trial: Trial, lowest: float) -> None:
        """A search has tried something; ``lowest`` is the lowest log loss so far."""

    def left_out(self, candidate: str, reason: str) -> None:
        """A candidate will not be judged."""


def split_of(dataset: Dataset, plan: Plan) -> Split:
    """The rows to train on and the untouched test block, as the plan divides them.

    Raises
    ------
    DataError
        If a block would hold one outcome only.
    """
    return split(
        dataset.outcome,
        test_share=plan.test_share,
        seed=plan.seed,
        groups=dataset.groups,
        time=dataset.time,
        embargo=plan.embargo,
        kind=plan.split,
    )


def training_block(dataset: Dataset, rows: NDArray[np.int64], plan: Plan) -> Block:
    """Some rows of the dataset, to train on, with their folds: at random, or rolling forward where time is split."""
    outcome, groups, columns = dataset.outcome[rows], dataset.groups[rows], dataset.take(rows)
    if plan.split == "random":
        fold = folds(outcome, groups, count=plan.folds, seed=plan.seed)
        return Block(dataset.contract, columns, outcome, fold, plan.derived, groups=groups)
    time = dataset.time if plan.split == "time" else None
    order = rows.astype(np.float64) if time is None else time[rows]
    rolling = rolling_folds(outcome, groups, order, count=plan.folds, embargo=plan.embargo)
    return Block(dataset.contract, columns, outcome, rolling.held_out, plan.derived, rolling.trains, groups)
