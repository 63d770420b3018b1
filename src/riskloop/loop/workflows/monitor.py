"""`riskloop monitor`: what has moved since training, in a batch or in the ledger, what it costs, and how good decisions
are: estimated, and realised where outcomes are known."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from riskloop.costs import Costs
from riskloop.data.source import read_in_parts
from riskloop.errors import DataError, NotFound
from riskloop.findings import Finding
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.keep.versions import Version
from riskloop.learn.evaluation.metrics import Evaluation, evaluate
from riskloop.loop.project import Project
from riskloop.loop.table import read_table
from riskloop.loop.watching.batches import latest, newest
from riskloop.loop.watching.final import final_outcomes
from riskloop.loop.watching.seen import Seen, pages_of
from riskloop.loop.workflows.performance import keep_estimates
from riskloop.loop.workflows.score_parts import ROWS, is_large
from riskloop.report.documents.drift import Watched, drift_report
from riskloop.report.documents.writing import Written, write_document
from riskloop.report.words import Language
from riskloop.watch.drift import Drift, drift
from riskloop.watch.performance import Estimated, estimate, fallen
from riskloop.watch.profile import Profile

_UNUSED = Costs(fp=1, fn=1)  # every decision brings its own cost


@dataclass(frozen=True)
class Monitored:
    """What `monitor` found.

    Attributes
    ----------
    name : str
        Of the batch, or since when the ledger was read.
    path : str
        The file, or ``ledger``.
    version : Version
    drift : Drift
    current : Profile
        Of the rows seen.
    estimated : Estimated
        Performance to be expected, from the probabilities alone.
    realised : Evaluation or None
        On the rows whose outcome is known.
    promised : mapping
        Metrics of the test block, from the card.
    not_judged : tuple of str
        Columns of the contract that the rows lack.
    personal : frozenset of str
        Columns of which no value is quoted.
    findings : tuple of Finding
    """

    name: str
    path: str
    version: Version
    digest: str
    currency: str
    drift: Drift
    reference: Profile
    current: Profile
    estimated: Estimated
    realised: Evaluation | None
    promised: Mapping[str, Any]
    not_judged: tuple[str, ...]
    personal: frozenset[str]
    findings: tuple[Finding, ...]
    generated: datetime

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "path": self.path,
            "version": self.version.version,
            "digest": self.digest,
            "currency": self.currency,
            **self.drift.to_dict(),
            "estimated": self.estimated.to_dict(),
            "realised": None if self.realised is None else self.realised.to_dict(),
            "promised": dict(self.promised),
            "not_judged": list(self.not_judged),
            "findings": [one.to_dict() for one in self.findings],
            "generated": self.generated.isoformat(),
        }


def monitor_batch(project: Project, path: str, *, version: int | None = None) -> Monitored:
    """Hold a batch against what a version learnt from; a folder stands for its newest batch, see `newest`.

    Outcomes in the batch are compared with the decisions, and never count as a feature that moves. Large files are read
    in parts.

    Raises
    ------
    NotFound
        If there is no champion, no such version, or no batch in the folder.
    DataError
        If the batch holds no rows or lacks a column of the contract, or the version has no profile.
    """
    batch = _newest(project, Path(path)) if Path(path).is_dir() else Path(path)
    record, bundle = project.bundle(version)
    seen = Seen(bundle, Profile.from_dict(bundle.profile))
    problem, source = project.settings.problem.problem(), project.source.like(str(batch))
    findings: tuple[Finding, ...] = ()
    if bundle.linked.tables or not is_large(source):
        table = read_table(project, source, bundle.linked)
        findings = table.findings
        seen.frame(table.frame, problem)
    else:
        for frame in read_in_parts(source, ROWS):
            seen.frame(frame, problem)
    if not seen.rows:
        raise DataError("The batch holds no rows.", where=str(batch), next_step="give a table with customers")
    name = batch.name.partition(".")[0]
    found = _monitored(project, record, seen, name, str(batch))
    return replace(found, findings=(*findings, *found.findings))


def _newest(project: Project, folder: Path) -> Path:
    time = project.settings.problem.time
    return newest(folder, lambda path: latest(project.source.like(str(path)), time))


def monitor_ledger(
    project: Project, since: datetime | None = None, *, until: datetime | None = None, version: int | None = None
) -> Monitored:
    """Hold what the ledger has kept of a version against what the version learnt from; shadows are left out.

    Predictions made at or after ``since`` and before ``until`` count, and outcomes that are final. Windows that are
    over are estimated, and the estimates are kept.

    Raises
    ------
    NotFound
        If there is no champion, no such version, or nothing in the ledger.
    DataError
        If the version has no profile.
    """
    record, bundle = project.bundle(version)
    seen = Seen(bundle, Profile.from_dict(bundle.profile))
    for page in pages_of(final_outcomes(project, version=record.version, since=since, until=until)):
        seen.page(page)
    if not seen.rows:
        when = f" since {since:%Y-%m-%d}" if since else ""
        raise NotFound(
            f"The ledger holds no prediction of version {record.version}{when}.",
            where="ledger",
            next_step="score customers first, or name a batch: riskloop monitor --batch FILE",
        )
    keep_estimates(project)
    name = f"ledger-{since:%Y-%m-%d}" if since else "ledger"
    return _monitored(project, record, seen, name, "ledger")


def predictions_of(project: Project, record: Version, since: datetime | None = None) -> Iterator[Prediction]:
    """What `monitor_ledger` looks at."""
    return (prediction for prediction, _ in _judged(project, record, since))


def _judged(project: Project, record: Version, since: datetime | None) -> Iterator[tuple[Prediction, Outcome | None]]:
    return (
        one
        for one in project.ledger.with_outcomes(since=since)
        if one[0].version == record.version and one[0].arm != "shadow"
    )


def stem_of(kind: str, name: str) -> str:
    """Of the files about a batch."""
    return f"{kind}-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", name)


def write_drift_report(project: Project, found: Monitored, language: Language = "en") -> Written:
    """Write ``drift-NAME.html``, ``.md`` and ``.json`` in ``.riskloop/reports``.

    Raises
    ------
    RiskloopError
        If they cannot be written.
    """
    profile = json.dumps(found.current.to_dict(), sort_keys=True).encode()
    watched = Watched(
        title=project.name,
        name=found.name,
        version=found.version.version,
        digest=found.digest,
        profile=hashlib.sha256(profile).hexdigest(),
        currency=found.currency,
        generated=found.generated,
        drift=found.drift,
        reference=found.reference,
        current=found.current,
        estimated=found.estimated.to_dict(),
        realised=None if found.realised is None else found.realised.to_dict(),
        promised=found.promised,
        not_judged=found.not_judged,
        personal=found.personal,
        raw=found.to_dict(),
    )
    suffix = "" if language == "en" else f".{language}"
    return write_document(
        drift_report(watched, language), project.locations.reports, stem_of("drift", found.name) + suffix
    )


def _monitored(project: Project, record: Version, seen: Seen, name: str, path: str) -> Monitored:
    current, bundle = seen.current(), seen.bundle
    probability, act = np.concatenate(seen.probability), np.concatenate(seen.act)
    positive, negative = (np.concatenate([one[way] for one in seen.costs]) for way in (0, 1))
    outcome, known = np.concatenate(seen.outcome), np.concatenate(seen.known)
    realised = None
    if known.any():
        happened = outcome[known]
        cost = np.where(happened, positive[known], negative[known])
        realised = evaluate(happened, probability[known], act[known], _UNUSED, seed=0, cost=cost)
    promised = bundle.card.get("test", {}).get("metrics", {})
    found = drift(seen.reference, current, project.settings.monitoring.thresholds())
    personal = frozenset(column.name for column in bundle.contract.columns if column.personal)
    columns = tuple(one.without_values() if one.name in personal else one for one in found.columns)
    found = replace(found, columns=columns)
    worse = fallen(promised, realised.to_dict()["metrics"]) if realised and found.rows >= found.thresholds.rows else ()
    if worse:
        found = replace(found, verdict="drifted", reasons=(*worse, *found.reasons))
    return Monitored(
        name=name,
        path=path,
        version=record,
        digest=bundle.digest,
        currency=bundle.policy.costs.currency,
        drift=found,
        reference=seen.reference,
        current=current,
        estimated=estimate(probability, act, (positive, negative)),
        realised=realised,
        promised=promised,
        not_judged=tuple(sorted(seen.lacking)),
        personal=personal,
        findings=_of_a_sample(seen),
        generated=project.clock(),
    )


def _of_a_sample(seen: Seen) -> tuple[Finding, ...]:
    if seen.step == 1:
        return ()
    return (
        Finding(
            "performance-of-a-sample",
            "info",
            f"Performance is told from every {seen.step}th of {seen.decided:,} rows; drift and expected cost from all.",
            "nothing: the intervals are those of the rows it is told from",
            rows=seen.decided,
            evidence={"step": seen.step},
        ),
    )
