"""``/data``: the contract, what the quality gate says, rows that were set aside, and the data report."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from riskloop.web.naming import word_of
from riskloop.web.reports import reports_folder
from riskloop.web.site import Site
from riskloop.web.visit import Visit

_SHOWN = 10
_MOST_COUNTED = 50_000


def routes(site: Site) -> list[Route]:
    """The page."""
    return [Route("/data", site.shows("viewer", _Data(site).show))]


@dataclass(frozen=True)
class Quarantine:
    """Rows that were set aside, as a file: how many, why, and the first of them."""

    name: str
    rows: int
    reasons: list[tuple[str, int]]
    header: list[str]
    first: list[list[str]]


class _Data:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, visit: Visit) -> Response:
        """What the champion asks of a customer, and what is known of the tables it came from."""
        site, live = self._site, self._site.services.champion.live
        quarantined, on_file, as_of, last = await site.off(lambda: self._look(visit.may("scorer")))
        bundle = live.bundle if live else None
        job = site.jobs.last("check")
        return site.page(
            "data.html.j2",
            visit,
            here="data",
            live=live,
            columns=bundle.contract.columns if bundle else (),
            contract=bundle.contract if bundle else None,
            linked=set(bundle.linked.names) if bundle else set(),
            protected=set(bundle.rules.protected) if bundle else set(),
            name_of=(lambda name: bundle.rules.texts.name(name, visit.language)) if bundle else str,
            card_findings=_findings(bundle.card if bundle else {}),
            checked=job.said if job and job.state == "done" else None,
            check_job=job,
            report_job=last,
            quarantined=quarantined,
            on_file=on_file,
            as_of=as_of,
            report=site.report_file("data", visit.language),
            word=lambda prefix, name: word_of(visit, prefix, name),
        )

    def _look(self, rows_too: bool) -> tuple[list[Quarantine], int, Any, Any]:
        services = self._site.services
        folder = reports_folder(services.config)
        found = [_quarantine(path, rows_too) for path in sorted(folder.glob("quarantine-*.csv"))]
        return found, services.customers.count(), services.customers.as_of(), self._site.jobs.last("data")


def _quarantine(path: Path, rows_too: bool) -> Quarantine:
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        rows = list(islice(reader, _MOST_COUNTED))
    place = header.index("riskloop_reason") if "riskloop_reason" in header else -1
    reasons = Counter(row[place] for row in rows if len(row) == len(header))
    return Quarantine(path.name, len(rows), reasons.most_common(_SHOWN), header, rows[:_SHOWN] if rows_too else [])


def _findings(card: Any) -> list[dict[str, Any]]:
    held = card.get("findings")
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []
