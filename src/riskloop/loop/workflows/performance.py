"""`riskloop performance`: how good decisions were, window by window: promised, estimated, realised; and how good the
estimates were."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskloop.bundle.bundle import Bundle
from riskloop.errors import NotFound
from riskloop.intervals import Interval
from riskloop.keep.estimates import Estimate, Method
from riskloop.loop.project import Project
from riskloop.loop.publishing import publish
from riskloop.loop.watching.cohorts import Cohort, cohorts
from riskloop.loop.watching.estimating import Estimator, Moved
from riskloop.report.documents.performance import Performed, performance_report
from riskloop.report.documents.writing import Written, write_document
from riskloop.report.words import Language
from riskloop.watch.column_drift import Reason
from riskloop.watch.expected import expect
from riskloop.watch.maturity import Maturity
from riskloop.watch.performance import Estimated, fallen
from riskloop.watch.realised import Realised, realise
from riskloop.watch.scoreboard import Held, Score, scoreboard
from riskloop.watch.tally import Tally
from riskloop.watch.windows import Period, Window, window_of

ESTIMATED = ("prevalence", "act_rate", "accuracy", "precision", "recall", "f1", "roc_auc", "cost_per_thousand")
SCORED = tuple(name for name in ESTIMATED if name != "act_rate")  # known beforehand: nothing to estimate
_WHOLE = 0.9  # share of the rows estimated that must have a known outcome for the two to be about the same thing


@dataclass(frozen=True)
class Kept:
    """Estimates of a window, made when it was over: by method and metric, about so many rows."""

    rows: int
    made_at: datetime
    basis: Mapping[str, Any]
    methods: Mapping[str, Mapping[str, Interval]]

    @classmethod
    def of(cls, made: Sequence[Estimate]) -> Kept:
        """From the estimates of one window."""
        methods: dict[str, dict[str, Interval]] = {}
        for one in made:
            methods.setdefault(one.method, {})[one.metric] = Interval(one.value, one.low, one.high)
        return cls(made[0].rows, made[0].made_at, made[0].basis, methods)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = {name: {metric: one.to_dict() for metric, one in many.items()} for name, many in self.methods.items()}
        return {"rows": self.rows, "made_at": self.made_at.isoformat(), "basis": dict(self.basis), **told}


@dataclass(frozen=True)
class Followed:
    """One cohort: a version's decisions in a window, or those of a segment of it.

    Attributes
    ----------
    window : Window
    version : int
    segment : str or None
    rows, told, silent, late : int
        Decisions; outcomes told; negatives by silence; positives that cannot be placed in time.
    mature : bool
        Whether the time is over in which outcomes are still expected.
    judged : bool
        Whether it is mature and holds enough known outcomes of both kinds: only then is it held against the promise.
    realised : Realised or None
        On rows whose outcome is known; of a cohort that is not mature those are the fast ones, mostly positives.
    estimated : Estimated
        From the probabilities alone.
    kept : Kept or None
        The estimates that were kept when the window was over.
    reasons : tuple of Reason
        In what a judged cohort is worse than promised.
    """

    window: Window
    version: int
    segment: str | None
    rows: int
    told: int
    silent: int
    late: int
    mature: bool
    judged: bool
    realised: Realised | None
    estimated: Estimated
    kept: Kept | None
    reasons: tuple[Reason, ...]

    @property
    def completeness(self) -> float:
        """Share of the decisions whose outcome is known."""
        return (self.told + self.silent) / self.rows if self.rows else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "version": self.version,
            "segment": self.segment,
            "rows": self.rows,
            "outcomes": {"told": self.told, "silent": self.silent, "late": self.late},
            "completeness": self.completeness,
            "mature": self.mature,
            "judged": self.judged,
            "realised": None if self.realised is None else self.realised.to_dict(),
            "estimated": self.estimated.to_dict(),
            "kept": None if self.kept is None else self.kept.to_dict(),
            "worse": [one.to_dict() for one in self.reasons],
        }


@dataclass(frozen=True)
class Performance:
    """What `performance` found.

    Attributes
    ----------
    period : {"hour", "day", "week", "month"}
    segment : str or None
        What cohorts are divided by.
    cohorts : tuple of Followed
        In the order of their windows, whole ones before their segments.
    promised : mapping of int to mapping
        By version, metrics of the test block.
    overall : mapping of int to Realised
        By version, over all mature windows.
    scoreboard : tuple of Score
        How good the kept estimates were; ``promised`` stands for estimating that nothing has changed.
    maturity : Maturity
    """

    name: str
    currency: str
    period: Period
    segment: str | None
    cohorts: tuple[Followed, ...]
    promised: Mapping[int, Mapping[str, Any]]
    digests: Mapping[int, str]
    overall: Mapping[int, Realised]
    scoreboard: tuple[Score, ...]
    maturity: Maturity
    generated: datetime

    @property
    def newest(self) -> Followed | None:
        """The newest whole cohort that is judged."""
        judged = [one for one in self.cohorts if one.judged and one.segment is None]
        return judged[-1] if judged else None

    @property
    def worse(self) -> bool:
        """Whether the newest judged cohort is worse than promised."""
        return self.newest is not None and bool(self.newest.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "currency": self.currency,
            "period": self.period,
            "segment": self.segment,
            "maturity_days": None if self.maturity.after is None else self.maturity.after.total_seconds() / 86_400,
            "unreported": self.maturity.unreported,
            "worse": self.worse,
            "cohorts": [one.to_dict() for one in self.cohorts],
            "promised": {str(version): dict(one) for version, one in self.promised.items()},
            "overall": {str(version): one.to_dict() for version, one in self.overall.items()},
            "scoreboard": [one.to_dict() for one in self.scoreboard],
            "generated": self.generated.isoformat(),
        }


def performance(
    project: Project,
    *,
    by: Period | None = None,
    since: datetime | None = None,
    version: int | None = None,
    arm: str | None = None,
    segment: str | None = None,
) -> Performance:
    """Follow decisions over time: by windows, version, arm and segment.

    Parameters
    ----------
    by : {"hour", "day", "week", "month"}, optional
        Length of a window; that of the settings unless named.
    since : datetime, optional
        Predictions from then on; aware.
    version, arm : int, str, optional
        Of one version, or of one arm, alone.
    segment : str, optional
        Also by a category column, ``arm`` or ``risk_band``.

    Raises
    ------
    NotFound
        If the ledger holds nothing of the kind.
    UsageError
        If the segment is no category column, ``arm`` or ``risk_band``.
    BundleRefused
        If the bundle of a version was altered.
    """
    period = by or project.settings.performance.window
    maturity, now = project.settings.problem.matures(), project.clock()
    kept = _kept(project, period) if arm is None else {}
    followed: list[Followed] = []
    bundles: dict[int, Bundle] = {}
    mature: dict[int, Tally] = {}
    for cohort in cohorts(project, period, since=since, version=version, arm=arm, segment=segment):
        bundles[cohort.version] = cohort.bundle
        one = _followed(project, cohort, maturity, now, kept)
        followed.append(one)
        if one.mature and one.segment is None:
            mature[one.version] = mature.get(one.version, Tally.empty()).merge(cohort.tally)
    if not followed:
        raise NotFound(
            "The ledger holds no such prediction.", where="ledger", next_step="score customers first, or ask for less"
        )
    promised = {number: _promised(bundle) for number, bundle in bundles.items()}
    overall = {number: found for number, tally in mature.items() if (found := realise(tally)) is not None}
    return Performance(
        name=project.name,
        currency=next(iter(bundles.values())).policy.costs.currency,
        period=period,
        segment=segment,
        cohorts=tuple(followed),
        promised=promised,
        digests={number: bundle.digest for number, bundle in bundles.items()},
        overall=overall,
        scoreboard=scoreboard(_held(followed, promised)),
        maturity=maturity,
        generated=now,
    )


def keep_estimates(project: Project) -> int:
    """Estimate every window that is over and has not been estimated, and keep that; how many estimates.

    Windows begin after the last one estimated. What is kept is never altered.
    """
    period, now = project.settings.performance.window, project.clock()
    since, until = project.estimates.last(period), window_of(now, period).start
    if since is not None and since >= until:
        return 0
    made: list[Estimate] = []
    estimator = Estimator(project)
    for cohort in cohorts(project, period, since=since, until=until, draw=True, lenient=True):
        if cohort.tally.rows >= project.settings.performance.minimum_rows:
            made += _estimates(estimator, cohort, period, now)
    return project.estimates.keep(made)


def write_performance_report(project: Project, found: Performance, language: Language = "en") -> Written:
    """Write ``performance.html``, ``.md`` and ``.json`` in ``.riskloop/reports``.

    Raises
    ------
    RiskloopError
        If they cannot be written.
    """
    told = found.to_dict()
    last = found.cohorts[-1].version
    performed = Performed(
        title=found.name,
        version=last,
        digest=found.digests[last],
        rows=hashlib.sha256(json.dumps(told["cohorts"], sort_keys=True).encode()).hexdigest(),
        currency=found.currency,
        generated=found.generated,
        period=found.period,
        raw=told,
    )
    suffix = "" if language == "en" else f".{language}"
    document = performance_report(performed, language)
    written = write_document(document, project.locations.reports, "performance" + suffix)
    publish(project, written.files.values())
    return written


def _followed(
    project: Project, cohort: Cohort, maturity: Maturity, now: datetime, kept: Mapping[tuple[int, Window], Kept]
) -> Followed:
    realised = realise(cohort.tally)
    mature = maturity.over(cohort.window, now)
    enough = realised is not None and realised.n >= project.settings.performance.minimum_rows
    judged = bool(mature and enough and realised and 0 < realised.positives < realised.n)
    reasons: tuple[Reason, ...] = ()
    if judged and realised:
        share = cohort.otherwise / max(1, cohort.tally.rows)
        reasons = fallen(_promised(cohort.bundle), realised.to_dict()["metrics"], otherwise=share)
    return Followed(
        window=cohort.window,
        version=cohort.version,
        segment=cohort.segment,
        rows=cohort.tally.rows,
        told=cohort.told,
        silent=cohort.silent,
        late=cohort.late,
        mature=mature,
        judged=judged,
        realised=realised,
        estimated=expect(cohort.tally),
        kept=kept.get((cohort.version, cohort.window)) if cohort.segment is None else None,
        reasons=reasons,
    )


def _promised(bundle: Bundle) -> Mapping[str, Any]:
    promised: Mapping[str, Any] = bundle.card.get("test", {}).get("metrics", {})
    return promised


def _kept(project: Project, period: Period) -> dict[tuple[int, Window], Kept]:
    """Kept estimates by version and window."""
    found: dict[tuple[int, Window], list[Estimate]] = {}
    for one in project.estimates.of(period=period):
        found.setdefault((one.version, one.window), []).append(one)
    return {key: Kept.of(made) for key, made in found.items()}


def _held(followed: list[Followed], promised: Mapping[int, Mapping[str, Any]]) -> Iterator[Held]:
    """Kept estimates beside the truth of cohorts that are judged, where both are about the same rows."""
    for one in followed:
        if not (one.judged and one.kept and one.realised):
            continue
        if one.realised.n < _WHOLE * one.kept.rows:
            continue
        for name in SCORED:
            truth = one.realised.metrics[name].value
            for method in ("plain", "weighted"):
                told = one.kept.methods.get(method, {})
                if name in told:
                    yield Held(method, name, told[name], truth)
            said = promised[one.version].get(name)
            if said and None not in (said["value"], said["low"], said["high"]):
                yield Held("promised", name, Interval(said["value"], said["low"], said["high"]), truth)


def _estimates(estimator: Estimator, cohort: Cohort, period: Period, now: datetime) -> list[Estimate]:
    moved: Moved = estimator.weighted(cohort)
    methods: list[tuple[Method, Estimated | None]] = [
        ("plain", estimator.plain(cohort)),
        ("weighted", moved.estimated),
    ]
    return [
        Estimate(
            *(cohort.version, period, cohort.window.start, cohort.window.end, method, name, cohort.tally.rows),
            *(one.value, one.low, one.high, now, moved.to_dict()),
        )
        for method, estimated in methods
        if estimated is not None
        for name, one in estimated.metrics.items()
        if one.value == one.value and one.low == one.low
    ]
