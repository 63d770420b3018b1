"""riskloop.yaml: read once, typed, a sentence per field."""

from riskloop.settings.of_alerts import AlertsSection, defaults_as_comment
from riskloop.settings.of_decisions import TEXTS_FILE, FairnessSection
from riskloop.settings.of_learning import GateSection, TrainingSection
from riskloop.settings.of_retraining import RetrainingSection
from riskloop.settings.reading import (
    CONTRACT_FILE,
    FILE,
    PREFIX,
    STATE,
    load_settings,
    parse_settings,
    project_above,
    read_yaml,
    write_yaml,
)
from riskloop.settings.settings import Settings, json_schema

__all__ = [
    "CONTRACT_FILE",
    "FILE",
    "PREFIX",
    "STATE",
    "TEXTS_FILE",
    "AlertsSection",
    "FairnessSection",
    "GateSection",
    "RetrainingSection",
    "Settings",
    "TrainingSection",
    "defaults_as_comment",
    "json_schema",
    "load_settings",
    "parse_settings",
    "project_above",
    "read_yaml",
    "write_yaml",
]
