"""Facts to alert by: from what `monitor` found, from the ledger, and from a service that runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Engine, func, select

from riskloop.intervals import Interval, difference, relative_change, wilson
from riskloop.keep import tables
from riskloop.keep.database import reading
from riskloop.watch.alerts import Fact
from riskloop.watch.column_drift import VERDICTS

if TYPE_CHECKING:
    from riskloop.loop.watching.monitored import Monitored

_P, _O = tables.predictions.c, tables.outcomes.c
_REALISED = ("roc_auc", "accuracy", "precision", "recall", "f1")
_TRAFFIC_DAYS = 7


def of_monitored(found: Monitored, *, leads: bool, report: str | None = None) -> Iterator[Fact]:
    """What has moved, what it costs, and what came true beside what was promised.

    Parameters
    ----------
    leads : bool
        Whether it is about the champion; what concerns other versions is told apart.
    report : str, optional
        Where the report lies.
    """
    subject = "ledger" if found.path == "ledger" else "batches"
    if not leads:
        subject = f"{subject} of version {found.version.version}"
    shared: dict[str, Any] = {"version": found.version.version, "name": found.name, "report": report}
    moved, rows = found.drift, found.drift.rows

    def fact(measure: str, value: float | Interval, n: int = rows, **more: Any) -> Fact:
        context = {key: given for key, given in (shared | more).items() if given is not None}
        if isinstance(value, Interval):
            return Fact(measure, subject, value.value, value.low, value.high, n, context)
        return Fact(measure, subject, value, n=n, context=context)

    if rows >= moved.thresholds.rows:
        yield fact("columns_moved", len(moved.moved), names=[one.name for one in moved.moved])
        yield fact("drift_verdict", VERDICTS.index(moved.verdict), names=[one.name for one in moved.moved])
        yield fact("score_psi", moved.score.psi)
        yield fact("act_rate_change", moved.act_rate[1] - moved.act_rate[0])
        yield fact("broken_share", moved.broken / rows)
        yield fact("expected_cost_change", moved.relative_harm)
    if found.realised is None:
        return
    realised, n = found.realised.to_dict()["metrics"], found.realised.n
    for name in _REALISED:
        if name in realised:
            yield fact(name, _interval(realised[name]), n, promised=found.promised.get(name))
    for name, measure, compare in (
        ("roc_auc", "roc_auc_change", relative_change),
        ("accuracy", "accuracy_change", difference),
        ("cost_per_thousand", "realised_cost_change", relative_change),
    ):
        before, now = found.promised.get(name), realised.get(name)
        if before and now:
            how = "money" if name == "cost_per_thousand" else "fixed"
            yield fact(measure, compare(_interval(now), _interval(before)), n, promised=before, written=how)


def of_ledger(engine: Engine, at: datetime, window: float, outcomes_due: float | None = None) -> Iterator[Fact]:
    """Latency and traffic of the last ``window`` seconds, and how many outcomes that are due are known.

    Traffic is judged where there was some in the week before; outcomes where ``outcomes_due`` (days) is given.

    Raises
    ------
    Unavailable
        If the database is away.
    """
    since = at - timedelta(seconds=window)
    answered = (_P.at >= since, _P.at <= at, *_LIVE)
    with reading(engine) as connection:
        count = connection.scalar(select(func.count()).where(*answered)) or 0
        week = (_P.at >= at - timedelta(days=_TRAFFIC_DAYS), _P.at < since, *_LIVE)
        if count or connection.execute(select(_P.seq).where(*week).limit(1)).first():
            yield Fact("predictions", "service", count, context={"minutes": window / 60})
        timed = (*answered, _P.latency_ms.is_not(None))
        n = connection.scalar(select(func.count()).where(*timed)) or 0
        if n:
            point, low, high = _ranks(n, 0.99)
            slowest = select(_P.latency_ms).where(*timed).order_by(_P.latency_ms.desc()).limit(n - (low or 1) + 1)
            top = list(connection.scalars(slowest))
            value, least, most = [
                math.nan if r is None else float(top[min(n - r, len(top) - 1)]) for r in (point, low, high)
            ]
            yield Fact("latency_p99", "service", value, least, most, n)
        if outcomes_due is not None:
            yield from _completeness(connection, at - timedelta(days=outcomes_due))


def of_service(lately: Mapping[str, float], totals: Mapping[str, float]) -> Iterator[Fact]:
    """Errors of a service, from how its counts have grown; and what it lost since it started."""
    requests = round(lately["requests"])
    share = lately["errors"] / requests if requests > 0 else math.nan
    known = wilson(lately["errors"], requests)
    yield Fact("error_rate", "service", share, known.low, known.high, max(requests, 0))
    yield Fact("ledger_lost", "service", totals["lost"])
    yield Fact("service_down", "service", 0)


_LIVE: tuple[ColumnElement[bool], ...] = (_P.arm.not_in(("batch", "shadow")),)


def _completeness(connection: Any, before: datetime) -> Iterator[Fact]:
    """Of the customers decided about in the month that ends at a moment, the share whose outcome is known."""
    due = (_P.at < before, _P.at >= before - timedelta(days=30), _P.arm != "shadow", _P.entity_id.is_not(None))
    known = select(_O.seq).where(_O.entity_id == _P.entity_id, _O.observed_at >= _P.at).exists()
    named = select(_O.seq).where(_O.prediction_id == _P.prediction_id).exists()
    n = connection.scalar(select(func.count()).where(*due)) or 0
    told = connection.scalar(select(func.count()).where(*due, known | named)) or 0
    if n:
        yield Fact("label_completeness", "ledger", told / n, n=n)


def _ranks(n: int, quantile: float) -> tuple[int, int | None, int | None]:
    """Ranks (from 1, the smallest) of a quantile and of the ends of its 95 % interval, whatever the distribution
    (order statistics; Conover, 1999); None where the sample does not reach so far."""
    from scipy.stats import binom

    low = int(binom.ppf(0.025, n, quantile))
    high = int(binom.ppf(0.975, n, quantile)) + 1
    return max(1, math.ceil(n * quantile)), low if low >= 1 else None, high if high <= n else None


def _interval(one: Mapping[str, Any]) -> Interval:
    return Interval(*(math.nan if one.get(end) is None else float(one[end]) for end in ("value", "low", "high")))
