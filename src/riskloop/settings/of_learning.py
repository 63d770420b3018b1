"""How a model is trained, and what it must fulfil before it may lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from riskloop.settings.section import Section, duration, explained


class TrainingSection(Section):
    """How a model is trained and how its decisions are chosen."""

    candidates: list[str] = Field(
        default_factory=list,
        description="Families to try, and blend, stack, voting, distilled; empty means all families and the blend.",
    )
    imbalance: Literal["none", "weights", "smote"] = Field(
        "none", description="Also try every family with class weights, or with SMOTE inside the folds."
    )
    trials: int = Field(0, ge=0, le=100_000, description="Trials of the search for parameters; 0 for none.")
    budget: str | float | None = Field(
        None,
        description="Time for training as 90s, 10m or 2h: what would take longer is left out, the rest is searched.",
    )
    search: Literal["tpe", "random", "grid"] = Field("tpe", description="How parameters are searched.")
    prefer: Literal["simple", "cheap"] = Field(
        "simple",
        description="simple: one that can be read if as good as any, else the best probabilities; cheap: the cheapest.",
    )
    max_ms_per_thousand: float | None = Field(None, gt=0, description="Longest time to predict 1,000 rows.")
    max_megabytes: float | None = Field(None, gt=0, description="Largest model.")
    folds: int = Field(5, ge=2, le=20, description="Number of cross-validation folds.")
    test_share: float = Field(0.2, gt=0, lt=0.9, description="Share of rows in the untouched test block.")
    split: Literal["random", "time", "row_order"] | None = Field(
        None, description="How the test block is chosen; by time when problem.time is set, else at random."
    )
    embargo_days: float = Field(0.0, ge=0, description="Days before the test block that are left out.")
    seed: int = Field(42, ge=0, description="Seed of everything random.")
    policy: Literal["auto", "cost", "capacity", "empirical", "f1", "fixed", "precision_at", "recall_at"] = Field(
        "auto",
        description="How the decision threshold is chosen; auto: by the costs (cost), on out-of-fold rows (empirical) "
        "where calibration is rejected. capacity: for those on whom acting gains most, a share policy_value of all.",
    )
    policy_value: float | None = Field(
        None, ge=0, le=1, description="Value for capacity, fixed, precision_at and recall_at."
    )

    def but(self, asked: Mapping[str, Any]) -> TrainingSection:
        """The section with some fields replaced; None leaves a field as it is.

        Raises
        ------
        ConfigError
            If a value does not fit.
        """
        given = {name: value for name, value in asked.items() if value is not None}
        try:
            return TrainingSection.model_validate(self.model_dump() | given)
        except ValidationError as error:
            raise explained(error, TrainingSection, "training") from error

    @property
    def seconds(self) -> float | None:
        """The budget in seconds."""
        return None if self.budget is None else duration(self.budget)

    @model_validator(mode="after")
    def _budget_is_a_time(self) -> TrainingSection:
        if self.budget is not None:
            duration(self.budget)
        return self

    @model_validator(mode="after")
    def _value_where_needed(self) -> TrainingSection:
        if self.policy in ("capacity", "fixed", "precision_at", "recall_at") and self.policy_value is None:
            raise ValueError(f"the policy {self.policy!r} needs policy_value, a number between 0 and 1")
        return self


class GateSection(Section):
    """What a version must fulfil before it may lead."""

    min_roc_auc: float = Field(0.55, ge=0, le=1, description="Lowest ROC-AUC on the test block.")
    min_f1: float = Field(0.0, ge=0, le=1, description="Lowest F1 on the test block.")
    max_roc_auc: float | None = Field(
        None, gt=0.5, lt=1, description="Highest ROC-AUC anybody has managed: above it something is wrong."
    )
    max_cost_per_thousand: float | None = Field(None, description="Highest cost per 1,000 on the test block.")
    max_calibration_error: float = Field(0.1, gt=0, le=1, description="Highest calibration error on the test block.")
    max_latency_ms: float = Field(50.0, gt=0, description="Highest median time to score one customer.")
    four_eyes: bool = Field(False, description="A promotion needs a second person.")
