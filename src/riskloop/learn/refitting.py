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
from riskloop.scorer.encoding import Encoding
from riskloop.scorer.scorer import Model, Scorer

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Ingredient:
    """One model of the final scorer; with the library's estimator where it was fitted just now."""

    encoding: Encoding
    model: Model
    weight: float
    fitted: Fitted | None = None

    def reference(self, columns: Columns) -> FloatArray:
        """Log-odds as the library gives them, or the fold's exported model, which was held against it then."""
        matrix = self.encoding.matrix(columns)
        return self.fitted.library_margin(matrix) if self.fitted else self.model.margin(matrix)


@dataclass(frozen=True)
class Refitted:
    """The chosen contender, ready to serve, and what it is made of."""

    scorer: Scorer
    ingredients: tuple[Ingredient, ...]
    recipe: Recipe | None = None
    parity: float = 0.0

    def gap(self, columns: Columns) -> float:
        """Largest difference in probability between the training libraries and the scorer, on these rows."""
        margins = {str(number): one.reference(columns) for number, one in enumerate(self.ingredients)}
        weights = {str(number): one.weight for number, one in enumerate(self.ingredients)}
        recipe = Recipe(self.recipe.kind, weights, self.recipe.intercept) if self.recipe else Recipe("blend", weights)
        expected = self.scorer.calibration.probability(recipe.margin(margins))
        return max(self.parity, float(np.abs(expected - self.scorer.probability(columns)).max(initial=0.0)))


def refit(block: Block, plan: Plan, chosen: Contender, contenders: Sequence[Contender]) -> Refitted:
    """The chosen contender on the whole block, under the calibration found out of fold.

    A blend keeps the models of the folds where they saw most of the rows (their average is steadier than one model
    fitted anew); where folds roll forward, they are old, and every member is fitted anew.
    """
    if chosen.recipe is None:
        ingredients = [_anew(chosen, block, plan, 1.0)]
        encoding, model = ingredients[0].encoding, ingredients[0].model
        parity = 0.0
    else:
        by_name = {one.name: one for one in contenders}
        ingredients, parity = [], 0.0
        for name, weight in chosen.recipe.weights.items():
            member, result = by_name[name], by_name[name].out_of_fold
            if member.bagged and not block.forward and result.models:
                share = weight / len(result.models)
                ingredients += [Ingredient(encoding, model, share) for encoding, model in result.models]
                parity = max(parity, result.parity)
            else:
                ingredients.append(_anew(member, block, plan, weight))
        encoding, model = assemble(chosen.recipe, [(one.encoding, one.model, one.weight) for one in ingredients])
    scorer = Scorer(block.contract, encoding, model, chosen.calibration.calibration)
    return Refitted(scorer, tuple(ingredients), chosen.recipe, parity)


def _anew(contender: Contender, block: Block, plan: Plan, weight: float) -> Ingredient:
    if contender.candidate is None:
        raise ValueError(f"{contender.name} is no single family")
    everyone = np.ones(len(block.outcome), dtype=bool)
    fitted = fit(contender.candidate, block, everyone, seed=plan.seed, target=contender.target)
    return Ingredient(fitted.encoding, fitted.model, weight, fitted)
