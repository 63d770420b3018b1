"""``/versions``: versions side by side, one of them in full, and who leads: promote, approve, roll back."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.errors import UsageError
from riskloop.keep.chain import Promotion, ReleaseState
from riskloop.keep.versions import Version
from riskloop.report.documents.pen import SHARES
from riskloop.web.cards import Card
from riskloop.web.comparing import KINDS, overlaid
from riskloop.web.forms import told
from riskloop.web.naming import label_of, word_of
from riskloop.web.site import Site
from riskloop.web.visit import Visit

COMPARED = (
    "cost_per_thousand",
    "roc_auc",
    "pr_auc",
    "f1",
    "recall",
    "precision",
    "brier",
    "log_loss",
    "calibration_error",
    "act_rate",
)
_SMALLER_IS_BETTER = frozenset({"cost_per_thousand", "brier", "log_loss", "calibration_error"})


def routes(site: Site) -> list[Route]:
    """The list, one version, and what changes who leads."""
    pages = _Models(site)
    at = "/versions/{version:int}"
    return [
        Route("/versions", site.shows("viewer", pages.every)),
        Route(at, site.shows("viewer", pages.one)),
        Route(f"{at}/promote", site.takes("approver", pages.promote, privileged=True), methods=["POST"]),
        Route(f"{at}/rollback", site.takes("approver", pages.rollback, privileged=True), methods=["POST"]),
        Route(f"{at}/approve", site.takes("approver", pages.approve, privileged=True), methods=["POST"]),
    ]


class _Models:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def every(self, visit: Visit) -> Response:
        """All versions, the newest first; up to four of them compared."""
        state, versions, cards = await self._site.off(lambda: self._look(visit))
        return self._site.page(
            "versions.html.j2",
            visit,
            here="models",
            state=state,
            versions=versions,
            cards=cards,
            kinds=KINDS,
            chosen=[card.version.version for card in cards],
            alias=lambda number: _alias(state, number),
            curves=overlaid(visit, cards),
            metrics=COMPARED,
            best=_best(cards),
            written=lambda name, value: metric_text(visit, name, value),
            word=lambda prefix, name: word_of(visit, prefix, name),
        )

    def _look(self, visit: Visit) -> tuple[ReleaseState, list[Version], list[Card]]:
        services = self._site.services
        state = services.promotions.state()
        versions = sorted(services.versions.list(), key=lambda one: -one.version)
        asked = {int(text) for text in visit.request.query_params.getlist("v") if text.isascii() and text.isdigit()}
        wanted = [one for one in versions if one.version in asked]
        if not wanted:
            leads = [one for one in versions if one.version in (state.champion, state.challenger)]
            wanted = leads + [one for one in versions if one not in leads][: 2 - len(leads)]
        return state, versions, [self._site.cards.of(one) for one in wanted[: len(KINDS)]]

    async def one(self, visit: Visit) -> Response:
        """One version: gate, metrics, money, what moves it, whom it hits; and its release."""
        number = visit.request.path_params["version"]
        state, card, pending, events = await self._site.off(lambda: self._look_at(number))
        said = card.said
        return self._site.page(
            "version.html.j2",
            visit,
            here="models",
            card=card,
            version=card.version,
            alias=_alias(state, number),
            state=state,
            pending=pending,
            events=events,
            four_eyes=self._site.services.config.four_eyes,
            importance=_importance(card),
            shares=_shares(card),
            curves=overlaid(visit, [card]),
            policies=[one for one in said.get("policies", []) if isinstance(one, dict)],
            fairness=said.get("fairness") if isinstance(said.get("fairness"), dict) else None,
            metrics=said.get("test", {}).get("metrics", {}) or card.version.metrics.get("metrics", {}),
            out_of_fold=said.get("out_of_fold", {}).get("metrics", {}),
            contenders=card.version.summary.get("contenders", []),
            segments=said.get("examination", {}).get("segments", []),
            name_of=lambda name: card.texts.name(name, visit.language),
            written=lambda name, value: metric_text(visit, name, value),
            word=lambda prefix, name: word_of(visit, prefix, name),
            label=lambda word: label_of(visit, word),
            report=self._site.report_file(f"model-{number}", visit.language),
            job=self._site.jobs.last(f"model-{number}"),
        )

    def _look_at(self, number: int) -> tuple[ReleaseState, Card, Promotion | None, list[Promotion]]:
        services = self._site.services
        record = services.versions.get(min(number, 2**31 - 1))
        pending = next((one for one in services.promotions.pending() if one.version == number), None)
        events = [one for one in services.promotions.events() if one.version == number]
        return services.promotions.state(), self._site.cards.of(record), pending, events[::-1]

    async def promote(self, visit: Visit) -> Response:
        """Put a version in charge, or ask a second person to."""
        return await self._changed(visit, self._site.services.release.put_in_charge)

    async def rollback(self, visit: Visit) -> Response:
        """Go back to a version."""
        return await self._changed(visit, self._site.services.release.go_back)

    async def approve(self, visit: Visit) -> Response:
        """Agree to what somebody else asked for."""
        request = told(visit.form, "request")
        seq = int(request) if request.isascii() and request.isdigit() else 0
        return await self._changed(
            visit, lambda _number, actor, reason: self._site.services.release.approve(seq, actor, reason)
        )

    async def _changed(self, visit: Visit, change: Any) -> Response:
        number, actor, reason = visit.request.path_params["version"], actor_of(visit), told(visit.form, "reason")
        if not reason:
            raise UsageError("A reason is needed: it goes into the log.", next_step="say why in a sentence")
        await self._site.off(lambda: change(number, actor, reason))
        return RedirectResponse(f"/versions/{number}?done=1", 303)


def actor_of(visit: Visit) -> str:
    """In whose name something is done: the holder of the key; without keys, who they say they are."""
    actor = visit.caller.name or told(visit.form, "actor", 100)
    if not actor:
        raise UsageError("A name is needed: it goes into the log.", next_step="say who you are")
    return actor


def metric_text(visit: Visit, name: str, value: float | None) -> str:
    """A metric's value as it is written."""
    if name == "cost_per_thousand":
        return visit.write.count(value)
    if name in SHARES:
        return visit.write.share(value)
    return visit.write.fixed(value, 3)


def _alias(state: ReleaseState, number: int) -> str | None:
    return next((name for name in ("champion", "challenger", "previous") if getattr(state, name) == number), None)


def _best(cards: list[Card]) -> dict[str, int]:
    """Of every metric the version whose value is best."""
    found: dict[str, int] = {}
    for name in COMPARED:
        known = [
            (one["value"], card.version.version)
            for card in cards
            if isinstance(one := card.version.metrics.get("metrics", {}).get(name), dict)
            and one.get("value") is not None
        ]
        if len(known) > 1 and name != "act_rate":
            found[name] = (min if name in _SMALLER_IS_BETTER else max)(known)[1]
    return found


def _importance(card: Card) -> list[dict[str, Any]]:
    held = card.said.get("importance_intervals")
    if not isinstance(held, dict):
        return []
    rows = [
        {"name": name, **one} for name, one in held.items() if isinstance(one, dict) and one.get("value") is not None
    ]
    return sorted(rows, key=lambda one: -one["value"])[:20]


def _shares(card: Card) -> list[tuple[str, float]]:
    held = card.said.get("attributions", {}).get("mean_share", {})
    return sorted(held.items(), key=lambda one: -abs(one[1]))[:20] if isinstance(held, dict) else []
