"""`riskloop monitor`: what has moved since training, in a batch or in the ledger, what it costs, and how good decisions
are: estimated, and realised where outcomes are known."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from riskloop.costs import Costs
from riskloop.data.source import read_in_parts
from riskloop.engines.engine import Engine
from riskloop.errors import DataError, NotFound, UsageError
from riskloop.findings import Finding
from riskloop.keep.ledger import Prediction
from riskloop.keep.versions import Version
from riskloop.learn.evaluation.metrics import evaluate
from riskloop.learn.telling_apart import MOST_ROWS
from riskloop.loop.posting import Post, Reopen
from riskloop.loop.project import Project
from riskloop.loop.table import read_table
from riskloop.loop.watching.batches import latest, newest
from riskloop.loop.watching.beside import Beside, base_of, raised, segment_of, slices_of
from riskloop.loop.watching.final import final_outcomes
from riskloop.loop.watching.folding import Ledgered, Slice, by_period, together
from riskloop.loop.watching.gathering import gather
from riskloop.loop.watching.monitored import Monitored
from riskloop.loop.watching.runs import judged_run
from riskloop.loop.watching.seen import Seen, pages_of
from riskloop.loop.workflows.performance import keep_estimates
from riskloop.loop.workflows.score_parts import ROWS, is_large
from riskloop.report.documents.drift import Watched, drift_report
from riskloop.report.documents.writing import Written, write_document
from riskloop.report.words import Language
from riskloop.watch.column_drift import Reason
from riskloop.watch.drift import Drift, drift
from riskloop.watch.performance import estimate, fallen
from riskloop.watch.profile import Profile
from riskloop.watch.windows import Period, Window, window_of

_DAYS, _EVERY_DAY = 400, 3_660  # of an event time, in one part of a batch: beyond, weeks
_UNUSED = Costs(fp=1, fn=1)  # every decision brings its own cost


def monitor_batch(
    project: Project,
    path: str,
    *,
    version: int | None = None,
    by: Period | None = None,
    segment: str | None = None,
    classifier: bool = False,
    engine: Engine | None = None,
    reopen: Reopen | None = None,
) -> Monitored:
    """Hold a batch against what a version learnt from; a folder stands for its newest batch, see `newest`.

    Outcomes in the batch are compared with the decisions, and never count as a feature that moves. Large files are read
    in parts.

    Parameters
    ----------
    path : str
        A file, or a folder of batches.
    version : int, optional
        The champion if left out.
    by : {"day", "week", "month"}, optional
        Also tell windows of the event time.
    segment : str, optional
        Also judge the customers of every level of this category column.
    classifier : bool
        Also try to tell the batch from the training rows.
    engine : Engine, optional
        The batch is a dataset, a folder or glob of Parquet files, and is counted partition by partition.
    reopen : callable, optional
        With it: opens the project where a worker is; a function of a module.

    Raises
    ------
    NotFound
        If there is no champion, no such version, or no batch in the folder.
    DataError
        If the batch holds no rows or lacks a column of the contract, or the version has no profile.
    UsageError
        If windows are asked for and the batch has no event time, or the column is no category of the contract.
    """
    batch = _newest(project, Path(path)) if Path(path).is_dir() and engine is None else Path(path)
    record, bundle = project.bundle(version)
    problem, source = project.settings.problem.problem(), project.source.like(str(batch))
    seen = Seen(
        bundle,
        Profile.from_dict(bundle.profile),
        sample=MOST_ROWS if classifier else 0,
        sensitive=problem.sensitive,
        segment=segment_of(bundle, segment),
        most_days=_EVERY_DAY if by == "day" else _DAYS,
    )
    findings: tuple[Finding, ...] = ()
    if engine is not None and reopen is not None:
        if bundle.linked.tables:
            raise UsageError("A table with linked tables is read as a whole.", where=path, next_step="leave out --on")
        gather(seen, Post.of(project, reopen, record), path, engine)
    elif bundle.linked.tables or not is_large(source):
        table = read_table(project, source, bundle.linked)
        findings = table.findings
        seen.frame(table.frame, problem)
    else:
        for frame in read_in_parts(source, ROWS):
            seen.frame(frame, problem)
    if not seen.rows:
        raise DataError("The batch holds no rows.", where=str(batch), next_step="give a table with customers")
    slices = slices_of(seen, project.clock())
    if by and (by == "hour" or not seen.days):
        raise UsageError(
            "The batch cannot be told by hours." if seen.days else "The batch has no event time that can be read.",
            where="--by",
            next_step="name days, weeks or months, and the event time in problem.time"
            if by == "hour"
            else "leave it out",
        )
    thresholds = project.settings.monitoring.thresholds()
    days = [one.profile for one in by_period(slices, "day")] if seen.days else []
    found = drift(seen.reference, seen.current(), thresholds, days=days)
    run = judged_run(seen.reference, slices, by, thresholds) if by else ()
    made = _monitored(project, record, seen, seen.current(), found, _name(batch), str(batch))
    more = Beside(project, record.version, bundle, seen.reference)
    made = replace(made, findings=(*findings, *made.findings), by=by, windows=run, groups=more.groups(slices, by))
    if seen.segment:
        now = window_of(project.clock(), "day")
        levels = {level: [Slice(now, profile)] for level, profile in seen.levels.items()}
        made = replace(made, segments=more.segments(seen.segment, levels))
    if classifier:
        made = replace(made, classifier=more.classifier(seen))
    return _with_more(made)


def _name(batch: Path) -> str:
    """Of the batch; of a glob, the folder's."""
    return (batch.parent if "*" in batch.name else batch).name.partition(".")[0]


def _newest(project: Project, folder: Path) -> Path:
    time = project.settings.problem.time
    return newest(folder, lambda path: latest(project.source.like(str(path)), time))


def monitor_ledger(
    project: Project,
    since: datetime | None = None,
    *,
    until: datetime | None = None,
    version: int | None = None,
    by: Period | None = None,
    segment: str | None = None,
    classifier: bool = False,
) -> Monitored:
    """Hold what the ledger has kept of a version against what the version learnt from; shadows are left out.

    Windows of time that are over are profiled once and stored; what is asked again is not read again. Outcomes that are
    final count. Windows that are over are estimated, and the estimates are kept.

    Parameters
    ----------
    since, until : datetime, optional
        Predictions made at or after ``since``, in windows that begin before ``until``.
    version : int, optional
        The champion if left out.
    by : {"hour", "day", "week", "month"}, optional
        Judge the newest window that has enough rows, beside its season; without, everything since as one.
    segment, classifier
        As in `monitor_batch`.

    Raises
    ------
    NotFound
        If there is no champion, no such version, or nothing in the ledger.
    DataError
        If the version has no profile.
    UsageError
        If the column is no category of the contract.
    """
    record, bundle = project.bundle(version)
    reference = Profile.from_dict(bundle.profile)
    thresholds = project.settings.monitoring.thresholds()
    ledgered = Ledgered(project, record.version, bundle, reference)
    column, base = segment_of(bundle, segment), base_of(by)
    slices = [one for one in ledgered.slices(base, since) if until is None or one.window.start < until]
    if not slices:
        when = f" since {since:%Y-%m-%d}" if since else ""
        raise NotFound(
            f"The ledger holds no prediction of version {record.version}{when}.",
            where="ledger",
            next_step="score customers first, or name a batch: riskloop monitor --batch FILE",
        )
    past = list(ledgered.stored(base, slices[0].window.start))
    run = judged_run(reference, slices, by or "day", thresholds, past)
    chosen, window = slices, Window(since or slices[0].window.start, slices[-1].window.end)
    if by:
        newest_one = next((one for one in reversed(run) if one.drift.rows >= thresholds.rows), run[-1])
        window = Window(max(window.start, newest_one.window.start), newest_one.window.end)
        chosen, found = [one for one in slices if one.window.start in newest_one.window], newest_one.drift
    whole = together(chosen)
    assert whole is not None  # noqa: S101 - there are slices
    if not by:
        days = [one.profile for one in by_period(slices, "day")]
        found = drift(reference, whole.profile, thresholds, days=days)
    seen = Seen(bundle, reference, profiled=False, sample=MOST_ROWS if classifier else 0)
    for page in pages_of(final_outcomes(project, version=record.version, since=window.start, until=window.end)):
        seen.page(page)
    keep_estimates(project)
    name = f"ledger-{since:%Y-%m-%d}" if since else "ledger"
    name = f"{name}-{by}-{window.start:%Y-%m-%dT%H}" if by else name
    made = _monitored(project, record, seen, whole.profile, found, name, "ledger")
    more = Beside(project, record.version, bundle, reference)
    made = replace(made, by=by, windows=run, groups=more.groups(slices, by or "day"))
    if column:
        levels = {
            level: [one for one in parts if one.window.start < window.end]
            for level, parts in ledgered.by_level(base, column, window.start).items()
        }
        made = replace(made, segments=more.segments(column, levels, before=window.start))
    if classifier:
        made = replace(made, classifier=more.classifier(seen, before=window.start))
    return _with_more(made)


def predictions_of(project: Project, record: Version, since: datetime | None = None) -> Iterator[Prediction]:
    """What `monitor_ledger` looks at."""
    return project.ledger.within(record.version, since)


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


def _monitored(
    project: Project, record: Version, seen: Seen, current: Profile, found: Drift, name: str, path: str
) -> Monitored:
    bundle = seen.bundle
    probability, act = np.concatenate(seen.probability), np.concatenate(seen.act)
    positive, negative = (np.concatenate([one[way] for one in seen.costs]) for way in (0, 1))
    outcome, known = np.concatenate(seen.outcome), np.concatenate(seen.known)
    realised = None
    if known.any():
        happened = outcome[known]
        cost = np.where(happened, positive[known], negative[known])
        realised = evaluate(happened, probability[known], act[known], _UNUSED, seed=0, cost=cost)
    promised = bundle.card.get("test", {}).get("metrics", {})
    personal = frozenset(column.name for column in bundle.contract.columns if column.personal)
    columns = tuple(one.without_values() if one.name in personal else one for one in found.columns)
    found = replace(found, columns=columns)
    worse: tuple[Reason, ...] = ()
    if realised and found.rows >= found.thresholds.rows:
        worse = fallen(promised, realised.to_dict()["metrics"], otherwise=seen.otherwise / max(1, seen.decided))
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
        not_judged=tuple(sorted(seen.reference.columns.keys() - current.columns.keys())),
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


def _with_more(made: Monitored) -> Monitored:
    """The verdict, with what segments, groups and the classifier add to it."""
    return replace(made, drift=raised(made.drift, made.segments, made.groups, made.classifier))
