"""`riskloop train` where the table is a folder of Parquet files: it is never read as a whole.

Most rows learn, where they lie. As many as fit into memory are held out and read here: some judge (calibration,
policy, rounds, the choice between families), the others test, once. So a family is fitted once, and what was judged is
what serves.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path
from shutil import rmtree
from typing import TypeVar
from uuid import uuid4

import numpy as np
import polars as pl

from riskloop.data.dataset import Dataset, Prepared
from riskloop.data.partitions import ROWS, Partition, cut
from riskloop.data.quality import MOST_QUARANTINED
from riskloop.data.split import Split
from riskloop.decide.prices import check_priced
from riskloop.engines.engine import Engine, Rows
from riskloop.errors import ConfigError, DataError, UsageError
from riskloop.findings import Finding, by_severity
from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate, Fitting
from riskloop.learn.choice import Contender, choose
from riskloop.learn.partitioned import (
    FAMILIES,
    MOST_HELD_OUT,
    TESTS,
    Learnt,
    Shares,
    contender_of,
    copied,
    encoding_of,
    many_levels,
    profiles_of,
)
from riskloop.learn.plan import Plan, Watcher, training_block
from riskloop.learn.refitting import Refitted
from riskloop.learn.target_encoding import LevelCounts
from riskloop.learn.training import Trained, judge
from riskloop.loop.partitioned import ROLE, Survey, Task, count, held_out_of, lesson, survey, write_copied
from riskloop.loop.project import Project
from riskloop.loop.reasoning import check_reasons
from riskloop.loop.record import libraries
from riskloop.loop.run import Run, training_run
from riskloop.loop.workflows.check import prepare_table, refuse_blocked
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.train import TrainingResult, plan_for, register
from riskloop.scorer.encoding import Encoding

Result = TypeVar("Result")


def in_partitions(project: Project) -> bool:
    """Whether the training table is a folder: a dataset of Parquet files."""
    return Path(project.source.path).is_dir()


def train_partitions(
    project: Project,
    *,
    engine: Engine,
    candidates: Sequence[str] = (),
    promote_reason: str | None = None,
    watcher: Watcher | None = None,
    rows: int = ROWS,
    most: int = MOST_HELD_OUT,
) -> TrainingResult:
    """Train LightGBM and XGBoost on the project's dataset, and register the better one as a new version.

    Parameters
    ----------
    engine : Engine
        Its workers hold the rows that learn; they see the dataset and the project's folder under the same paths.
    candidates : sequence of str
        One of the two, or both if empty.
    rows : int
        Of one partition, at most.
    most : int
        Rows that judge, at most, and rows that test.

    Raises
    ------
    UsageError, ConfigError
        If what is asked for needs the table as a whole.
    GateRefused
        If the quality gate refuses the dataset.
    DataError, BundleRefused, Unavailable
        See `riskloop.loop.workflows.train.train`.
    """
    _refuse_what_needs_the_whole(project)
    partitions = cut(project.source.path, rows)
    total = sum(one.rows for one in partitions)
    plan = _plan(project, total, candidates)
    check_reasons(project, tuple(project.settings.features.derived))
    project.keys.create()
    folder = project.locations.unfinished.resolve() / f"partitions-{uuid4().hex}"
    folder.mkdir(mode=0o700, parents=True)
    shares = Shares.of(total, plan, most)
    problem = project.settings.problem.problem()
    task = Task(project.contract, problem, shares, plan.seed, folder, libraries())
    try:
        surveys = _all(engine, partial(survey, task), partitions)
        held = _held_out(project, task, partitions, surveys, plan)
        with training_run(project.registry, held.dataset, plan, watcher) as run:
            trained = _learn(engine, task, partitions, held, plan, run, sum(one.learns for one in surveys))
            result = register(project, held.prepared, held.dataset, plan, trained, run)
    finally:
        rmtree(folder, ignore_errors=True)
    result = replace(result, rows=sum(one.kept for one in surveys), skipped=tuple(run.skipped))
    if promote_reason and result.accepted:
        promotion = promote(project, result.version.version, reason=promote_reason)
        result = replace(result, promotion=promotion)
    return result


def _refuse_what_needs_the_whole(project: Project) -> None:
    settings = project.settings
    if project.linked.tables:
        raise UsageError(
            "A table with linked tables is learnt from as a whole.",
            where="linked",
            next_step="write their features into the dataset, or name a file as data.path",
        )
    if (settings.training.split or ("time" if settings.problem.time else "random")) != "random":
        raise ConfigError(
            "Partitions are told apart at random, by customer; the latest rows cannot be held out.",
            where="training.split",
            next_step="set training.split: random, and hold the version against later months with `riskloop monitor`",
        )
    if settings.training.imbalance != "none" or settings.data.sample_rows:
        raise ConfigError(
            "Balancing and samples are for tables that are read as a whole.",
            where="training.imbalance, data.sample_rows",
            next_step="leave them out, or name a file as data.path",
        )


def _plan(project: Project, rows: int, candidates: Sequence[str]) -> Plan:
    named = list(candidates) or project.settings.training.candidates or list(FAMILIES)
    if strangers := [name for name in named if name not in FAMILIES]:
        raise UsageError(
            f"{', '.join(strangers)} cannot be fitted to partitions.",
            where="--candidates",
            next_step=f"name {' or '.join(FAMILIES)}; or a file as data.path, with data.sample_rows if it is large",
        )
    if project.settings.training.trials or project.settings.training.budget:
        raise UsageError(
            "Parameters are not searched over partitions.",
            where="training.trials, training.budget",
            next_step="leave them out; what a search finds on a sample of the rows says what it would bring",
        )
    return replace(plan_for(project, rows, candidates=named), blends=())


def _all(engine: Engine, work: Callable[[Partition], Result], partitions: Sequence[Partition]) -> list[Result]:
    """In the order of the partitions."""
    return [result for _, result in sorted(engine.each(work, partitions), key=lambda told: told[0])]


@dataclass(frozen=True)
class _Held:
    """The rows that are read here."""

    prepared: Prepared
    dataset: Dataset
    parts: Split
    block: Block


def _held_out(
    project: Project, task: Task, partitions: Sequence[Partition], surveys: Sequence[Survey], plan: Plan
) -> _Held:
    """Read them, check them as any table is checked, and tell those that judge from those that test."""
    frame = pl.concat([pl.read_parquet(held_out_of(task.folder, one)) for one in partitions], how="vertical_relaxed")
    found = prepare_table(project, frame)
    whole = tuple(_together(surveys))
    counted = {(one.code, one.column) for one in whole}
    others = [one for one in found.findings if (one.code, one.column) not in counted]
    found = replace(found, findings=tuple(by_severity([*whole, *others])))
    refuse_blocked(found.findings, project.source.path)
    if found.dataset is None:
        raise DataError("No row passed the quality gate.", where=project.source.path, next_step="run `riskloop check`")
    print_of_all = hashlib.sha256("".join([found.dataset.fingerprint, *(one.digest for one in surveys)]).encode())
    dataset = replace(found.dataset, fingerprint=print_of_all.hexdigest())
    role = found.rows[ROLE].to_numpy()
    test = role == TESTS
    judges = ~test & ~np.isin(dataset.groups, np.unique(dataset.groups[test]))
    parts = Split(np.flatnonzero(judges), np.flatnonzero(test), "random")
    for name, rows in (("judging", parts.train), ("test", parts.test)):
        if len(np.unique(dataset.outcome[rows])) < 2:
            raise DataError(
                f"The {name} block would hold one outcome only.",
                where=project.source.path,
                next_step="gather more rows, or name a file as data.path",
            )
    features = {name: dataset.columns[name] for name in task.contract.features}
    write_copied(task.folder, copied(profiles_of(features)))
    block = training_block(dataset, parts.train, plan)
    check_priced(plan.costs, plan.costs_of(dataset.columns))
    return _Held(replace(found, dataset=dataset, rows=found.rows.drop(ROLE)), dataset, parts, block)


def _together(surveys: Sequence[Survey]) -> Iterable[Finding]:
    """Findings of all partitions, and what their rows come to."""
    total = sum(one.rows for one in surveys)
    found: dict[tuple[str, str | None], Finding] = {}
    for finding in (finding for one in surveys for finding in one.findings):
        before = found.get((finding.code, finding.column))
        found[finding.code, finding.column] = replace(finding, rows=finding.rows + (before.rows if before else 0))
    for finding in found.values():
        share = finding.rows / total
        yield replace(
            finding,
            severity="error" if share > MOST_QUARANTINED else "warning",
            message=f"{finding.rows:,} of all {total:,} rows ({share:.2%}); in one partition: {finding.message}",
        )
    if (aside := total - sum(one.kept for one in surveys)) > MOST_QUARANTINED * total:
        yield Finding(
            "too-many-bad-rows",
            "error",
            f"{aside:,} of {total:,} rows ({aside / total:.1%}) are set aside; {MOST_QUARANTINED:.0%} are tolerated.",
            "correct the source, or change the rules in contract.yaml",
            rows=aside,
        )


def _learn(
    engine: Engine, task: Task, partitions: Sequence[Partition], held: _Held, plan: Plan, run: Run, rows: int
) -> Trained:
    counts: dict[str, LevelCounts] = {}
    if many_levels(task.contract):
        counts = reduce(_added, _all(engine, partial(count, task), partitions))
    block = held.block
    encoding = encoding_of(task.contract, block.columns, plan.derived, counts)
    load = partial(lesson, task, encoding, counts)
    contenders: list[Contender] = []
    ready: dict[str, Refitted] = {}
    for candidate in plan.candidates:
        if _directed(block) and candidate.name == "lightgbm":
            run.left_out(candidate.name, "on partitions it does not keep the directions that the contract declares")
            continue
        learnt = _fitted(engine, candidate, encoding, block, plan, load, partitions)
        contender, ready[candidate.name] = contender_of(learnt, encoding, block, plan)
        contenders.append(contender)
        run.finished(contender)
    if not contenders:
        raise ConfigError("There is no candidate to train.", where="training.candidates", next_step="name xgboost")
    choice = choose(contenders, block.outcome, plan.costs_of(block.columns), seed=plan.seed, prefer=plan.prefer)
    ranked = tuple(sorted(contenders, key=lambda one: one.cost_per_thousand))
    trained = judge(held.dataset, held.parts, block, plan, choice, ranked, ready[choice.chosen.name])
    return replace(trained, learnt=rows)


def _added(one: dict[str, LevelCounts], other: dict[str, LevelCounts]) -> dict[str, LevelCounts]:
    return {name: counts + other[name] for name, counts in one.items()}


def _directed(block: Block) -> bool:
    return any(column.type == "number" and column.monotone for column in block.contract.used)


def _fitted(
    engine: Engine,
    candidate: Candidate,
    encoding: Encoding,
    block: Block,
    plan: Plan,
    load: Callable[[Partition], Rows],
    partitions: Sequence[Partition],
) -> Learnt:
    signs = encoding.monotone(block.contract)
    nothing = np.empty((0, len(encoding.names)))
    told = Fitting(
        nothing,
        np.empty(0, dtype=bool),
        encoding.categorical,
        plan.seed,
        1,
        candidate.parameters,
        signs if any(signs) else [],
    )
    began = time.perf_counter()
    estimator = engine.boost(candidate, told, load, partitions)
    return Learnt(candidate, estimator, time.perf_counter() - began)
