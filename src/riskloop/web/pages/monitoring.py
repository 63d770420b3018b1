"""``/watch``: what has moved, how good decisions are, how fast, and the archive of reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.errors import UsageError
from riskloop.serve.rollout import Live
from riskloop.web.charts import Axis, Columns, Line, columns, lines
from riskloop.web.forms import told
from riskloop.web.pages.models import actor_of
from riskloop.web.reports import Report, drift_reports
from riskloop.web.site import Site
from riskloop.web.visit import Visit
from riskloop.web.watching import Glimpse, Shape, Speed, glimpse, ordered, speed, value_of

_SHOWN = 8
_DRAWN = 6


def routes(site: Site) -> list[Route]:
    """The page, and the form that has somebody look for drift."""
    pages = _Monitoring(site)
    return [
        Route("/watch", site.shows("viewer", pages.show)),
        Route("/watch", site.takes("approver", pages.look), methods=["POST"]),
    ]


class _Monitoring:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, visit: Visit) -> Response:
        """The newest report, or the one asked for, among the others."""
        live = self._site.services.champion.live
        if live is None:
            return self._site.page("none.html.j2", visit, here="monitoring")
        reports, seen, pace = await self._site.off(lambda: self._gather(live))
        asked = visit.asked("report")
        chosen = next((one for one in reports if one.stem == asked), reports[0] if reports else None)
        return self._site.page(
            "watch.html.j2",
            visit,
            here="monitoring",
            reports=reports,
            chosen=chosen,
            heat=_heat(reports[:_SHOWN][::-1]),
            columns=sorted(chosen.columns, key=lambda one: -(value_of(one, "effect") or 0.0)) if chosen else [],
            value_of=value_of,
            name_of=lambda name: live.bundle.rules.texts.name(name, visit.language),
            performance=_performance(visit, reports[:20][::-1]),
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
        arguments = ["monitor", *(["--since", since] if since else [])]
        await self._site.jobs.start("monitor", arguments, actor_of(visit))
        return RedirectResponse("/watch", 303)

    def _gather(self, live: Live) -> tuple[list[Report], Glimpse | None, Speed | None]:
        services = self._site.services
        page = self._site.book.now()
        return drift_reports(services.config), self._site.glimpsed(page, live, glimpse), speed(page)


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


def _performance(visit: Visit, reports: Sequence[Report]) -> list[dict[str, Any]]:
    """Estimated and realised, by report, beside what was promised."""
    charts = []
    for metric in ("roc_auc", "cost_per_thousand"):
        series = []
        for which, kind in (("estimated", "a"), ("realised", "b"), ("promised", "muted")):
            path = ("metrics", metric) if which != "promised" else (metric,)
            held = [
                (at, one) for at, one in enumerate(reports) if value_of(one.said.get(which), *path, "value") is not None
            ]
            if not held:
                continue
            told = [[value_of(one.said.get(which), *path, end) for _, one in held] for end in ("value", "low", "high")]
            value, low, high = ([float("nan") if each is None else each for each in ends] for ends in told)
            banded = kind != "muted"
            places = [float(at) for at, _ in held]
            series.append(
                Line(
                    visit.say(f"performance_{which}"),
                    places,
                    value,
                    kind,
                    dashed=not banded,
                    low=low if banded else (),
                    high=high if banded else (),
                    dots=True,
                )
            )
        if not series:
            continue
        values = [each for one in series for ends in (one.y, one.low, one.high) for each in ends if each == each]
        spread = (max(values) - min(values)) or abs(max(values)) or 1.0
        write = visit.write.count if metric == "cost_per_thousand" else visit.write.three
        charts.append(
            {
                "metric": metric,
                "chart": lines(
                    series,
                    _steps([one.name for one in reports]),
                    Axis("", min(values) - spread * 0.1, max(values) + spread * 0.1, write),
                    visit.say("performance_said", metric=visit.say(f"metric_{metric}"), count=len(reports)),
                ),
            }
        )
    return charts


def _steps(names: Sequence[str]) -> Axis:
    """An axis of names, one after the other."""
    last = max(len(names) - 1, 1)
    return Axis("", 0, last, lambda at: names[int(at)] if at == int(at) and 0 <= at < len(names) else "", min(4, last))


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
        _steps(names),
        Axis("ms", 0, top * 1.05 or 1, visit.write.number),
        visit.say("pace_said", p99=visit.write.number(top)),
    )
