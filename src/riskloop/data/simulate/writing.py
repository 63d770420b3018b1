"""Simulated customers on disk: tables, truth, late outcomes and production batches in one folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from riskloop.costs import Costs
from riskloop.data.simulate.drift import BatchPlan
from riskloop.data.simulate.files import MANIFEST, TableFolder, refuse_to_overwrite, swap_in
from riskloop.data.simulate.population import FIRST_DAY, YEAR, Group, Population
from riskloop.data.simulate.scenario import Scenario
from riskloop.data.simulate.scenarios import scenario_named
from riskloop.data.simulate.tables import customer_table, linked_tables, outcome_table, truth_table
from riskloop.errors import UsageError

Progress = Callable[[int, int], None]

_BATCH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation wrote.

    Attributes
    ----------
    folder : Path
    scenario : str
    rows, seed : int
    base_rate : float
        Share of positives among the customers.
    costs : Costs
        Suggested costs per decision.
    files : dict
        Rows and SHA-256 of each file, by its path inside the folder.
    """

    folder: Path
    scenario: str
    rows: int
    seed: int
    base_rate: float
    costs: Costs
    files: dict[str, dict[str, Any]]


def simulate(
    scenario: str,
    *,
    rows: int,
    seed: int,
    out: Path,
    file_format: Literal["csv", "parquet"] = "csv",
    start: date = FIRST_DAY,
    linked: bool = True,
    batches: Sequence[BatchPlan] = (),
    progress: Progress | None = None,
) -> Simulated:
    """Write simulated customers into a folder; the same arguments give the same bytes.

    ``customers`` (with the target), ``truth`` (the true probability of each) and the linked tables are written in
    ``file_format``; ``outcomes.csv``, ``batches/<name>.csv`` (no target), ``batches/<name>.truth.csv`` and
    ``batches/<name>.outcomes.csv`` always as CSV; ``simulation.json`` describes it all. The folder appears whole or
    not at all. Batches have no linked tables.

    Parameters
    ----------
    scenario : {"churn", "loan"}
    rows, seed : int
    out : Path
        A new or empty folder, or an earlier simulation, which is replaced.
    start : date
        First day of the year of event times.
    linked : bool
        Whether to write the linked tables; the customers are the same either way.
    batches : sequence of BatchPlan
        Production batches.
    progress : callable, optional
        Called with (customers written, customers in all) after each chunk.

    Raises
    ------
    UsageError
        If the arguments do not fit, or ``out`` holds anything but an earlier simulation.
    """
    found = scenario_named(scenario)
    if file_format not in ("csv", "parquet"):
        raise UsageError(f"Cannot write {file_format!r}.", where="file_format", next_step="choose csv or parquet")
    people = Population(found, rows, seed, found.id_prefix, start)
    production = _production(found, batches, seed, start)
    out = out.resolve()
    refuse_to_overwrite(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        report = _Report(progress, rows + sum(batch.rows for batch in production.values()))
        with TableFolder(fresh) as folder:
            positives = _write_customers(folder, people, file_format, linked, report)
            for name, batch in production.items():
                _write_batch(folder, name, batch, report)
        simulated = Simulated(out, scenario, rows, seed, positives / rows, found.costs, folder.files())
        manifest = _manifest(simulated, people, production)
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        swap_in(fresh, out, Path(scratch) / "replaced")
    return simulated


class _Report:
    """Counts customers for the one who waits."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def written(self, group: Group) -> None:
        self._done += len(group)
        if self._progress:
            self._progress(self._done, self._total)


def _production(scenario: Scenario, plans: Sequence[BatchPlan], seed: int, start: date) -> dict[str, Population]:
    populations: dict[str, Population] = {}
    for place, plan in enumerate(plans, start=1):
        if not _BATCH_NAME.fullmatch(plan.name) or plan.name in populations:
            raise UsageError(
                f"{plan.name!r} cannot name a batch: it names files and ids, and must be unique.",
                where="batches",
                next_step="use letters, digits, - and _",
            )
        number = place if plan.seed_offset is None else plan.seed_offset
        first_day = plan.start or start + timedelta(days=YEAR)
        populations[plan.name] = Population(
            scenario, plan.rows, seed, f"{plan.name}-", first_day, plan.days, number, tuple(plan.drifts)
        )
    return populations


def _write_customers(folder: TableFolder, people: Population, suffix: str, linked: bool, report: _Report) -> int:
    positives = 0
    for group in people.groups():
        folder.append(f"customers.{suffix}", customer_table(people, group))
        folder.append(f"truth.{suffix}", truth_table(people, group))
        folder.append("outcomes.csv", outcome_table(people, group))
        for name, table in linked_tables(people, group).items() if linked else ():
            folder.append(f"{name}.{suffix}", table)
        positives += int(group.outcome.sum())
        report.written(group)
    return positives


def _write_batch(folder: TableFolder, name: str, batch: Population, report: _Report) -> None:
    for group in batch.groups():
        folder.append(f"batches/{name}.csv", customer_table(batch, group, target=False))
        folder.append(f"batches/{name}.truth.csv", truth_table(batch, group))
        folder.append(f"batches/{name}.outcomes.csv", outcome_table(batch, group))
        report.written(group)


def _manifest(simulated: Simulated, people: Population, production: dict[str, Population]) -> dict[str, Any]:
    scenario = people.scenario
    return {
        "scenario": scenario.name,
        "rows": people.rows,
        "seed": people.seed,
        "start": people.start.isoformat(),
        "problem": {
            "target": scenario.target,
            "positive": str(scenario.labels[1]),
            "id": scenario.id,
            "time": scenario.time,
            "horizon_days": scenario.horizon,
        },
        "base_rate": simulated.base_rate,
        "costs": scenario.costs.to_dict(),
        "costs_per_customer": dict(scenario.value_costs),
        "batches": [_batch_entry(name, batch) for name, batch in production.items()],
        "files": simulated.files,
    }


def _batch_entry(name: str, batch: Population) -> dict[str, Any]:
    return {
        "name": name,
        "rows": batch.rows,
        "seed_offset": batch.number,
        "start": batch.start.isoformat(),
        "days": batch.days,
        "drifts": [str(drift) for drift in batch.drifts],
    }
