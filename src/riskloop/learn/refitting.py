"""Refitting: the chosen contender becomes the scorer that serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Columns
from riskloop.learn.blending import Recipe, assemble
from riskloop.learn.block import Block
from riskloop.learn.choice import Contender
from riskloop.learn.crossfit import Fitted, fit
from riskloop.learn.plan import Plan
from riskloop.learn.threads import side_by_side
from riskloop.scorer.scorer import Model, Scorer

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Ingredient:
    """One model of the final scorer, with the library's own estimator."""

    fitted: Fitted
    weight: float

    def reference(self, columns: Columns) -> FloatArray:
        """Log-odds as the library gives them, shape (n,)."""
        return self.fitted.library_margin(self.fitted.encoding.matrix(columns))


@dataclass(frozen=True)
class Refitted:
    """The chosen contender, ready to serve, and what it is made of."""

    scorer: Scorer
    ingredients: tuple[Ingredient, ...]
    recipe: Recipe | None = None

    def gap(self, columns: Columns) -> float:
        """Largest difference in probability between the training libraries and the scorer, on these rows."""
        margins = {str(number): one.reference(columns) for number, one in enumerate(self.ingredients)}
        weights = {str(number): one.weight for number, one in enumerate(self.ingredients)}
        recipe = Recipe(self.recipe.kind, weights, self.recipe.intercept) if self.recipe else Recipe("blend", weights)
        expected = self.scorer.calibration.probability(recipe.margin(margins))
        return float(np.abs(expected - self.scorer.probability(columns)).max(initial=0.0))


def refit(block: Block, plan: Plan, chosen: Contender, contenders: Sequence[Contender]) -> Refitted:
    """The chosen contender, every member of it, on the whole block, under the calibration found out of fold.

    Where folds roll forward that is a forecast, made anew for the model that serves: it has seen what the models of the
    folds had not, and knows a later level.
    """
    if chosen.recipe is None:
        ingredients = [Ingredient(_anew(chosen, block, plan), 1.0)]
        encoding = ingredients[0].fitted.encoding
        model: Model = ingredients[0].fitted.model
    else:
        by_name = {one.name: one for one in contenders}
        members = [by_name[name] for name in chosen.recipe.weights]
        fits = side_by_side(lambda one, threads: _anew(one, block, plan, threads), members, rows=len(block.outcome))
        ingredients = [
            Ingredient(fitted, weight) for fitted, weight in zip(fits, chosen.recipe.weights.values(), strict=True)
        ]
        encoding, model = assemble(
            chosen.recipe, [(one.fitted.encoding, one.fitted.model, one.weight) for one in ingredients]
        )
    calibration = chosen.calibration.calibration
    if block.forward:
        margin = model.margin(encoding.matrix(block.columns))
        calibration = chosen.calibration.of(margin, block.outcome, block.stretch)
    return Refitted(Scorer(block.contract, encoding, model, calibration), tuple(ingredients), chosen.recipe)


def _anew(contender: Contender, block: Block, plan: Plan, threads: int | None = None) -> Fitted:
    if contender.candidate is None:
        raise ValueError(f"{contender.name} is no single family")
    everyone = np.ones(len(block.outcome), dtype=bool)
    return fit(contender.candidate, block, everyone, seed=plan.seed, threads=threads, target=contender.target)
