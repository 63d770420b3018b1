"""riskloop: from a customer table to governed, cost-optimal, monitored decisions.

The public names load when first used, so that ``import riskloop`` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from riskloop.bundle.bundle import Bundle
    from riskloop.bundle.load import load as load_bundle
    from riskloop.costs import Costs
    from riskloop.data.contract import Contract
    from riskloop.data.simulate.tables import customers as simulate_customers
    from riskloop.data.source import Source
    from riskloop.decide.policy import Policy
    from riskloop.errors import RiskloopError
    from riskloop.findings import Finding
    from riskloop.learn.candidates.candidate import Candidate
    from riskloop.learn.candidates.checking import check_candidate
    from riskloop.learn.estimator import RiskClassifier
    from riskloop.loop.project import Project
    from riskloop.loop.workflows.check import check
    from riskloop.loop.workflows.explain import explain_customer, explain_model
    from riskloop.loop.workflows.history import compare, history, verify_log
    from riskloop.loop.workflows.initialise import initialise
    from riskloop.loop.workflows.monitor import monitor_batch, monitor_ledger
    from riskloop.loop.workflows.outcomes import record_outcomes
    from riskloop.loop.workflows.performance import performance
    from riskloop.loop.workflows.release import promote, rollback
    from riskloop.loop.workflows.report import report_data
    from riskloop.loop.workflows.report_version import report_model
    from riskloop.loop.workflows.reproduce import reproduce
    from riskloop.loop.workflows.score import score
    from riskloop.loop.workflows.train import train
    from riskloop.problem import Problem
    from riskloop.report.frames import as_frame
    from riskloop.report.plots import figures
    from riskloop.scorer.scorer import Scorer
    from riskloop.wiring import open_project

_HOMES = {
    "Bundle": "riskloop.bundle.bundle",
    "Contract": "riskloop.data.contract",
    "Costs": "riskloop.costs",
    "Finding": "riskloop.findings",
    "Policy": "riskloop.decide.policy",
    "Problem": "riskloop.problem",
    "Project": "riskloop.loop.project",
    "RiskClassifier": "riskloop.learn.estimator",
    "RiskloopError": "riskloop.errors",
    "Scorer": "riskloop.scorer.scorer",
    "Source": "riskloop.data.source",
    "as_frame": "riskloop.report.frames",
    "check": "riskloop.loop.workflows.check",
    "check_candidate": "riskloop.learn.candidates.checking",
    "Candidate": "riskloop.learn.candidates.candidate",
    "explain_customer": "riskloop.loop.workflows.explain",
    "explain_model": "riskloop.loop.workflows.explain",
    "figures": "riskloop.report.plots",
    "performance": "riskloop.loop.workflows.performance",
    "report_data": "riskloop.loop.workflows.report",
    "report_model": "riskloop.loop.workflows.report_version",
    "reproduce": "riskloop.loop.workflows.reproduce",
    "verify_log": "riskloop.loop.workflows.history",
    "compare": "riskloop.loop.workflows.history",
    "history": "riskloop.loop.workflows.history",
    "initialise": "riskloop.loop.workflows.initialise",
    "load_bundle": "riskloop.bundle.load:load",
    "monitor_batch": "riskloop.loop.workflows.monitor",
    "monitor_ledger": "riskloop.loop.workflows.monitor",
    "open_project": "riskloop.wiring",
    "promote": "riskloop.loop.workflows.release",
    "record_outcomes": "riskloop.loop.workflows.outcomes",
    "rollback": "riskloop.loop.workflows.release",
    "score": "riskloop.loop.workflows.score",
    "simulate_customers": "riskloop.data.simulate.tables:customers",
    "train": "riskloop.loop.workflows.train",
}

__all__ = [  # noqa: RUF022 - the order of the river
    "simulate_customers",
    "initialise",
    "open_project",
    "check",
    "train",
    "compare",
    "figures",
    "explain_model",
    "promote",
    "rollback",
    "history",
    "verify_log",
    "score",
    "explain_customer",
    "record_outcomes",
    "monitor_batch",
    "monitor_ledger",
    "performance",
    "report_data",
    "report_model",
    "as_frame",
    "load_bundle",
    "reproduce",
    "check_candidate",
    "Bundle",
    "Candidate",
    "Contract",
    "Costs",
    "Finding",
    "Policy",
    "Problem",
    "Project",
    "RiskClassifier",
    "RiskloopError",
    "Scorer",
    "Source",
]


def __getattr__(name: str) -> Any:
    import importlib

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'riskloop' has no attribute {name!r}")
    module, _, attribute = home.partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
