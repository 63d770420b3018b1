"""A candidate: a named model family with its defaults, its search space and the encoding it needs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.features import Style

FloatArray = NDArray[np.float64]
Value = int | float | str
Balance = Literal["none", "weights", "smote"]
_FEW_ROWS = 100_000


@dataclass(frozen=True)
class Fitting:
    """What a family is given to learn from.

    Attributes
    ----------
    matrix : float array, shape (n, p)
    outcome : array, shape (n,)
        True for a positive; where a family is distilled, the probability of one (float).
    categorical : list of int
        Matrix columns that hold category codes.
    seed, threads : int
    parameters : mapping
        Of the family, defaults filled in.
    monotone : list of int, length p
        -1, 0 or 1 per matrix column; empty where nothing is declared.
    weight : float array, shape (n,), optional
        Of the rows.
    """

    matrix: FloatArray
    outcome: NDArray[Any]
    categorical: list[int]
    seed: int
    threads: int
    parameters: Mapping[str, Value] = field(default_factory=dict)
    monotone: list[int] = field(default_factory=list)
    weight: FloatArray | None = None

    @property
    def few_threads(self) -> int:
        """One thread where rows are so few that several would rather wait for each other (measured: 100,000)."""
        return self.threads if len(self.outcome) > _FEW_ROWS else 1

    def whole(self, name: str) -> int:
        """A parameter that is a count."""
        return int(self.parameters[name])

    def number(self, name: str) -> float:
        """A parameter that is a number."""
        return float(self.parameters[name])


@dataclass(frozen=True)
class Range:
    """The values of a tuned parameter, both ends included."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def grid(self, points: int) -> list[Value]:
        """So many values from end to end."""
        if self.log:
            values = np.exp(np.linspace(math.log(self.low), math.log(self.high), points)).tolist()
        else:
            values = np.linspace(self.low, self.high, points).tolist()
        return list(dict.fromkeys(round(value) for value in values)) if self.whole else values


@dataclass(frozen=True)
class Candidate:
    """A named model family.

    Attributes
    ----------
    name : str
    complexity : float
        Rank; among readable candidates that are equally good the simplest is chosen.
    style : Style
        The encoding it needs.
    fit : callable
        ``Fitting -> estimator`` of a kind that `riskloop.learn.export` can turn into plain arrays, or a served model
        (`riskloop.scorer.scorer.Model`) itself.
    max_rows : int or None
        Beyond so many rows the family is too slow to try by default.
    parameters : mapping
        What `fit` reads, with sound defaults.
    space : mapping
        Which parameters are tuned, and between which ends.
    large : mapping
        Parameters that differ for tables of more than 100,000 rows.
    portfolio : tuple of mapping
        Settings known to do well somewhere, which a search tries first.
    additive : bool
        Whether its log-odds are a sum (terms or trees): what may enter a blend.
    readable : bool
        Whether a person can follow it line by line: what makes a simple family worth a little evidence.
    monotone : bool
        Whether it honours the directions declared in the contract.
    balance : {"none", "weights", "smote"}
        What is done about a rare outcome while fitting.
    """

    name: str
    complexity: float
    style: Style
    fit: Callable[[Fitting], Any]
    max_rows: int | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    space: Mapping[str, Range] = field(default_factory=dict)
    large: Mapping[str, Value] = field(default_factory=dict)
    portfolio: tuple[Mapping[str, Value], ...] = ()
    additive: bool = False
    readable: bool = False
    monotone: bool = False
    balance: Balance = "none"

    @property
    def key(self) -> str:
        """Tells two candidates apart that differ in parameters only."""
        return hashlib.sha256(repr((self.name, sorted(self.parameters.items()))).encode()).hexdigest()[:12]

    def tuned(self, parameters: Mapping[str, Value]) -> Candidate:
        """The same family with other parameters."""
        return replace(self, parameters={**self.parameters, **parameters})

    def sized(self, rows: int) -> Candidate:
        """The same family with the parameters for a table of so many rows."""
        return self.tuned(self.large) if self.large and rows > _FEW_ROWS else self

    def searched(self, family: Candidate) -> bool:
        """Whether a search has moved it away from what its family starts with."""
        mine = {name: self.parameters[name] for name in family.space}
        starts = (family.parameters, {**family.parameters, **family.large})
        return all(mine != {name: start[name] for name in family.space} for start in starts)

    def tried(self, parameters: Mapping[str, Value]) -> Candidate:
        """The same family with other parameters and, where it boosts, as many rounds as go as far as its own do."""
        rounds, rate = (self.parameters.get(name) for name in ("rounds", "learning_rate"))
        if not rounds or not rate or "rounds" in parameters:
            return self.tuned(parameters)
        other = float(parameters.get("learning_rate", rate))
        return self.tuned({**parameters, "rounds": math.ceil(float(rounds) * float(rate) / other)})

    def balanced(self, balance: Balance) -> Candidate:
        """The same family, told to mind the rarer outcome; a candidate of its own name, to compare with."""
        return replace(self, name=f"{self.name}+{balance}", complexity=self.complexity + 0.5, balance=balance)
