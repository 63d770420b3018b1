"""``/``: who leads, how it goes, what it saves, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import func, select
from starlette.responses import Response
from starlette.routing import Route

from riskloop.keep.chain import LIVE, Promotion, challenge
from riskloop.keep.database import reading
from riskloop.keep.tables import outcomes
from riskloop.serve.rollout import Live
from riskloop.web.book import Page
from riskloop.web.charts import Axis, Columns, columns
from riskloop.web.counting import Traffic, pace, saved, score_bins, traffic
from riskloop.web.naming import label_of
from riskloop.web.reports import Report, drift_reports
from riskloop.web.site import Site
from riskloop.web.visit import Visit

_OLD_REPORT = timedelta(days=7)
_SLOW_MS = 500.0


def routes(site: Site) -> list[Route]:
    """``GET /``."""
    return [Route("/", site.shows("viewer", _Overview(site).show))]


@dataclass(frozen=True)
class Todo:
    """One thing to do: how grave, the words and their values, and where it is done."""

    kind: str
    key: str
    values: dict[str, Any]
    path: str


@dataclass(frozen=True)
class _Seen:
    page: Page
    events: tuple[Promotion, ...]
    outcomes: int
    positive: int
    newest_accepted: int | None
    pending: tuple[Promotion, ...]
    broken: int | None
    report: Report | None


class _Overview:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, visit: Visit) -> Response:
        site, live = self._site, self._site.services.champion.live
        if live is None:
            return site.page("none.html.j2", visit, here="overview")
        seen = await site.off(lambda: self._look(live))
        page, now = seen.page, site.services.clock()
        recent = np.flatnonzero(page.decided)[-10_000:]
        labels = live.bundle.policy.labels
        return site.page(
            "overview.html.j2",
            visit,
            here="overview",
            live=live,
            now=now,
            lead=_lead(seen.events, live),
            total=page.total,
            last=_last(page),
            recent=len(recent),
            act_rate=float(page.act[recent].mean()) if len(recent) else None,
            saved=saved(page),
            speed=pace(page),
            seen=seen,
            traffic=_traffic_chart(visit, traffic(page), labels, live),
            scores=_score_chart(visit, page, recent, live) if len(recent) else None,
            policies=_policies(live),
            todo=list(self._todo(visit, seen, now, live)),
        )

    def _look(self, live: Live) -> _Seen:
        services = self._site.services
        events = services.promotions.events()
        page = self._site.book.now()
        with reading(services.engine) as connection:
            counted = connection.execute(select(outcomes.c.outcome, func.count()).group_by(outcomes.c.outcome))
            judged: dict[bool, int] = {row[0]: row[1] for row in counted}
        accepted = [one.version for one in services.versions.list() if one.status == "accepted"]
        verified = services.promotions.verify()
        reports = drift_reports(services.config)
        newest = max(accepted, default=None)
        return _Seen(
            page=page,
            events=events,
            outcomes=sum(judged.values()),
            positive=judged.get(True, 0),
            newest_accepted=newest if newest is not None and newest > live.record.version else None,
            pending=services.promotions.pending(),
            broken=None if verified.ok else verified.first_broken_seq,
            report=reports[0] if reports else None,
        )

    def _todo(self, visit: Visit, seen: _Seen, now: datetime, live: Live) -> Any:
        champion = self._site.services.champion
        if seen.broken is not None:
            yield Todo("bad", "todo_chain", {"seq": seen.broken}, "/audit")
        for asked in seen.pending:
            yield Todo(
                "warn", "todo_pending", {"actor": asked.actor, "version": asked.version}, f"/versions/{asked.version}"
            )
        if champion.challenger_refused:
            yield Todo("bad", "todo_challenger", {"message": champion.challenger_refused.message}, "/experiments")
        if seen.report is None:
            yield Todo("info", "todo_no_report", {}, "/watch")
        elif seen.report.verdict == "drifted":
            yield Todo("bad", "todo_drifted", {"name": seen.report.name}, f"/watch?report={seen.report.stem}")
        elif now - seen.report.at > _OLD_REPORT:
            yield Todo("warn", "todo_old_report", {"when": visit.write.ago(seen.report.at, now)}, "/watch")
        p99 = pace(seen.page)[1]
        if p99 is not None and p99 > _SLOW_MS:
            yield Todo("warn", "todo_slow", {"p99": f"{visit.write.number(p99)} ms"}, "/watch")
        named = challenge(seen.events)
        if named is not None and named.version != live.record.version:
            values = {"version": named.version, "when": visit.write.day(named.at)}
            yield Todo("info", "todo_experiment", values, "/experiments")
        elif seen.newest_accepted is not None:
            path = f"/versions?v={live.record.version}&v={seen.newest_accepted}"
            yield Todo("info", "todo_newer", {"version": seen.newest_accepted}, path)
        if not seen.page.total and visit.may("scorer"):
            yield Todo("info", "todo_no_traffic", {}, "/score")
        elif seen.page.total and not seen.outcomes:
            yield Todo("info", "todo_no_outcomes", {}, "/data")


def _lead(events: tuple[Promotion, ...], live: Live) -> Promotion | None:
    """The event that put the champion in charge."""
    return next((one for one in reversed(events) if one.version == live.record.version and one.kind in LIVE), None)


def _last(page: Page) -> datetime | None:
    return page.at[-1].astype("datetime64[us]").item().replace(tzinfo=UTC) if len(page) else None


def _policies(live: Live) -> list[dict[str, Any]]:
    listed = live.bundle.card.get("policies")
    known = ("chosen", "act_on_all", "act_on_none")
    rows = (
        [one for one in listed if isinstance(one, dict) and one.get("name") in known]
        if isinstance(listed, list)
        else []
    )
    return [one for one in rows if isinstance(one.get("cost_per_thousand"), dict)]


def _traffic_chart(visit: Visit, counted: Traffic, labels: tuple[str, str], live: Live) -> Any:
    if not counted.starts:
        return None
    review = live.bundle.policy.review
    kinds = [(labels[0], "act"), (labels[1], "pass"), *([(review.label, "review")] if review else [])]
    series = [Columns(label_of(visit, name), counted.of(name), kind) for name, kind in kinds]
    unit, most = visit.say(f"unit_{counted.unit}"), max(counted.totals)
    said = visit.say(
        "overview_traffic_said",
        unit=unit,
        total=visit.write.count(sum(counted.totals)),
        most=visit.write.count(most),
    )
    form = "%H:00" if counted.unit == "hour" else "%d/%m" if visit.language == "fr" else "%b %d"
    return columns(
        series, [one.strftime(form) for one in counted.starts], Axis("", 0, most, visit.write.count), said, stacked=True
    )


def _score_chart(visit: Visit, page: Page, recent: Any, live: Live) -> Any:
    acted, left = score_bins(page.probability[recent], page.act[recent])
    threshold = live.bundle.policy.threshold
    above = visit.write.share(float((page.probability[recent] >= threshold).mean()))
    labels = live.bundle.policy.labels
    most = float((acted + left).max())
    return columns(
        [
            Columns(label_of(visit, labels[0]), acted.tolist(), "act"),
            Columns(label_of(visit, labels[1]), left.tolist(), "pass"),
        ],
        [visit.write.share(place / 20, 0) for place in range(20)],
        Axis("", 0, most, visit.write.count),
        visit.say("overview_scores_said", above=above),
        x_name=visit.say("probability"),
        stacked=True,
    )
