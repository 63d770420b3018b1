"""``/audit``: the promotion log and its chain, privileged calls, and who decided about a customer."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from riskloop.keep.chain import Head, verify_chain
from riskloop.keep.ledger import Prediction
from riskloop.web.naming import label_of, word_of
from riskloop.web.site import Site
from riskloop.web.visit import Visit

_CALLS = 200
_MOST_DECISIONS = 500


def routes(site: Site) -> list[Route]:
    """The page."""
    return [Route("/audit", site.shows("viewer", _Audit(site).show))]


class _Audit:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, visit: Visit) -> Response:
        """The log; with ``?customer=``, for those who may see customers, every decision about one, on a day or ever."""
        services = self._site.services
        customer = visit.asked("customer").strip() if visit.may("scorer") else ""
        on = _day(visit.asked("on"))

        def look() -> tuple[Any, Any, tuple[Prediction, ...] | None]:
            events = services.promotions.events()
            calls = services.access.calls(_CALLS) if visit.may("approver") else ()
            return events, calls, services.ledger.predictions(customer, on) if customer else None

        events, calls, decisions = await self._site.off(look)
        verified = verify_chain(events)
        return self._site.page(
            "audit.html.j2",
            visit,
            here="audit",
            events=events[::-1],
            verified=verified,
            head=Head(events[-1].seq, events[-1].hash) if events else Head(),
            calls=calls,
            customer=customer,
            on=on,
            decisions=None if decisions is None else decisions[::-1][:_MOST_DECISIONS],
            label=lambda word: label_of(visit, word),
            word=lambda prefix, name: word_of(visit, prefix, name),
            tone=self._tone,
        )

    def _tone(self, decision: str) -> str:
        live = self._site.services.champion.live
        if live is None:
            return "pass"
        policy = live.bundle.policy
        return "act" if decision == policy.labels[0] else "pass" if decision == policy.labels[1] else "review"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
