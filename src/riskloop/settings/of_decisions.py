"""What decisions cost, who reviews them, whom they must treat alike, and how they are explained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from riskloop.decide.prices import Declared, declare
from riskloop.decide.reasons import Bounds
from riskloop.decide.review import Review
from riskloop.settings.section import Section

TEXTS_FILE = "reasons.yaml"


class CostsSection(Section):
    """What the four outcomes of a decision cost."""

    fp: float | str = Field(
        1.0,
        description="Cost of acting on a negative, in currency per customer: an amount, a column or arithmetic over "
        "columns such as `0.6 * loan_amount`; benefits are below zero.",
    )
    fn: float | str = Field(10.0, description="Cost of not acting on a positive; the same.")
    tp: float | str = Field(0.0, description="Cost of acting on a positive; the same.")
    tn: float | str = Field(0.0, description="Cost of not acting on a negative; the same.")
    currency: str = Field("EUR", description="Currency of the costs.")

    @model_validator(mode="after")
    def _worth_deciding(self) -> CostsSection:
        self.declared()
        return self

    def declared(self) -> Declared:
        return declare(self.fp, self.fn, self.tp, self.tn, self.currency)


class ReviewSection(Section):
    """A person's look at a case, as a third decision."""

    cost: float | None = Field(None, ge=0, description="Cost of a person's look at a case; no reviews if left out.")
    accuracy: float = Field(1.0, gt=0.5, le=1, description="How often the reviewer finds out which it is.")
    most: float = Field(1.0, gt=0, le=1, description="Share of the customers that can be reviewed.")
    label: str = Field("review", min_length=1, description="Word for the decision to review.")

    def review(self) -> Review | None:
        return None if self.cost is None else Review(self.cost, self.accuracy, label=self.label)


class FairnessSection(Section):
    """How decisions are held against each other, by group."""

    favourable: Literal["pass", "act"] = Field(
        "pass", description="Which decision customers would rather have; pass where acting is to decline."
    )
    minimum_rows: int = Field(100, ge=10, description="Groups of fewer customers are counted and not judged.")


class ActionableSection(Section):
    """How far a customer can change a column."""

    minimum: float | None = Field(None, description="Lowest value of a number that a customer can reach.")
    maximum: float | None = Field(None, description="Highest value of a number that a customer can reach.")
    levels: list[str] = Field(default_factory=list, description="Levels of a category that a customer can reach.")
    direction: Literal["", "up", "down"] = Field("", description="Which way a number can go: up, down, or both.")

    def bounds(self) -> Bounds:
        return Bounds(self.minimum, self.maximum, tuple(self.levels), self.direction)


class ReasonsSection(Section):
    """How decisions are explained."""

    most: int = Field(4, ge=1, le=20, description="Reasons named for a decision at most.")
    immutable: list[str] = Field(
        default_factory=list, description="Columns that nobody can change: never named as a reason, never changed."
    )
    groups: dict[str, list[str]] = Field(
        default_factory=dict, description="Features that are one business reason, by its name."
    )
    correlated: float = Field(
        0.8, gt=0, le=1, description="Numbers whose ranks correlate so much are one business reason."
    )
    actionable: dict[str, ActionableSection] = Field(
        default_factory=dict,
        description="What customers can change, and how far; every column but protected and immutable ones, if empty.",
    )
    texts: str = Field(TEXTS_FILE, description="Table of texts, relative to the project folder; may be absent.")
