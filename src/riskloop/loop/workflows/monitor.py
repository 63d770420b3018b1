"""`riskloop monitor`: what has moved since training, in a batch or in the ledger, what it costs, and how good decisions
are: estimated, and realised where outcomes are known."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.bundle.bundle import Bundle
from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.data.contract import Breach, Columns
from riskloop.data.frames import decode_frame
from riskloop.data.outcome import known_outcome
from riskloop.data.source import read_in_parts
from riskloop.decide.prices import priceless
from riskloop.errors import DataError, NotFound, UsageError
from riskloop.findings import Finding
from riskloop.keep.ledger import Prediction
from riskloop.keep.outcomes import Outcome
from riskloop.keep.versions import Version
from riskloop.learn.evaluation.metrics import Evaluation, evaluate
from riskloop.loop.project import Project
from riskloop.loop.table import read_table
from riskloop.loop.workflows.score_parts import ROWS, is_large
from riskloop.problem import Problem
from riskloop.report.documents.drift import Watched, drift_report
from riskloop.report.documents.writing import Written, write_document
from riskloop.report.words import Language
from riskloop.watch.drift import Drift, drift
from riskloop.watch.performance import Estimated, both_ways, estimate, fallen
from riskloop.watch.profile import Profile, Scores

_PAGE = 10_000
_UNUSED = Costs(fp=1, fn=1)  # every decision brings its own cost
_TABLES = (".csv", ".csv.gz", ".parquet", ".tsv", ".txt")
_DATE = re.compile(r"(?<!\d)(20\d{2})[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?!\d)")


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
    batch = newest(Path(path)) if Path(path).is_dir() else Path(path)
    record, bundle = project.bundle(version)
    seen = _Seen(bundle, Profile.from_dict(bundle.profile))
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
    return replace(_monitored(project, record, seen, name, str(batch)), findings=findings)


def monitor_ledger(project: Project, since: datetime | None = None, *, version: int | None = None) -> Monitored:
    """Hold what the ledger has kept of a version against what the version learnt from; shadows are left out.

    Raises
    ------
    NotFound
        If there is no champion, no such version, or nothing in the ledger.
    DataError
        If the version has no profile.
    """
    record, bundle = project.bundle(version)
    seen = _Seen(bundle, Profile.from_dict(bundle.profile))
    judged = (
        one
        for one in project.ledger.with_outcomes(since=since)
        if one[0].version == record.version and one[0].arm != "shadow"
    )
    for page in _pages(judged):
        seen.page(page)
    if not seen.rows:
        when = f" since {since:%Y-%m-%d}" if since else ""
        raise NotFound(
            f"The ledger holds no prediction of version {record.version}{when}.",
            where="ledger",
            next_step="score customers first, or name a batch: riskloop monitor --batch FILE",
        )
    name = f"ledger-{since:%Y-%m-%d}" if since else "ledger"
    return _monitored(project, record, seen, name, "ledger")


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
    stem = "drift-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", found.name)
    suffix = "" if language == "en" else f".{language}"
    return write_document(drift_report(watched, language), project.locations.reports, stem + suffix)


def newest(folder: Path) -> Path:
    """The newest batch of a folder: by the date in its name, else by the number; never by the time of the file.

    Raises
    ------
    NotFound
        If there is no table.
    UsageError
        If several have neither date nor number.
    """
    tables = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().endswith(_TABLES))
    if not tables:
        raise NotFound("There is no table in this folder.", where=str(folder), next_step="name a file with --batch")
    dated = [path for path in tables if _date_in(path.name)]
    if dated:
        return max(dated, key=lambda path: (_date_in(path.name), _numbers(path.name), path.name))
    numbered = [path for path in tables if _numbers(path.name)]
    if numbered:
        return max(numbered, key=lambda path: (_numbers(path.name), path.name))
    if len(tables) > 1:
        raise UsageError(
            f"None of the {len(tables)} tables has a date in its name, so that the newest cannot be told.",
            where=str(folder),
            next_step="name them such as batch-2026-11-01.csv, or name the file",
        )
    return tables[0]


def _date_in(name: str) -> date | None:
    """The last date that a name holds; a month stands for its first day."""
    found = None
    for year, month, day in _DATE.findall(name):
        try:
            found = date(int(year), int(month), int(day or 1))
        except ValueError:
            continue
    return found


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", name))


@dataclass
class _Seen:
    """Rows on their way: profiles are added up, and of each row only what a performance is computed from is kept."""

    bundle: Bundle
    reference: Profile
    profile: Profile | None = None
    rows: int = 0
    lacking: set[str] = field(default_factory=set)
    probability: list[FloatArray] = field(default_factory=list)
    act: list[BoolArray] = field(default_factory=list)
    costs: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    outcome: list[BoolArray] = field(default_factory=list)
    known: list[BoolArray] = field(default_factory=list)

    def frame(self, frame: pl.DataFrame, problem: Problem) -> None:
        """Rows of a table, decided about anew."""
        bundle = self.bundle
        decoded = decode_frame(bundle.contract, frame)
        kept = ~decoded.broken()
        costs = bundle.policy.costs.of(decoded.columns)
        kept &= ~np.broadcast_to(priceless(costs), frame.height)
        columns = _take(decoded.columns, kept)
        scores = Scores.of(bundle.policy, bundle.scorer.probability(columns), costs.take(kept))
        self._add(decoded.columns, decoded.breaches, scores, kept)
        if problem.target_column in frame.columns:
            outcome, known = known_outcome(frame, problem)
            self._outcomes(outcome[kept], known[kept])
        else:
            nothing = np.zeros(int(kept.sum()), dtype=bool)
            self._outcomes(nothing, nothing)

    def page(self, page: list[tuple[Prediction, Outcome | None]]) -> None:
        """Rows of the ledger, as they were decided."""
        policy, contract = self.bundle.policy, self.bundle.contract
        for from_file, group in groupby(page, key=lambda one: one[0].arm == "batch"):
            told = list(group)
            decoded = contract.decode_rows([one.features for one, _ in told], typed=not from_file)
            absent = {b.column for b in decoded.breaches if b.code == "absent" and len(b.rows) == len(told)}
            self.lacking |= absent
            breaches = [one for one in decoded.breaches if one.code != "unexpected" and one.column not in absent]
            kept = np.ones(len(told), dtype=bool)
            for breach in breaches:
                kept[breach.rows] = False
            probability = np.array([one.probability for one, _ in told])[kept]
            act = np.array([one.decision == policy.labels[0] for one, _ in told])[kept]
            reviewed = np.array([policy.review is not None and one.decision == policy.review.label for one, _ in told])
            costs = policy.costs.of(_take(decoded.columns, kept))
            expected = costs.expected(probability, act)
            if policy.review is not None:
                expected = np.where(reviewed[kept], policy.review.expected(probability, costs), expected)
            scores = Scores(probability, act, reviewed[kept], np.asarray(expected))
            self._add(decoded.columns, breaches, scores, kept)
            outcomes = [(bool(said and said.outcome), said is not None) for _, said in told]
            both = np.array(outcomes, dtype=bool)
            self._outcomes(both[kept, 0], both[kept, 1])

    def _add(self, columns: Columns, breaches: Iterable[Breach], scores: Scores, kept: BoolArray) -> None:
        refused: dict[str, BoolArray] = {}
        for breach in breaches:
            if breach.column in columns:
                refused.setdefault(breach.column, np.zeros(len(kept), dtype=bool))[breach.rows] = True
        made = self.reference.measure(columns, scores, refused)
        self.profile = made if self.profile is None else self.profile.merge(made)
        self.rows += len(kept)
        policy = self.bundle.policy
        costs = policy.costs.of(_take(columns, kept))
        self.probability.append(scores.probability)
        self.act.append(scores.act)
        self.costs.append(both_ways(policy, scores.act, scores.reviewed, costs, len(scores)))

    def _outcomes(self, outcome: BoolArray, known: BoolArray) -> None:
        self.outcome.append(outcome)
        self.known.append(known)

    def current(self) -> Profile:
        """Everything seen, without the columns that were not."""
        assert self.profile is not None  # noqa: S101 - rows were seen
        columns = {name: one for name, one in self.profile.columns.items() if name not in self.lacking}
        return replace(self.profile, columns=columns)


def _take(columns: Columns, rows: NDArray[Any]) -> Columns:
    return {name: values[rows] for name, values in columns.items()}


def _pages(
    judged: Iterator[tuple[Prediction, Outcome | None]],
) -> Iterator[list[tuple[Prediction, Outcome | None]]]:
    page: list[tuple[Prediction, Outcome | None]] = []
    for one in judged:
        page.append(one)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _monitored(project: Project, record: Version, seen: _Seen, name: str, path: str) -> Monitored:
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
        findings=(),
        generated=project.clock(),
    )
