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
from riskloop.costs import BoolArray
from riskloop.data.dataset import Dataset, Prepared
from riskloop.data.frames import as_text, decode_frame
from riskloop.data.source import read
from riskloop.errors import BundleRefused, Conflict, DataError, NotFound
from riskloop.findings import Finding, by_severity
from riskloop.keep.chain import Promotion
from riskloop.keep.versions import Version
from riskloop.learn.candidates.families import FAMILIES, select_blends, select_candidates
from riskloop.learn.selecting import Plan, Watcher
from riskloop.learn.training import Trained
from riskloop.learn.training import train as learn
from riskloop.loop.card import card, summary
from riskloop.loop.gate import GateCheck, gate, latency_ms, passed
from riskloop.loop.journal import open_journal
from riskloop.loop.project import Project
from riskloop.loop.run import Run, training_run
from riskloop.loop.workflows.check import prepare_table, refuse_blocked, write_quarantine
from riskloop.loop.workflows.release import promote

_SERVED_ROWS = 2_000
"""Test rows that go through the serving path (text, one by one) to prove parity."""


@dataclass(frozen=True)
class TrainingResult:
    """One finished training.

    Attributes
    ----------
    version : Version
    trained : Trained
    gate : list of GateCheck
    findings : tuple of Finding
    bundle : Path
    rows : int
        Rows that passed the quality gate.
    skipped : tuple of str
        Families not tried because the table is too large for them.
    promotion : Promotion or None
        Set when the version leads now, or waits for a second person.
    """

    version: Version
    trained: Trained
    gate: list[GateCheck]
    findings: tuple[Finding, ...]
    bundle: Path
    rows: int
    skipped: tuple[str, ...] = ()
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


def plan_for(project: Project, rows: int, candidates: Sequence[str] = ()) -> Plan:
    """The training plan that the project's settings describe."""
    settings = project.settings
    training = settings.training
    return Plan(
        candidates=select_candidates(candidates or training.candidates, rows),
        costs=settings.costs.costs(),
        blends=select_blends(candidates or training.candidates),
        policy=training.policy,
        policy_value=training.policy_value,
        bands=settings.serving.bands,
        labels=settings.serving.labels,
        folds=training.folds,
        test_share=training.test_share,
        split=training.split or ("time" if settings.problem.time else "random"),
        embargo_days=training.embargo_days,
        seed=training.seed,
        derived=settings.features.derived,
    )


def train(
    project: Project,
    *,
    candidates: Sequence[str] = (),
    promote_reason: str | None = None,
    watcher: Watcher | None = None,
) -> TrainingResult:
    """Train on the project's table and register the result as a new version.

    A version that the gate refuses is registered as refused, with the reasons. Interrupted training resumes: finished
    candidates are kept until a training ends.

    Parameters
    ----------
    candidates : sequence of str
        Families to try; those of the settings, or all that suit the table, if empty.
    promote_reason : str, optional
        Promote the version for this reason if the gate accepts it.
    watcher : Watcher, optional
        Told about progress.

    Raises
    ------
    GateRefused
        If the quality gate refuses the table; nothing is written but the quarantined rows.
    DataError, BundleRefused, Unavailable
        See `riskloop.learn.training.train`, `riskloop.bundle.pack` and the stores.
    """
    prepared, dataset = _prepare(project)
    project.keys.create()  # on a fresh checkout there is none: better now than after an hour of training
    plan = plan_for(project, len(dataset), candidates)
    journal = open_journal(project.locations.unfinished, dataset, plan)
    with training_run(project.registry, dataset, plan, watcher) as run:
        trained = learn(dataset, plan, journal, run)
        result = _register(project, prepared, dataset, plan, trained, run)
    journal.forget()
    _store_customers(project, prepared.rows, dataset)
    if not (candidates or project.settings.training.candidates):
        result = replace(result, skipped=_too_slow(len(dataset)))
    if promote_reason and result.accepted:
        promotion = promote(project, result.version.version, reason=promote_reason)
        result = replace(result, promotion=promotion)
    return result


def _prepare(project: Project) -> tuple[Prepared, Dataset]:
    frame, source = read(project.source)
    prepared = prepare_table(project, frame)
    write_quarantine(project, frame, prepared.quality.reasons, Path(source.path).stem)
    refuse_blocked(prepared.findings, source.path)
    if prepared.dataset is None:
        raise DataError("No row passed the quality gate.", where=source.path, next_step="run `riskloop check`")
    return prepared, prepared.dataset


def _too_slow(rows: int) -> tuple[str, ...]:
    return tuple(family.name for family in FAMILIES if family.max_rows is not None and rows > family.max_rows)


def _register(
    project: Project, prepared: Prepared, dataset: Dataset, plan: Plan, trained: Trained, run: Run
) -> TrainingResult:
    """Pack the model, prove the pack, hold it against the gate, and record all that as a version."""
    described = card(project.settings, dataset, plan, trained, prepared.findings)
    draft = Bundle(project.name, trained.scorer, trained.policy, trained.golden, trained.profile, described)
    packed, path = pack(draft, project.locations.bundles, project.keys)
    loaded = load(path, project.keys.trusted())
    parity = max(trained.parity, served_parity(loaded, prepared.rows, trained))
    checks = gate(
        trained,
        dataset.outcome[trained.split.test],
        project.settings.gate,
        parity=parity,
        latency_ms=latency_ms(loaded),
        champion_act=_champion_on_test(project, prepared.rows, trained),
        seed=plan.seed,
    )
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
        summary=summary(dataset, trained),
    )
    project.versions.add(version)
    return TrainingResult(version, trained, checks, tuple(by_severity(prepared.findings)), path, len(dataset))


def served_parity(bundle: Bundle, rows: pl.DataFrame, trained: Trained) -> float:
    """Largest difference between training and the packed bundle fed the table's own raw rows, as a caller would.

    Raises
    ------
    BundleRefused
        If a test row that training accepted is refused in service.
    """
    positions = trained.split.test[:_SERVED_ROWS]
    raw = rows.select(bundle.contract.features)[positions].to_dicts()
    probability, decoded = bundle.score(raw, typed=False)
    if decoded.breaches:
        raise BundleRefused(
            f"Service refuses a row that training accepted: {decoded.breaches[0].message}.",
            where=f"column {decoded.breaches[0].column!r}",
        )
    return float(np.abs(probability - trained.test_probability[: len(positions)]).max())


def _champion_on_test(project: Project, rows: pl.DataFrame, trained: Trained) -> BoolArray | None:
    """The champion's decisions on the new test block; None without a champion that is whole and can read this table.

    A row that the champion would refuse counts as one it leaves alone: a refused customer is not acted on.
    """
    try:
        _, champion = project.bundle()
    except (NotFound, BundleRefused):  # an altered champion must not stand in the way of its successor
        return None
    if any(name not in rows.columns for name in champion.contract.features):
        return None
    decoded = decode_frame(champion.contract, rows[trained.split.test])
    return champion.policy.act(champion.scorer.probability(decoded.columns)) & ~decoded.broken()


def _write_files(project: Project, trained: Trained, bundle: Bundle) -> Path:
    """Plots and tables of the run, in a folder that MLflow takes as it is."""
    from riskloop.report.plots import write_plots

    folder = project.locations.trainings / bundle.digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.json").write_bytes(json.dumps(bundle.card, indent=2).encode())
    (folder / "contract.json").write_bytes(json.dumps(bundle.contract.to_dict(), indent=2).encode())
    (folder / "settings.json").write_text(project.settings.model_dump_json(indent=2))
    write_plots(folder, trained)
    return folder


def _store_customers(project: Project, rows: pl.DataFrame, dataset: Dataset) -> None:
    """Keep the newest features of every customer, so that the service can score by id."""
    name = dataset.problem.id
    if name is None or name not in rows.columns:
        return
    features = rows.select(dataset.contract.features)
    table = pl.DataFrame({"id": as_text(rows[name]), "features": features.select(pl.struct("*").struct.json_encode())})
    if dataset.time is not None:
        table = table[np.argsort(dataset.time, kind="stable")]
    newest = table.drop_nulls("id").unique("id", keep="last", maintain_order=True)
    with suppress(Conflict):  # a training that began later was done first: its customers are newer
        project.customers.replace_all(newest.iter_rows(), as_of=project.clock())
