"""``/experiments``: a challenger beside the champion: start, watch, stop.

`riskloop ab` carries out what the forms ask for. What each arm has decided is counted here; what the challenger saves
is worked out by `riskloop ab status --report`, and read from the report that it writes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC

import numpy as np
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.decide.arms import Split
from riskloop.errors import UsageError
from riskloop.intervals import Z95
from riskloop.keep.chain import LIVE, Promotion, challenge
from riskloop.keep.versions import Version
from riskloop.web.book import Page
from riskloop.web.forms import told
from riskloop.web.jobs import Job
from riskloop.web.pages.models import actor_of
from riskloop.web.reports import Told, newest
from riskloop.web.site import Site
from riskloop.web.trial import Arm, shown
from riskloop.web.visit import Visit

_KINDS = ("ab-start", "ab-status", "ab-decide", "ab-stop")


def routes(site: Site) -> list[Route]:
    """The page, and its forms."""
    pages = _Experiments(site)
    return [
        Route("/experiments", site.shows("viewer", pages.show)),
        Route("/experiments/start", site.takes("approver", pages.start, privileged=True), methods=["POST"]),
        Route("/experiments/status", site.takes("approver", pages.status), methods=["POST"]),
        Route("/experiments/decide", site.takes("approver", pages.decide, privileged=True), methods=["POST"]),
        Route("/experiments/stop", site.takes("approver", pages.stop, privileged=True), methods=["POST"]),
    ]


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
        arms = compared(page, running) if running else []
        trial = await self._site.off(lambda: self._trial(events, running)) if running else None
        return self._site.page(
            "experiments.html.j2",
            visit,
            here="experiments",
            live=live,
            running=running,
            split=Split.from_dict(running.details) if running else None,
            arms=arms,
            trial=shown(visit, trial, live.bundle.policy.costs.currency, arms) if trial else None,
            turned_down=services.champion.challenger_refused,
            candidates=_candidates(versions, live.record.version),
            past=[one for one in reversed(events) if one.kind in ("challenged", "withdrawn")],
            now=services.clock(),
            report=self._site.report_file(f"experiment-{running.version}", visit.language) if running else None,
            jobs=self._jobs(),
        )

    async def start(self, visit: Visit) -> Response:
        """Let a version challenge the champion."""
        version, share, reason = (told(visit.form, name) for name in ("version", "share", "reason"))
        if not (version.isascii() and version.isdigit()) or not reason:
            raise UsageError("A version and a reason are needed.", next_step="choose a version, and say why")
        how = ["--shadow"] if told(visit.form, "kind") == "shadow" else ["--share", str(_share(share))]
        return await self._do("ab-start", ["ab", "start", version, *how, "--reason", reason], actor_of(visit))

    async def status(self, visit: Visit) -> Response:
        """Work out what the challenger saves."""
        arguments = ["ab", "status", "--report", "--language", visit.language]
        return await self._do("ab-status", arguments, actor_of(visit))

    async def decide(self, visit: Visit) -> Response:
        """Let the challenger lead if it is surely cheaper, or end it if it surely costs more."""
        return await self._do("ab-decide", ["ab", "stop", "--decide", "--reason", _reason(visit)], actor_of(visit))

    async def stop(self, visit: Visit) -> Response:
        """End the challenge."""
        return await self._do("ab-stop", ["ab", "stop", "--reason", _reason(visit)], actor_of(visit))

    def _trial(self, events: Sequence[Promotion], running: Promotion) -> Told | None:
        """What was written of this experiment; what an earlier one of the same version left does not count."""
        found = newest(self._site.services.config, f"experiment-{running.version}", "experiment")
        since = max(one.at for one in events if one.seq == running.seq or (one.kind in LIVE and one.seq > running.seq))
        return found if found is not None and found.at >= since else None

    def _jobs(self) -> list[Job]:
        """The newest of them, unless it is done, and those that run."""
        found = [job for kind in _KINDS if (job := self._site.jobs.last(kind))]
        last = max((job.id for job in found), default="")
        return [job for job in found if job.state == "running" or (job.id == last and job.state != "done")]

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
        half = Z95 * float(cost.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan
        mean = float(cost.mean())
        version = int(np.bincount(page.version[rows]).argmax())
        acted, chance = float(page.act[rows].mean()), float(page.probability[rows].mean())
        late_ms = page.latency[rows][~np.isnan(page.latency[rows])]
        slowest = float(np.percentile(late_ms, 99)) if len(late_ms) else math.nan
        found.append(Arm(arm, version, count, acted, chance, mean, mean - half, mean + half, slowest))
    return found


def _reason(visit: Visit) -> str:
    reason = told(visit.form, "reason")
    if not reason:
        raise UsageError("A reason is needed: it goes into the log.", next_step="say why in a sentence")
    return reason


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
