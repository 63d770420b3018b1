"""Scenes that pages show: alerts that are open, an experiment that has run for days, months that went by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from riskloop.data.source import Source
from riskloop.decide.arms import Split
from riskloop.keep.alerts import Alert, Pace
from riskloop.keep.chain import challenge
from riskloop.keep.outcomes import Outcome
from riskloop.keep.retrainings import Retrainings
from riskloop.loop.experiments.pairs import ACT
from riskloop.loop.project import Project
from riskloop.loop.workflows.arms import arms_status, start_arms, write_experiment_report
from riskloop.loop.workflows.monitor import monitor_ledger, write_drift_report
from riskloop.loop.workflows.performance import performance, write_performance_report
from riskloop.loop.workflows.score import score
from riskloop.watch.alerts import DEFAULTS, Fact, judge_all
from tests.loop.town import Town

MONTHS = tuple(datetime(2026, month, 10, tzinfo=UTC) for month in (3, 4, 5))
JULY = datetime(2026, 7, 15, tzinfo=UTC)
MOVED = Fact("drift_verdict", "ledger", 2.0)
FALLEN = Fact("roc_auc_change", "ledger", -0.09, -0.12, -0.06, 800, {"version": 1, "report": "/secret/drift.html"})
DOWN = Fact("service_down", "service", 1.0)


START = datetime(2031, 3, 3, 8, tzinfo=UTC)  # after whenever the versions were promoted
LATER = START + timedelta(days=9)


def raised(project: Project, facts: Sequence[Fact]) -> tuple[Alert, ...]:
    """Alerts of facts that are surely beyond their thresholds."""
    rules = list(DEFAULTS.values())
    for _ in range(3):
        project.alerts.settle(judge_all(rules, facts), project.clock(), Pace())
    return project.alerts.list()


def challenged(project: Project, *, days: int = 3, wins: bool | None = None) -> None:
    """Version 2 answers half of the customers; ``wins``: where the two decide differently it is right, or wrong."""
    project = replace(project, clock=lambda: START)
    town = Town(project)
    start_arms(project, 2, reason="cheaper <we hope>", share=0.5)
    named = challenge(project.promotions.events())
    assert named is not None
    split = Split.from_dict(named.details)
    codes = town.code[1].astype(int) - town.code[0]
    outcome = None
    if wins is not None:
        more = town.code[1] == ACT
        outcome = np.where(codes == 0, town.churned, more if wins else ~more)
    for day in range(days):
        moment = START + timedelta(days=day, hours=1)
        town.tell(town.ask(moment, split, 700), moment + timedelta(hours=2), outcome)


def worked_out(project: Project) -> None:
    """What the challenger saves is written down, nine days after the start."""
    project = replace(project, clock=lambda: LATER)
    write_experiment_report(project, arms_status(project))


def live_through(project: Project) -> None:
    """500 customers scored on the tenth of each of three months, of whom all is known by July; two retrainings."""
    customers = pl.read_csv(project.source.path, infer_schema=False)
    for place, when in enumerate(MONTHS):
        part = customers[place * 500 : (place + 1) * 500].drop("churned")
        if place == 2:
            part = part.with_columns(pl.lit("9").alias("service_contacts_90d"))
        part.write_csv(project.folder / "part.csv")
        score(
            replace(project, clock=lambda when=when: when),
            Source(str(project.folder / "part.csv")),
            project.folder / "out.csv",
        )
    came = dict(customers.select("customer_id", pl.col("churned") == "yes").iter_rows())
    project.ledger.record_outcomes(
        [
            Outcome("x", came[one.entity_id], one.at + timedelta(days=20), JULY, prediction_id=one.prediction_id)
            for one in project.ledger.within(1)
        ]
    )
    then = replace(project, clock=lambda: JULY)
    write_drift_report(then, monitor_ledger(then, by="month"))
    write_performance_report(then, performance(then, by="month"))
    past = Retrainings(project.engine)
    seq = past.begin(at=JULY, actor="loop", reasons=["5 columns moved <far>."], champion=1)
    difference = {"mean": -120.0, "low": -200.0, "high": -40.0}
    past.note(seq, version=2, result="refused", told="The gate refused it.", finished_at=JULY, difference=difference)
    past.begin(at=JULY, actor="loop", reasons=["Outcomes are in."], champion=1)
