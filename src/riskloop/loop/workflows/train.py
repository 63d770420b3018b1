"""`riskloop train`: check, learn, gate, pack, register; promote if asked and allowed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from riskloop.bundle.bundle import Bundle
from riskloop.bundle.load import load
from riskloop.bundle.pack import pack
from riskloop.bundle.sign import canonical
from riskloop.costs import BoolArray
from riskloop.data.dataset import Dataset, Prepared
from riskloop.data.frames import decode_frame
from riskloop.data.source import read
from riskloop.errors import BundleRefused, RiskloopError
from riskloop.findings import Finding, by_severity
from riskloop.keep.chain import Promotion
from riskloop.keep.versions import Version
from riskloop.learn.candidates import Candidate, select_candidates
from riskloop.learn.choice import Contender
from riskloop.learn.crossfit import OutOfFold
from riskloop.learn.training import Plan, Trained, Watcher
from riskloop.learn.training import train as learn
from riskloop.loop.gate import GateCheck, gate, latency_ms, passed
from riskloop.loop.project import Project
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
        Set when the version leads now.
    """

    version: Version
    trained: Trained
    gate: list[GateCheck]
    findings: tuple[Finding, ...]
    bundle: Path
    rows: int
    skipped: tuple[str, ...]
    promotion: Promotion | None

    @property
    def accepted(self) -> bool:
        return passed(self.gate)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without rows."""
        return {
            "version": self.version.version,
            "digest": self.version.digest,
            "accepted": self.accepted,
            "promoted": self.promotion is not None,
            "run_id": self.version.run_id,
            "bundle": str(self.bundle),
            "rows": self.rows,
            "skipped": list(self.skipped),
            "test": self.version.metrics,
            "gate": [check.to_dict() for check in self.gate],
            "findings": [finding.to_dict() for finding in self.findings],
            **self.version.summary,
        }


class Journal:
    """Finished candidates of an interrupted training, in plain arrays; forgotten when a training ends well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recall(self, candidate: str) -> OutOfFold | None:
        path = self.folder / f"{candidate}.npz"
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return OutOfFold(stored["margin"], float(stored["seconds"][0]), float(stored["seconds"][1]))

    def keep(self, candidate: str, result: OutOfFold) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{candidate}.npz"
        np.savez(draft, margin=result.margin, seconds=np.array([result.fit_seconds, result.predict_seconds]))
        draft.replace(self.folder / f"{candidate}.npz")

    def forget(self) -> None:
        for path in self.folder.glob("*.npz"):
            path.unlink()
        if self.folder.is_dir():
            self.folder.rmdir()


def plan_for(project: Project, rows: int, candidates: Sequence[str] = ()) -> Plan:
    """The training plan that the project's settings describe."""
    settings = project.settings
    training = settings.training
    return Plan(
        candidates=select_candidates(candidates or training.candidates, rows),
        costs=settings.costs.costs(),
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

    Raises
    ------
    GateRefused
        If the quality gate refuses the table; nothing is written but the quarantined rows.
    DataError, BundleRefused, Unavailable
        See `riskloop.learn.training.train`, `riskloop.bundle.pack` and the stores.
    """
    frame, source = read(project.source)
    prepared = prepare_table(project, frame)
    write_quarantine(project, frame, prepared.quality.reasons, Path(source.path).stem)
    refuse_blocked(prepared.findings, source.path)
    dataset = prepared.dataset
    if dataset is None:
        raise RiskloopError("No row passed the quality gate.", where=source.path, next_step="run `riskloop check`")
    plan = plan_for(project, len(dataset), candidates)
    journal = Journal(project.locations.unfinished / _key(project, dataset, plan))
    run = _Run(project, dataset, plan, watcher)
    try:
        trained = learn(dataset, plan, journal, run)
        result = _register(project, prepared, dataset, plan, trained, run)
    except BaseException:
        run.fail()
        raise
    journal.forget()
    if promote_reason and result.accepted:
        promotion = promote(project, result.version.version, reason=promote_reason)
        result = replace(result, promotion=promotion)
    return result


def _key(project: Project, dataset: Dataset, plan: Plan) -> str:
    described = {
        "data": dataset.fingerprint,
        "training": project.settings.training.model_dump(),
        "derived": dict(plan.derived),
    }
    return hashlib.sha256(canonical(described)).hexdigest()[:16]


class _Run:
    """Tells MLflow and the caller about progress."""

    def __init__(self, project: Project, dataset: Dataset, plan: Plan, watcher: Watcher | None) -> None:
        self._registry = project.registry
        self._watcher = watcher
        self._seed = plan.seed
        self.id = self._registry.start_run(
            "training",
            {
                "rows": len(dataset),
                "features": len(dataset.contract.features),
                "data_fingerprint": dataset.fingerprint,
                "candidates": ", ".join(candidate.name for candidate in plan.candidates),
                "split": plan.split,
                "test_share": plan.test_share,
                "folds": plan.folds,
                "seed": plan.seed,
                "policy": plan.policy,
                **{f"cost_{name}": value for name, value in plan.costs.to_dict().items()},
            },
        )

    def fold(self, candidate: str, done: int, total: int) -> None:
        if self._watcher:
            self._watcher.fold(candidate, done, total)

    def finished(self, contender: Contender) -> None:
        parameters = {
            "family": contender.name,
            "calibration": contender.calibration.calibration.kind,
            "threshold": contender.policy.threshold,
            "seed": self._seed,
        }
        child = self._registry.start_run(contender.name, parameters, self.id)
        self._registry.finish_run(child, contender_metrics(contender))
        if self._watcher:
            self._watcher.finished(contender)

    def finish(self, metrics: dict[str, float | None], parameters: dict[str, Any], files: Path) -> None:
        self._registry.finish_run(self.id, metrics, parameters, files)

    def fail(self) -> None:
        """Close the run as failed; the error that is on its way matters more than another from MLflow."""
        try:
            self._registry.finish_run(self.id, {}, failed=True)
        except RiskloopError:
            return


def contender_metrics(contender: Contender) -> dict[str, float | None]:
    """Out-of-fold metrics with interval ends, and times, for a run."""
    metrics: dict[str, float | None] = {}
    for name, interval in contender.evaluation.metrics.items():
        described = interval.to_dict()
        metrics[name] = described["value"]
        metrics[f"{name}_low"] = described["low"]
        metrics[f"{name}_high"] = described["high"]
    metrics["training_seconds"] = contender.out_of_fold.fit_seconds
    metrics["prediction_ms_per_1000"] = contender.out_of_fold.predict_seconds * 1000
    return metrics


def _register(
    project: Project, prepared: Prepared, dataset: Dataset, plan: Plan, trained: Trained, run: _Run
) -> TrainingResult:
    card = _card(project, dataset, plan, trained, prepared.findings)
    draft = Bundle(project.name, trained.scorer, trained.policy, trained.golden, trained.profile, card)
    packed, path = pack(draft, project.locations.bundles, project.keys)
    loaded = load(path, project.keys.trusted())
    parity = max(trained.parity, served_parity(loaded, prepared.rows, trained))
    outcome = dataset.outcome[trained.split.test]
    checks = gate(
        trained,
        outcome,
        project.settings.gate,
        parity=parity,
        latency_ms=latency_ms(loaded),
        champion_act=_champion_on_test(project, prepared.rows, trained),
        seed=plan.seed,
    )
    files = _write_files(project, packed.digest, trained, loaded)
    run.finish(
        {name: interval.to_dict()["value"] for name, interval in trained.test.metrics.items()} | {"parity": parity},
        {"family": trained.choice.chosen.name, "digest": packed.digest, "accepted": passed(checks)},
        files,
    )
    number = project.registry.register(run.id, path, dataset.contract, sorted(project.keys.trusted()))
    version = Version(
        version=number,
        name=project.name,
        digest=packed.digest,
        bundle=path.name,
        created_at=project.clock(),
        status="accepted" if passed(checks) else "refused",
        run_id=run.id,
        metrics=trained.test.to_dict(),
        gate=[check.to_dict() for check in checks],
        data_fingerprint=dataset.fingerprint,
        summary=_summary(trained, dataset),
    )
    project.versions.add(version)
    _store_customers(project, prepared.rows)
    skipped = tuple(
        candidate.name for candidate in select_candidates([], 0) if candidate.name not in _names(plan.candidates)
    )
    return TrainingResult(
        version,
        trained,
        checks,
        tuple(by_severity(prepared.findings)),
        path,
        len(dataset),
        () if project.settings.training.candidates else skipped,
        None,
    )


def _names(candidates: Sequence[Candidate]) -> set[str]:
    return {candidate.name for candidate in candidates}


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
    """The champion's decisions on the new test block; None without a champion that can read this table."""
    if project.promotions.state().champion is None:
        return None
    _, champion = project.bundle()
    if any(name not in rows.columns for name in champion.contract.features):
        return None
    decoded = decode_frame(champion.contract, rows[trained.split.test])
    return champion.policy.act(champion.scorer.probability(decoded.columns))


def _card(
    project: Project, dataset: Dataset, plan: Plan, trained: Trained, findings: tuple[Finding, ...]
) -> dict[str, Any]:
    """Facts that belong to the model; no times and no names of people, so that the same training is the same bytes."""
    chosen = trained.choice.chosen
    return {
        "family": chosen.name,
        "why": trained.choice.why,
        "calibration": chosen.calibration.to_dict(),
        "costs": plan.costs.to_dict(),
        "policies": [row.to_dict() for row in trained.policies],
        "verdict": trained.verdict,
        "test": trained.test.to_dict(),
        "out_of_fold": chosen.evaluation.to_dict(),
        "importance": trained.importance,
        "rows": {"training": len(trained.split.train), "test": len(trained.split.test)},
        "split": trained.split.kind,
        "seed": plan.seed,
        "data_fingerprint": dataset.fingerprint,
        "positive": {"target": dataset.problem.target, "value": dataset.problem.positive},
        "id": dataset.problem.id,
        "not_used": dict(project.settings.features.drop),
        "overrides": dict(project.settings.features.allow),
        "findings": [finding.to_dict() for finding in findings if finding.severity != "info"],
    }


def _summary(trained: Trained, dataset: Dataset) -> dict[str, Any]:
    chosen = trained.choice.chosen
    return {
        "family": chosen.name,
        "why": trained.choice.why,
        "verdict": trained.verdict,
        "threshold": trained.policy.threshold,
        "policy": trained.policy.to_dict(),
        "policies": [row.to_dict() for row in trained.policies],
        "rows": len(dataset),
        "contenders": [
            {
                "name": contender.name,
                "calibration": contender.calibration.calibration.kind,
                "training_seconds": round(contender.out_of_fold.fit_seconds, 4),
                "prediction_ms_per_1000": round(contender.out_of_fold.predict_seconds * 1000, 4),
                "metrics": contender.evaluation.to_dict()["metrics"],
            }
            for contender in trained.contenders
        ],
        "difference": {name: one.to_dict() for name, one in trained.choice.difference.items()},
    }


def _write_files(project: Project, digest: str, trained: Trained, bundle: Bundle) -> Path:
    """Plots and tables of the run, in a folder that MLflow takes as it is."""
    from riskloop.report.plots import write_plots

    folder = project.locations.trainings / digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.json").write_bytes(json.dumps(bundle.card, indent=2).encode())
    (folder / "contract.json").write_bytes(json.dumps(bundle.contract.to_dict(), indent=2).encode())
    (folder / "settings.json").write_text(project.settings.model_dump_json(indent=2))
    write_plots(folder, trained)
    return folder


def _store_customers(project: Project, frame: pl.DataFrame) -> None:
    """Keep the newest features of every customer, so that the service can score by id."""
    name = project.settings.problem.id
    if name is None or name not in frame.columns:
        return
    from riskloop.data.frames import as_text

    features = list(project.contract.features)
    rows = frame.select(features).to_dicts()
    ids = as_text(frame[name]).to_list()
    pairs = (
        (customer, json.dumps(row, ensure_ascii=False)) for customer, row in zip(ids, rows, strict=True) if customer
    )
    project.customers.replace_all(pairs, as_of=project.clock())
