"""Blends: several families decide together, with weights learnt on rows that none of them had seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.block import Block
from riskloop.learn.levels import levelled
from riskloop.learn.logistic import bounded_logistic
from riskloop.scorer.blend import Blend, Link, Member
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.scorer import Model

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Margins = Mapping[str, FloatArray]
BlendKind = Literal["blend", "stack", "voting"]
BLENDS: tuple[BlendKind, ...] = get_args(BlendKind)
"""``blend``: weights that add up to 1, chosen greedily; ``stack``: a logistic regression over log-odds; ``voting``: the
plain mean of probabilities."""

_ROUNDS = 40
_LEAST_WEIGHT = 0.02
_MOST_ROWS = 50_000
"""Rows beyond which the weights of a handful of members no longer change."""


@dataclass(frozen=True)
class Recipe:
    """How margins are put together.

    Attributes
    ----------
    kind : {"blend", "stack", "voting"}
    weights : dict of str to float
        By family; those without weight are left out.
    intercept : float
    """

    kind: BlendKind
    weights: dict[str, float]
    intercept: float = 0.0

    @property
    def link(self) -> Link:
        return "probability" if self.kind == "voting" else "log_odds"

    def margin(self, margins: Margins) -> FloatArray:
        """Log-odds of the blend, shape (n,), from those of its members."""
        weights = np.array(list(self.weights.values()))
        matrix = np.column_stack([margins[name] for name in self.weights])
        if self.link == "log_odds":
            return np.asarray(matrix @ weights + self.intercept)
        mean = (1 / (1 + np.exp(-np.clip(matrix, -500, 500)))) @ weights
        inside = np.clip(mean, 1e-12, 1 - 1e-12)
        return np.asarray(np.log(inside) - np.log1p(-inside))

    def describe(self) -> str:
        """The weights in one line, heaviest first."""
        heaviest = sorted(self.weights.items(), key=lambda item: -item[1])
        return ", ".join(f"{name} {weight:.2f}" for name, weight in heaviest)


def learn_recipe(kind: BlendKind, margins: Margins, outcome: BoolArray, weight: FloatArray, seed: int) -> Recipe:
    """Learn how to blend, on rows that no member has seen.

    Parameters
    ----------
    kind : {"blend", "stack", "voting"}
    margins : mapping of name to float array, shape (n,)
    outcome : bool array, shape (n,)
    weight : float array, shape (n,)
    seed : int
        Of the rows taken where there are very many.
    """
    names = list(margins)
    if kind == "voting":
        return Recipe(kind, dict.fromkeys(names, 1 / len(names)))
    rows = np.random.default_rng(seed).permutation(len(outcome))[:_MOST_ROWS]
    matrix = np.column_stack([margins[name][rows] for name in names])
    if kind == "stack":
        model = bounded_logistic(matrix, outcome[rows], [1] * len(names), penalty=1.0, weight=weight[rows])
        kept = {name: float(one) for name, one in zip(names, model.coefficients, strict=True) if one > 0}
        return Recipe(kind, kept or {names[0]: 1.0}, model.intercept)
    weights = greedy_weights(matrix, outcome[rows], weight[rows])
    return Recipe(kind, {name: float(one) for name, one in zip(names, weights, strict=True) if one > 0})


def greedy_weights(matrix: FloatArray, outcome: BoolArray, weight: FloatArray) -> FloatArray:
    """Weights that add up to 1, by greedy selection with replacement (Caruana et al., 2004) on the log loss.

    Parameters
    ----------
    matrix : float array, shape (n, k)
        Log-odds by member.
    outcome : bool array, shape (n,)
    weight : float array, shape (n,)
    """
    sign = np.where(outcome, -1.0, 1.0)
    total, counts = np.zeros(len(matrix)), np.zeros(matrix.shape[1])
    best, best_counts = np.inf, counts
    for taken in range(_ROUNDS):
        tried = (total[:, None] + matrix) / (taken + 1)
        losses = weight @ np.logaddexp(0, sign[:, None] * tried)
        member = int(losses.argmin())
        total, counts = total + matrix[:, member], counts + np.eye(len(counts))[member]
        if losses[member] < best:
            best, best_counts = float(losses[member]), counts
    weights = best_counts / best_counts.sum()
    weights[weights < _LEAST_WEIGHT] = 0.0  # not worth serving
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class CrossfitRecipe:
    """A recipe, and the same without each fold.

    Attributes
    ----------
    recipe : Recipe
        Learnt on all judged rows.
    of_fold : tuple of Recipe
        Learnt without the fold, and without those after it where folds roll forward.
    margin : float array, shape (judged rows,)
        Of a blend whose weights never saw the row they are for.
    """

    recipe: Recipe
    of_fold: tuple[Recipe, ...]
    margin: FloatArray

    def hindsight(self, told: Margins) -> FloatArray:
        """What each fold's blend says of the rows it learnt from, shape (folds, n), from what its members say."""
        lines = [
            recipe.margin({name: told[name][number] for name in recipe.weights})
            for number, recipe in enumerate(self.of_fold)
        ]
        return np.array(lines)


def crossfit_recipe(
    kind: BlendKind, margins: Margins, block: Block, weight: FloatArray, *, seed: int
) -> CrossfitRecipe:
    """Learn how to blend, and hold the blend out of every fold.

    Where folds roll forward, weights for a fold are learnt on the folds before it, and are equal for the first. They
    are learnt from how the members rank: the level of a stretch is a matter of calibration, and would favour chance.
    """
    outcome, fold = block.outcome[block.judged], block.fold[block.judged]
    lessons = margins
    if block.forward:
        lessons = {name: levelled(margin, outcome, fold) for name, margin in margins.items()}
    blended, of_fold = np.empty(len(outcome)), []
    for number in range(block.folds):
        held_out = fold == number
        rest = fold < number if block.forward else ~held_out
        if rest.any():
            recipe = learn_recipe(kind, _rows(lessons, rest), outcome[rest], weight[rest], seed)
        else:
            recipe = Recipe(kind, dict.fromkeys(margins, 1 / len(margins)))
        of_fold.append(recipe)
        blended[held_out] = recipe.margin(_rows(margins, held_out))
    return CrossfitRecipe(learn_recipe(kind, lessons, outcome, weight, seed), tuple(of_fold), blended)


def _rows(margins: Margins, mask: BoolArray) -> dict[str, FloatArray]:
    return {name: margin[mask] for name, margin in margins.items()}


Ingredients = Sequence[tuple[Encoding, Model, float]]
"""Encoding, model and weight of each member."""


def assemble(recipe: Recipe, parts: Ingredients) -> tuple[Encoding, Blend]:
    """One encoding and one model from the members' own; columns that several members read are made once."""
    joint = Encoding(tuple(dict.fromkeys(block for encoding, _, _ in parts for block in encoding.blocks)))
    place, start = {}, 0
    for block in joint.blocks:
        place[block] = np.arange(start, start := start + len(block.names), dtype=np.int64)
    members = tuple(
        Member(model, np.concatenate([place[block] for block in encoding.blocks]), weight)
        for encoding, model, weight in parts
    )
    return joint, Blend(members, len(joint.names), recipe.intercept, recipe.link)
