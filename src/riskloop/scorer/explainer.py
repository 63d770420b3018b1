"""The Explainer: what each feature adds to the log-odds of a customer, beside a background of customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import UsageError
from riskloop.scorer.blend import Blend
from riskloop.scorer.forest import Forest
from riskloop.scorer.forest.attribution import ForestAttribution
from riskloop.scorer.linear import Linear
from riskloop.scorer.log_odds import logistic, logit
from riskloop.scorer.scorer import Model, Scorer

FloatArray = NDArray[np.float64]
_STEP = 1e-6
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class Explained:
    """Log-odds of n customers, taken apart.

    Attributes
    ----------
    base : float
        Log-odds that the background stands for.
    shares : float array, shape (n, features)
        What each feature adds to them: ``base + shares.sum(axis=1)`` are the log-odds of the probabilities served.
    """

    base: float
    shares: FloatArray


class Explainer:
    """Explains what a scorer says, feature by feature.

    A feature is a column of the contract or a derived one, whatever becomes of it in the matrix. Its share is its
    Shapley value in the model's margin (interventional: Lundberg et al., 2020), exact for sums of trees, linear models
    and blends in log-odds. Where a calibration bends the margin, or a mean of probabilities becomes log-odds, shares
    are stretched by as much as the whole is, so that they still add up.

    Parameters
    ----------
    scorer : Scorer
    background : mapping of str to array, shape (m,)
        Decoded columns of the customers to compare with.

    Raises
    ------
    UsageError
        If the model is neither linear, nor a forest, nor a blend of such.
    """

    def __init__(self, scorer: Scorer, background: Mapping[str, NDArray[Any]]) -> None:
        encoding = scorer.encoding
        self.features = tuple(dict.fromkeys(block.source for block in encoding.blocks))
        number = {name: at for at, name in enumerate(self.features)}
        player = np.array([number[block.source] for block in encoding.blocks for _ in block.names], dtype=np.intp)
        self._scorer = scorer
        self._part = _part(scorer.model, player, len(self.features), encoding.matrix(background))
        self.base = float(self._served(np.array([self._part.base]))[0])

    @property
    def walks(self) -> bool:
        """Whether every customer takes a walk through a forest that is too large for tables: a second, not a
        millisecond."""
        return self._part.walks

    def explain(self, columns: Mapping[str, NDArray[Any]]) -> Explained:
        """Take apart the log-odds of customers, given by their decoded columns."""
        part = self._part
        shares = part.shares(self._scorer.encoding.matrix(columns))
        if part.probability or self._scorer.calibration.kind != "none":
            shares = _stretched(shares, part.base, self._served)
        return Explained(self.base, shares)

    def _served(self, told: FloatArray) -> FloatArray:
        """Log-odds served for what the model says, a margin or a probability, shape (n,)."""
        margin = logit(told) if self._part.probability else told
        return logit(self._scorer.calibration.probability(margin))


def _stretched(shares: FloatArray, base: float, turn: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Shares of what a sum becomes when it is turned into something else: in proportion, so that they add up."""
    told = base + shares.sum(axis=1)
    reached = np.where(np.abs(told - base) < _STEP, base + _STEP, told)  # where nothing moves, the slope there
    moved = turn(reached) - turn(np.array([base]))
    return np.asarray(shares * (moved / (reached - base))[:, None])


class _Part(Protocol):
    """A model taken apart: ``base`` and ``shares`` add up to what it says, a margin or a probability."""

    base: float
    probability: bool
    walks: bool

    def shares(self, matrix: FloatArray) -> FloatArray: ...


def _part(model: Model, player: NDArray[np.intp], players: int, background: FloatArray) -> _Part:
    if isinstance(model, Linear):
        return _LinearPart(model, player, players, background)
    if isinstance(model, Forest):
        return _ForestPart(model, player, players, background)
    if isinstance(model, Blend):
        return _BlendPart(model, player, players, background)
    raise UsageError(f"A {type(model).__name__} cannot be explained feature by feature.", where="explain")


class _LinearPart:
    probability = False
    walks = False

    def __init__(self, model: Linear, player: NDArray[np.intp], players: int, background: FloatArray) -> None:
        self._mean = background.mean(axis=0)
        self._coefficients = model.coefficients
        self._order = np.argsort(player, kind="stable")
        self._players = players
        self._present, self._first = np.unique(player[self._order], return_index=True)
        self.base = float(model.coefficients @ self._mean + model.intercept)

    def shares(self, matrix: FloatArray) -> FloatArray:
        """Added up player by player: a product of matrices would give other bits to another number of rows."""
        terms = (matrix - self._mean) * self._coefficients
        shares = np.zeros((len(matrix), self._players))
        shares[:, self._present] = np.add.reduceat(terms[:, self._order], self._first, axis=1)
        return shares


class _ForestPart:
    def __init__(self, model: Forest, player: NDArray[np.intp], players: int, background: FloatArray) -> None:
        self._model = model
        self._attribution = ForestAttribution(model, player, players, background)
        self.base, self.probability, self.walks = self._attribution.base, model.average, self._attribution.walks

    def shares(self, matrix: FloatArray) -> FloatArray:
        shares = self._attribution.shares(matrix)
        return self._as_served(shares, matrix) if self._model.float32_sum else shares

    def _as_served(self, shares: FloatArray, matrix: FloatArray) -> FloatArray:
        """The margin is served as a sum in single precision: shares bear its rounding, each by its size."""
        rounding = self._model.margin(matrix) - self.base - shares.sum(axis=1)
        sizes = np.abs(shares)
        return np.asarray(shares + sizes * (rounding / np.maximum(sizes.sum(axis=1), _TINY))[:, None])


class _BlendPart:
    def __init__(self, model: Blend, player: NDArray[np.intp], players: int, background: FloatArray) -> None:
        self.probability = model.link == "probability"
        self._turn = logistic if self.probability else logit
        self._members = [
            (_part(member.model, player[member.columns], players, background[:, member.columns]), member)
            for member in model.members
        ]
        self.walks = any(part.walks for part, _ in self._members)
        self.base = model.intercept + sum(member.weight * self._base(part) for part, member in self._members)

    def _base(self, part: _Part) -> float:
        return part.base if part.probability == self.probability else float(self._turn(np.array([part.base]))[0])

    def shares(self, matrix: FloatArray) -> FloatArray:
        total: FloatArray = np.zeros(())
        for part, member in self._members:
            shares = part.shares(matrix[:, member.columns])
            if part.probability != self.probability:
                shares = _stretched(shares, part.base, self._turn)
            total = total + member.weight * shares
        return total
