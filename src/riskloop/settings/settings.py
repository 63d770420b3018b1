"""riskloop.yaml as a whole: typed, a sentence per field."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from riskloop.data.linked.plan import Plan
from riskloop.settings.of_alerts import AlertsSection
from riskloop.settings.of_data import DataSection, FeaturesSection, LinkedSection, ProblemSection
from riskloop.settings.of_decisions import CostsSection, FairnessSection, ReasonsSection, ReviewSection
from riskloop.settings.of_experiments import ExperimentsSection
from riskloop.settings.of_learning import GateSection, TrainingSection
from riskloop.settings.of_performance import PerformanceSection
from riskloop.settings.of_retraining import RetrainingSection
from riskloop.settings.of_service import MonitoringSection, ServingSection
from riskloop.settings.section import Section


class Settings(Section):
    """Everything riskloop.yaml may say."""

    project: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name of the project and its model.")
    problem: ProblemSection
    data: DataSection
    linked: dict[str, LinkedSection] = Field(
        default_factory=dict, description="Tables of many rows to a customer, by name; see docs/linked-tables.md."
    )
    features: FeaturesSection = FeaturesSection()
    costs: CostsSection = CostsSection()
    review: ReviewSection = ReviewSection()
    fairness: FairnessSection = FairnessSection()
    reasons: ReasonsSection = ReasonsSection()
    training: TrainingSection = TrainingSection()
    gate: GateSection = GateSection()
    serving: ServingSection = ServingSection()
    monitoring: MonitoringSection = MonitoringSection()
    experiments: ExperimentsSection = ExperimentsSection()
    alerts: AlertsSection = AlertsSection()
    performance: PerformanceSection = PerformanceSection()
    retraining: RetrainingSection = RetrainingSection()

    @model_validator(mode="after")
    def _linked_by_id(self) -> Settings:
        if self.linked and self.problem.id is None:
            raise ValueError("linked tables need problem.id, the column that their keys name")
        self.plan()
        return self

    def plan(self) -> Plan:
        """The linked tables as they are carried out."""
        tables = tuple(section.table(name) for name, section in self.linked.items())
        return Plan(tables, point_in_time=self.problem.time is not None)


def json_schema() -> dict[str, Any]:
    """JSON Schema of riskloop.yaml."""
    return Settings.model_json_schema()
