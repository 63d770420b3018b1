"""``/watch``: what has moved, how good decisions are, how fast, and the archive of reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.errors import UsageError
from riskloop.keep.retrainings import Retraining, Retrainings
from riskloop.serve.rollout import Live
from riskloop.serve.saying import LARGEST_VERSION
from riskloop.web.alarms import Alarms, alarms
from riskloop.web.charts import Axis, Columns, Line, columns, lines, steps
from riskloop.web.forms import told
from riskloop.web.over_time import PERIODS, by_report, followed, run_of
from riskloop.web.pages.models import actor_of
from riskloop.web.reports import Report, Told, drift_reports, newest
from riskloop.web.site import Site
from riskloop.web.visit import Visit
from riskloop.web.watching import Glimpse, Shape, Speed, glimpse, ordered, speed, value_of

SILENCES = {"1h": 3_600, "1d": 86_400, "7d": 604_800}
"""For how long a rule may be silenced from a page, in seconds."""
_SHOWN = 8
_DRAWN = 6
_MOST_RETRAININGS = 20
_RETRAINED = {
    "promoted": ("pass", "good"),
    "refused": ("warn", "warn"),
    "failed": ("bad", "bad"),
    "interrupted": ("warn", "warn"),
}
"""Badge and icon of what came of a retraining; the others are news."""


def routes(site: Site) -> list[Route]:
    """The page, the forms that have somebody look, and those about an alert: look after it, or silence its rule."""
    pages = _Monitoring(site)
    return [
        Route("/watch", site.shows("viewer", pages.show)),
        Route("/watch", site.takes("approver", pages.look), methods=["POST"]),
        Route("/watch/performance", site.takes("approver", pages.follow), methods=["POST"]),
        Route(
            "/watch/alerts/{alert_id:int}",
            site.takes("approver", pages.acknowledge, privileged=True),
            methods=["POST"],
        ),
        Route(
            "/watch/alerts/{alert_id:int}/silence",
            site.takes("approver", pages.silence, privileged=True),
            methods=["POST"],
        ),
    ]


@dataclass(frozen=True)
class _Found:
    reports: list[Report]
    seen: Glimpse | None
    pace: Speed | None
    alarms: Alarms
    performance: Told | None
    retrainings: tuple[Retraining, ...]


class _Monitoring:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, visit: Visit) -> Response:
        """The newest report, or the one asked for, among the others."""
        live = self._site.services.champion.live
        if live is None:
            return self._site.page("none.html.j2", visit, here="monitoring")
        found = await self._site.off(lambda: self._gather(visit, live))
        reports, seen, pace = found.reports, found.seen, found.pace
        asked = visit.asked("report")
        chosen = next((one for one in reports if one.stem == asked), reports[0] if reports else None)
        texts, currency = live.bundle.rules.texts, live.bundle.policy.costs.currency

        def name_of(name: str) -> str:
            return texts.name(name, visit.language)

        return self._site.page(
            "watch.html.j2",
            visit,
            here="monitoring",
            alarms=found.alarms,
            now=self._site.services.clock(),
            reports=reports,
            chosen=chosen,
            heat=_heat(reports[:_SHOWN][::-1]),
            columns=sorted(chosen.columns, key=lambda one: -(value_of(one, "effect") or 0.0)) if chosen else [],
            value_of=value_of,
            name_of=name_of,
            currency=currency,
            run=run_of(visit, [*([chosen] if asked and chosen else []), *reports], name_of),
            periods=PERIODS,
            followed=followed(visit, found.performance, currency) if found.performance else None,
            followed_file=self._site.report_file("performance", visit.language),
            followed_job=self._site.jobs.last("performance"),
            by_report=by_report(visit, reports[:20][::-1]),
            retrainings=found.retrainings,
            retrained=_RETRAINED,
            seen=seen,
            score=_shape_chart(visit, seen.score, visit.say("verdict_of", target="")) if seen else None,
            shapes=_shapes(visit, seen, chosen, live) if seen else [],
            pace=_pace(visit, pace) if pace else None,
            files=lambda report: self._site.report_file(report.stem, visit.language),
            job=self._site.jobs.last("monitor"),
            today=f"{self._site.services.clock():%Y-%m-%d}",
        )

    async def look(self, visit: Visit) -> Response:
        """Have the ledger held against what the champion learnt from."""
        since = told(visit.form, "since", 10)
        if since and not _is_day(since):
            raise UsageError("This is no date.", next_step="give a date such as 2026-01-31")
        by = told(visit.form, "by", 10)
        arguments = ["monitor", *(["--since", since] if since else []), *(["--by", _period(by)] if by else [])]
        await self._site.jobs.start("monitor", arguments, actor_of(visit))
        return RedirectResponse("/watch", 303)

    async def follow(self, visit: Visit) -> Response:
        """Have performance worked out, window by window."""
        by = _period(told(visit.form, "by", 10))
        arguments = ["performance", "--by", by, "--language", visit.language]
        await self._site.jobs.start("performance", arguments, actor_of(visit))
        return RedirectResponse("/watch#performance", 303)

    async def acknowledge(self, visit: Visit) -> Response:
        """Somebody looks after an alert: it is not told again until it is resolved."""
        actor, reason, services = actor_of(visit), _note(visit), self._site.services
        await self._site.off(
            lambda: services.alerts.acknowledge(_alert_of(visit), services.clock(), actor=actor, reason=reason)
        )
        return RedirectResponse("/watch#alerts", 303)

    async def silence(self, visit: Visit) -> Response:
        """No message about the rule of an alert for a while; its alerts are kept all the same."""
        actor, reason, lasting = actor_of(visit), _note(visit), told(visit.form, "for", 3)
        if lasting not in SILENCES:
            raise UsageError("There is no such time.", next_step=f"choose of {', '.join(SILENCES)}")
        alerts, now = self._site.services.alerts, self._site.services.clock()

        def silence() -> None:
            rule = alerts.get(_alert_of(visit)).rule
            alerts.silence(rule, now, SILENCES[lasting], actor=actor, reason=reason)

        await self._site.off(silence)
        return RedirectResponse("/watch#alerts", 303)

    def _gather(self, visit: Visit, live: Live) -> _Found:
        services = self._site.services
        page = self._site.book.now()
        return _Found(
            reports=drift_reports(services.config),
            seen=self._site.glimpsed(page, live, glimpse),
            pace=speed(page),
            alarms=alarms(services.alerts, services.clock(), visit.language),
            performance=newest(services.config, "performance", "performance"),
            retrainings=Retrainings(services.engine).list()[: -_MOST_RETRAININGS - 1 : -1],
        )


def _alert_of(visit: Visit) -> int:
    return min(int(visit.request.path_params["alert_id"]), LARGEST_VERSION)


def _note(visit: Visit) -> str:
    note = told(visit.form, "reason")
    if not note:
        raise UsageError("A note is needed: it goes into the history.", next_step="say what you do about it")
    return note


def _period(text: str) -> str:
    if text not in PERIODS:
        raise UsageError("There are no such windows.", next_step=f"choose of {', '.join(PERIODS)}")
    return text


def _is_day(text: str) -> bool:
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _heat(reports: Sequence[Report]) -> dict[str, Any]:
    """Columns by reports: how far each had moved, beyond chance."""
    names: dict[str, float] = {}
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for report in reports:
        for one in report.columns:
            name = str(one.get("name"))
            effect = value_of(one, "effect") or 0.0
            names[name] = max(names.get(name, 0.0), effect)
            cells[name, report.stem] = {"effect": effect, "verdict": one.get("verdict", "stable")}
    ranked = sorted(names, key=lambda name: -names[name])
    return {"names": ranked, "reports": list(reports), "cells": cells}


def _shape_chart(visit: Visit, shape: Shape, name: str) -> Any:
    top = max(*shape.reference, *shape.current, 1e-9)
    return columns(
        [
            Columns(visit.say("shape_reference"), shape.reference, "muted"),
            Columns(visit.say("shape_current"), shape.current, "a"),
        ],
        shape.places,
        Axis("", 0, top, lambda value: visit.write.share(value, 0)),
        visit.say("shape_said", name=name),
        height=160,
    )


def _shapes(visit: Visit, seen: Glimpse, chosen: Report | None, live: Live) -> list[dict[str, Any]]:
    """The columns that moved most, or all the first."""
    first = (
        [str(one.get("name")) for one in sorted(chosen.columns, key=lambda one: -(value_of(one, "effect") or 0.0))]
        if chosen
        else []
    )
    asked = visit.asked("column")
    names = ordered(list(seen.shapes), [*([asked] if asked else []), *first])[:_DRAWN]
    texts = live.bundle.rules.texts
    return [
        {"name": name, "chart": _shape_chart(visit, seen.shapes[name], texts.name(name, visit.language))}
        for name in names
    ]


def _pace(visit: Visit, pace: Speed) -> Any:
    places = [float(at) for at in range(len(pace.starts))]
    form = "%H:00" if pace.unit == "hour" else "%d/%m"
    names = [f"{one:{form}}" for one in pace.starts]
    top = max(pace.slowest)
    return lines(
        [
            Line("p99", places, pace.slowest, "b", dots=True),
            Line("p95", places, pace.slow, "d", dots=True),
            Line("p50", places, pace.middle, "a", dots=True),
        ],
        steps(names),
        Axis("ms", 0, top * 1.05 or 1, visit.write.number),
        visit.say("pace_said", p99=visit.write.number(top)),
    )
