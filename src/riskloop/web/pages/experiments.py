"""``/experiments``: a challenger beside the champion: start, watch, stop.

The seam to what judges a comparison: `riskloop ab` carries out what the forms ask for, and this page shows what the log
and the ledger say; a verdict with its evidence belongs into `compared`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC

import numpy as np
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.decide.arms import Split
from riskloop.errors import UsageError
from riskloop.keep.chain import Promotion, challenge
from riskloop.keep.versions import Version
from riskloop.web.book import Page
from riskloop.web.forms import told
from riskloop.web.pages.models import actor_of
from riskloop.web.site import Site
from riskloop.web.visit import Visit

_Z = 1.959964


def routes(site: Site) -> list[Route]:
    """The page, and its two forms."""
    pages = _Experiments(site)
    return [
        Route("/experiments", site.shows("viewer", pages.show)),
        Route("/experiments/start", site.takes("approver", pages.start, privileged=True), methods=["POST"]),
        Route("/experiments/stop", site.takes("approver", pages.stop, privileged=True), methods=["POST"]),
    ]


@dataclass(frozen=True)
class Arm:
    """What an arm has decided since the challenge began; the cost is expected, per 1,000 customers."""

    name: str
    version: int
    decisions: int
    act_rate: float
    probability: float
    cost: float
    low: float
    high: float


class _Experiments:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, visit: Visit) -> Response:
        """Who challenges whom, and what each arm has decided."""
        services = self._site.services
        live = services.champion.live
        if live is None:
            return self._site.page("none.html.j2", visit, here="experiments")
        events, versions, page = await self._site.off(
            lambda: (services.promotions.events(), services.versions.list(), self._site.book.now())
        )
        named = challenge(events)
        running = named if named is not None and named.version != live.record.version else None
        return self._site.page(
            "experiments.html.j2",
            visit,
            here="experiments",
            live=live,
            running=running,
            split=Split.from_dict(running.details) if running else None,
            arms=compared(page, running) if running else [],
            turned_down=services.champion.challenger_refused,
            candidates=_candidates(versions, live.record.version),
            past=[one for one in reversed(events) if one.kind in ("challenged", "withdrawn")],
            now=services.clock(),
            jobs=[job for job in (self._site.jobs.last("ab-start"), self._site.jobs.last("ab-stop")) if job],
        )

    async def start(self, visit: Visit) -> Response:
        """Let a version challenge the champion."""
        version, share, reason = (told(visit.form, name) for name in ("version", "share", "reason"))
        if not (version.isascii() and version.isdigit()) or not reason:
            raise UsageError("A version and a reason are needed.", next_step="choose a version, and say why")
        how = ["--shadow"] if told(visit.form, "kind") == "shadow" else ["--share", str(_share(share))]
        return await self._do("ab-start", ["ab", "start", version, *how, "--reason", reason], actor_of(visit))

    async def stop(self, visit: Visit) -> Response:
        """End the challenge."""
        reason = told(visit.form, "reason")
        if not reason:
            raise UsageError("A reason is needed: it goes into the log.", next_step="say why in a sentence")
        return await self._do("ab-stop", ["ab", "stop", "--reason", reason], actor_of(visit))

    async def _do(self, kind: str, arguments: list[str], actor: str) -> Response:
        await self._site.jobs.start(kind, arguments, actor)
        return RedirectResponse("/experiments", 303)


def compared(page: Page, running: Promotion) -> list[Arm]:
    """What champion and challenger, or its shadow, have decided since then."""
    since = np.datetime64(running.at.astimezone(UTC).replace(tzinfo=None))
    late = page.at >= since
    found = []
    for arm in ("champion", "challenger", "shadow"):
        rows = late & page.has(page.arm, arm)
        count = int(rows.sum())
        if not count:
            continue
        cost = page.expected_cost[rows] * 1000
        half = _Z * float(cost.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan
        mean = float(cost.mean())
        version = int(np.bincount(page.version[rows]).argmax())
        acted, chance = float(page.act[rows].mean()), float(page.probability[rows].mean())
        found.append(Arm(arm, version, count, acted, chance, mean, mean - half, mean + half))
    return found


def _candidates(versions: tuple[Version, ...], champion: int) -> list[Version]:
    return [one for one in reversed(versions) if one.status == "accepted" and one.version != champion]


def _share(text: str) -> float:
    try:
        value = float(text.replace(",", ".")) / 100
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise UsageError("The share must lie between 0 and 100 %.", next_step="give e.g. 10")
    return value
