"""`riskloop train`: check, learn, gate, pack, register; promote if asked and allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from riskloop.bundle.bundle import Bundle
from riskloop.bundle.load import load
from riskloop.bundle.pack import pack
from riskloop.costs import BoolArray, FloatArray
from riskloop.data.dataset import Dataset, Prepared
from riskloop.data.frames import decode_frame
from riskloop.engines.engine import Engine
from riskloop.errors import BundleRefused, Conflict, DataError, NotFound
from riskloop.findings import Finding, by_severity
from riskloop.keep.chain import Promotion
from riskloop.keep.versions import Version
from riskloop.learn.candidates.families import FAMILIES, select_blends, select_candidates
from riskloop.learn.evaluation.fairness import Fairness
from riskloop.learn.evaluation.policies import PolicyRow, compare_policies
from riskloop.learn.evaluation.segments import write_segments
from riskloop.learn.plan import Plan, Watcher
from riskloop.learn.training import Trained
from riskloop.learn.training import train as learn
from riskloop.loop.auditing import audit, tallies
from riskloop.loop.card import card, summary
from riskloop.loop.crew import crew_on
from riskloop.loop.gate import GateCheck, gate, latency_ms, passed
from riskloop.loop.journal import open_journal
from riskloop.loop.parity import linked_parity, served_parity
from riskloop.loop.project import Project
from riskloop.loop.reasoning import check_reasons, reason_rules
from riskloop.loop.record import record
from riskloop.loop.retraining.judging import Judge, SideBySide
from riskloop.loop.run import Run, training_run
from riskloop.loop.table import read_table
from riskloop.loop.workflows.check import prepare_table, refuse_blocked, write_quarantine
from riskloop.loop.workflows.customers import store_customers
from riskloop.loop.workflows.release import promote


@dataclass(frozen=True)
class TrainingResult:
    """One finished training.

    Attributes
    ----------
    version : Version
    trained : Trained
    gate : list of GateCheck
    policies : list of PolicyRow
        Those of the training, and the champion's where there is one.
    findings : tuple of Finding
    bundle : Path
    rows : int
        Rows that passed the quality gate.
    skipped : tuple of str
        Families not tried because the table is too large for them.
    fairness : Fairness or None
        Where protected attributes are named.
    promotion : Promotion or None
        Set when the version leads now, or waits for a second person.
    """

    version: Version
    trained: Trained
    gate: list[GateCheck]
    policies: list[PolicyRow]
    findings: tuple[Finding, ...]
    bundle: Path
    rows: int
    skipped: tuple[str, ...] = ()
    fairness: Fairness | None = None
    promotion: Promotion | None = None

    @property
    def accepted(self) -> bool:
        return passed(self.gate)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without rows."""
        return {
            "version": self.version.version,
            "digest": self.version.digest,
            "accepted": self.accepted,
            "promoted": self.promotion is not None and self.promotion.kind == "promoted",
            "run_id": self.version.run_id,
            "bundle": str(self.bundle),
            "rows": self.rows,
            "skipped": list(self.skipped),
            "test": self.version.metrics,
            "gate": [check.to_dict() for check in self.gate],
            "findings": [finding.to_dict() for finding in self.findings],
            **self.version.summary,
        }


def plan_for(project: Project, rows: int, **asked: Any) -> Plan:
    """The training plan that the project's settings describe; `asked` replaces fields of the section training."""
    settings = project.settings
    training = settings.training.but(asked)
    named = training.candidates
    candidates = select_candidates(named, rows)
    if training.imbalance != "none":
        candidates += [one.balanced(training.imbalance) for one in candidates if one.balance == "none"]
    return Plan(
        candidates=candidates,
        costs=settings.costs.declared(),
        blends=select_blends(named),
        policy=training.policy,
        policy_value=training.policy_value,
        review=settings.review.review(),
        most_reviewed=settings.review.most,
        bands=settings.serving.bands,
        labels=settings.serving.labels,
        adverse="act" if settings.fairness.favourable == "pass" else "pass",
        folds=training.folds,
        test_share=training.test_share,
        split=training.split or ("time" if settings.problem.time else "random"),
        embargo_days=training.embargo_days,
        seed=training.seed,
        derived=settings.features.derived,
        max_ms_per_thousand=training.max_ms_per_thousand,
        max_megabytes=training.max_megabytes,
        trials=training.trials,
        seconds=training.seconds,
        search=training.search,
        prefer=training.prefer,
    )


def train(
    project: Project,
    *,
    candidates: Sequence[str] = (),
    trials: int | None = None,
    budget: str | None = None,
    search: str | None = None,
    fresh: bool = False,
    learning_curve: bool = False,
    promote_reason: str | None = None,
    judge: Judge | None = None,
    watcher: Watcher | None = None,
    engine: Engine | None = None,
) -> TrainingResult:
    """Train on the project's table and register the result as a new version.

    A version that the gate refuses is registered as refused, with the reasons. Interrupted training resumes: finished
    candidates are kept until a training ends.

    Parameters
    ----------
    candidates : sequence of str
        Families to try; those of the settings, or all that suit the table, if empty.
    trials, budget, search : optional
        In place of the settings' own: how long to search for parameters, and how.
    fresh : bool
        Forget what an interrupted training has left behind.
    learning_curve : bool
        Also find out what more rows would be worth, with eight fits more.
    promote_reason : str, optional
        Promote the version for this reason if the gate accepts it.
    judge : Judge, optional
        Of a retraining: holds the version against the champion. Customers on file stay as they are.
    watcher : Watcher, optional
        Told about progress.
    engine : Engine, optional
        Its workers fit folds and trials; threads of this process unless given.

    Raises
    ------
    GateRefused
        If the quality gate refuses the table; nothing is written but the quarantined rows.
    DataError, BundleRefused, Unavailable
        See `riskloop.learn.training.train`, `riskloop.bundle.pack` and the stores.
    """
    prepared, dataset = prepare_for_training(project)
    check_reasons(project, tuple(project.settings.features.derived))
    project.keys.create()  # on a fresh checkout there is none: better now than after an hour of training
    asked = {"candidates": list(candidates) or None, "trials": trials, "budget": budget, "search": search}
    plan = plan_for(project, len(dataset), **asked)
    journal = open_journal(project.locations.unfinished, dataset, plan)
    if fresh:
        journal.forget()
    with training_run(project.registry, dataset, plan, watcher) as run:
        with crew_on(engine, journal.folder) as crew:
            trained = learn(dataset, plan, journal, run, learning_curve=learning_curve, crew=crew)
        result = register(project, prepared, dataset, plan, trained, run, judge)
    journal.forget()
    if judge is None:
        with suppress(Conflict):  # a training that began later was done first: its customers are newer
            store_customers(project, prepared.rows, dataset.contract.read_names)
    if not (candidates or project.settings.training.candidates):
        run.skipped += _too_slow(len(dataset))
    result = replace(result, skipped=tuple(run.skipped))
    if promote_reason and result.accepted:
        promotion = promote(project, result.version.version, reason=promote_reason)
        result = replace(result, promotion=promotion)
    return result


def prepare_for_training(project: Project) -> tuple[Prepared, Dataset]:
    """Read, join, check; rows that break a rule are written to the quarantine.

    Raises
    ------
    GateRefused
        If the quality gate refuses the table.
    DataError
        If no row passes.
    """
    table = read_table(project)
    prepared = prepare_table(project, table.frame, table.findings)
    write_quarantine(project, table.frame, prepared.quality.reasons, Path(table.path).stem)
    refuse_blocked(prepared.findings, table.path)
    if prepared.dataset is None:
        raise DataError("No row passed the quality gate.", where=table.path, next_step="run `riskloop check`")
    return prepared, prepared.dataset


def _too_slow(rows: int) -> tuple[str, ...]:
    return tuple(family.name for family in FAMILIES if family.max_rows is not None and rows > family.max_rows)


def register(
    project: Project,
    prepared: Prepared,
    dataset: Dataset,
    plan: Plan,
    trained: Trained,
    run: Run,
    judge: Judge | None = None,
) -> TrainingResult:
    """Pack the model, prove the pack, hold it against the gate, and record all that as a version."""
    fairness = audit(prepared.rows, dataset, plan, trained, project.settings.fairness)
    draft = draft_bundle(project, prepared, dataset, plan, trained, fairness)
    packed, path = pack(draft, project.bundles.folder, project.keys)
    project.bundles.put(path)
    loaded = load(path, project.keys.trusted())
    parity = max(trained.parity, served_parity(loaded, prepared.rows, trained), linked_parity(project, prepared.rows))
    champion = _champion_on_test(project, prepared.rows, dataset, trained)
    policies = _beside(champion, dataset, plan, trained) if champion else trained.policies
    checks = gate(
        trained,
        dataset.outcome[trained.split.test],
        project.settings.gate,
        parity=parity,
        latency_ms=latency_ms(loaded),
        champion_cost=champion[2] if champion and judge is None else None,
        seed=plan.seed,
    )
    if champion and judge is not None:
        checks += judge(_side_by_side(champion, prepared.rows, dataset, trained))
    accepted = passed(checks)
    run.finish(
        {name: interval.to_dict()["value"] for name, interval in trained.test.metrics.items()} | {"parity": parity},
        {"family": trained.choice.chosen.name, "digest": packed.digest, "accepted": accepted},
        _write_files(project, trained, loaded),
    )
    version = Version(
        version=project.registry.register(run.id, path, dataset.contract, sorted(project.keys.trusted())),
        name=project.name,
        digest=packed.digest,
        bundle=path.name,
        created_at=project.clock(),
        status="accepted" if accepted else "refused",
        run_id=run.id,
        metrics=trained.test.to_dict(),
        gate=[check.to_dict() for check in checks],
        data_fingerprint=dataset.fingerprint,
        summary=summary(dataset, trained, policies, fairness) | {"plan": record(project.settings, plan, trained)},
    )
    project.versions.add(version)
    findings = by_severity((*prepared.findings, *trained.examination.findings))
    return TrainingResult(version, trained, checks, policies, tuple(findings), path, len(dataset), fairness=fairness)


def draft_bundle(
    project: Project, prepared: Prepared, dataset: Dataset, plan: Plan, trained: Trained, fairness: Fairness | None
) -> Bundle:
    """What was trained as a bundle, not packed yet; the same training is the same bundle."""
    rules = reason_rules(project, dataset, plan, trained)
    counted = tallies(prepared.rows, dataset, plan, trained, project.settings.fairness)
    return Bundle(
        name=project.name,
        scorer=trained.scorer,
        policy=trained.policy,
        golden=trained.golden,
        profile=trained.profile,
        card=card(project.settings, dataset, plan, trained, rules, prepared.findings, fairness, counted),
        linked=project.linked.only(dataset.contract.features),
        rules=rules,
        baseline=trained.baseline,
    )


def _beside(champion: _Champion, dataset: Dataset, plan: Plan, trained: Trained) -> list[PolicyRow]:
    outcome = dataset.outcome[trained.split.test]
    costs, probability = trained.test_costs, trained.test_probability
    return compare_policies(outcome, probability, trained.policy, costs, seed=plan.seed, champion=champion)


def _side_by_side(champion: _Champion, rows: pl.DataFrame, dataset: Dataset, trained: Trained) -> SideBySide:
    outcome = dataset.outcome[trained.split.test]
    cost = trained.policy.cost(outcome, trained.test_probability, trained.test_costs)
    return SideBySide(rows[trained.split.test], outcome, cost, champion[2])


_Champion = tuple[float, BoolArray, FloatArray]
"""Its threshold, whom of the test block it acts on, and what its decisions cost."""


def _champion_on_test(project: Project, rows: pl.DataFrame, dataset: Dataset, trained: Trained) -> _Champion | None:
    """What the champion would do about the new test block, at the costs of today.

    None without a champion that is whole and can read this table.

    A row that the champion would refuse counts as one it leaves alone: a refused customer is not acted on.
    """
    try:
        _, champion = project.bundle()
    except (NotFound, BundleRefused):  # an altered champion must not stand in the way of its successor
        return None
    if any(name not in rows.columns for name in champion.contract.read_names):
        return None
    decoded = decode_frame(champion.contract, rows[trained.split.test])
    policy, its_own = champion.policy, champion.policy.costs.of(decoded.columns)
    probability, read = champion.scorer.probability(decoded.columns), ~decoded.broken()
    act, reviewed = policy.act(probability, its_own) & read, policy.reviewed(probability, its_own) & read
    outcome, costs = dataset.outcome[trained.split.test], trained.test_costs
    cost = costs.each(outcome, act)
    if policy.review is not None:
        cost = np.where(reviewed, policy.review.each(outcome, costs), cost)
    return policy.threshold, act, cost


def _write_files(project: Project, trained: Trained, bundle: Bundle) -> Path:
    """Plots and tables of the run, in a folder that MLflow takes as it is."""
    from riskloop.report.plots import write_plots

    folder = project.locations.trainings / bundle.digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.json").write_bytes(json.dumps(bundle.card, indent=2).encode())
    (folder / "contract.json").write_bytes(json.dumps(bundle.contract.to_dict(), indent=2).encode())
    (folder / "settings.json").write_text(project.settings.model_dump_json(indent=2))
    write_segments(folder / "segments.csv", trained.examination.segments)
    write_plots(folder, trained)
    return folder
