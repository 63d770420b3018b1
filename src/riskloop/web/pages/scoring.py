"""``/score`` and ``/decisions``: decide about one customer, see why, and try what would be otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.bundle.bundle import Bundle
from riskloop.data.column import is_number
from riskloop.data.contract import Column
from riskloop.errors import NotFound
from riskloop.explain.reasoner import decoded_baseline
from riskloop.keep.ledger import Prediction
from riskloop.problem import Customer
from riskloop.serve.answers import FieldError
from riskloop.serve.envelope import Errors, check_id
from riskloop.serve.problems import RequestRefused
from riskloop.serve.rollout import Live
from riskloop.web.forms import told
from riskloop.web.site import Site
from riskloop.web.verdicts import Verdict, in_form, judge, recalled
from riskloop.web.visit import Visit

PREFIX = "f."
"""Of fields that hold a feature: a column may be named like anything."""
_ID = "customer"
_MOST_EXAMPLES = 20


def routes(site: Site) -> list[Route]:
    """The form, what it answers while it is filled in, and decisions that were recorded."""
    pages = _Scoring(site)
    return [
        Route("/score", site.shows("scorer", pages.form)),
        Route("/score", site.takes("scorer", pages.record), methods=["POST"]),
        Route("/score/preview", site.takes("scorer", pages.preview), methods=["POST"]),
        Route("/decisions/{prediction_id}", site.shows("scorer", pages.decision)),
    ]


@dataclass(frozen=True)
class Field:
    """One field of the form, made from the contract.

    Attributes
    ----------
    column : Column
    label : str
    typical : float, str or None
        What is usual among the customers that reasons compare with.
    value : str
    wrong : FieldError or None
    priced : bool
        Whether it prices the decision only, and the model does not see it.
    """

    column: Column
    label: str
    typical: Any
    value: str
    wrong: FieldError | None
    priced: bool


class _Scoring:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def form(self, visit: Visit) -> Response:
        """An empty form; ``?id=`` fills in a customer on file, ``?example=`` somebody like the customers."""
        live = self._site.services.champion.live
        if live is None:
            return self._site.page("none.html.j2", visit, here="score")
        identity, found, values = visit.asked("id").strip(), None, {}
        if identity:
            on_file = await self._site.services.predictions.on_file(identity)
            found = on_file is not None
            values = on_file or {}
        elif visit.asked("example"):
            requests = live.bundle.golden.requests
            place = visit.number_asked("example", 1, 1) - 1
            values = requests[place % len(requests)] if requests else {}
        filled = {name: in_form(values.get(name)) for name in live.bundle.contract.by_name}
        verdict = await self._site.off(lambda: judge(live, values)) if values else None
        return self._page(visit, live, filled, identity, verdict=verdict, found=found)

    async def preview(self, visit: Visit) -> Response:
        """What the decision would be: nothing is recorded."""
        live = self._require()
        values, identity = _values(visit.form, live.bundle), told(visit.form, _ID)
        waiting = _waiting(live.bundle, values)
        verdict = None if waiting else await self._site.off(lambda: judge(live, values))
        if not visit.wants_part:
            return self._page(visit, live, values, identity, verdict=verdict, waiting=len(waiting))
        wrong = verdict if isinstance(verdict, list) else []
        return self._site.page(
            "verdict_part.html.j2",
            visit,
            verdict=None if wrong else verdict,
            wrong=wrong,
            waiting=len(waiting),
            **_naming(visit, live.bundle),
        )

    async def record(self, visit: Visit) -> Response:
        """Decide, keep the decision in the ledger, and show it."""
        live = self._require()
        values, identity = _values(visit.form, live.bundle), told(visit.form, _ID)
        wrong: Errors = check_id(identity or None)
        if not wrong:
            try:
                answer = await self._site.services.predictions.answer(
                    visit.request, Customer(identity or None, dict(values), explain=True), visit.language
                )
            except RequestRefused as refusal:
                if not refusal.errors:
                    raise
                wrong = refusal.errors
            else:
                return RedirectResponse(f"/decisions/{answer.prediction_id}", 303)
        return self._page(visit, live, values, identity, verdict=wrong, status=422)

    async def decision(self, visit: Visit) -> Response:
        """A decision from the ledger, as it was taken."""
        site = self._site
        kept, live, verdict = await site.off(lambda: self._recall(visit.request.path_params["prediction_id"]))
        fields: list[Field] = []
        if live is not None:
            values = {name: in_form(kept.features.get(name)) for name in live.bundle.contract.by_name}
            fields = _fields(visit, live.bundle, values, [])
        return site.page(
            "decision.html.j2",
            visit,
            here="score",
            kept=kept,
            verdict=verdict,
            wrong=[],
            waiting=0,
            fields=fields,
            known_values=[_named(visit, live, name, value) for name, value in kept.features.items()],
            leads=live is not None and live is site.services.champion.live,
            **(_naming(visit, live.bundle) if live else {}),
        )

    def _recall(self, identity: str) -> tuple[Prediction, Live | None, Verdict | None]:
        services = self._site.services
        kept = services.ledger.get(identity)
        if kept is None:
            raise NotFound("There is no such decision.", next_step="look for the customer in the audit")
        live = self._site.live_of(kept.version, kept.digest)
        return kept, live, recalled(live, kept) if live else None

    def _require(self) -> Live:
        return self._site.services.champion.require().champion

    def _page(
        self,
        visit: Visit,
        live: Live,
        values: Mapping[str, str],
        identity: str,
        *,
        verdict: Verdict | Errors | None = None,
        found: bool | None = None,
        waiting: int = 0,
        status: int = 200,
    ) -> Response:
        wrong = verdict if isinstance(verdict, list) else []
        return self._site.page(
            "score.html.j2",
            visit,
            status,
            here="score",
            live=live,
            fields=_fields(visit, live.bundle, values, wrong),
            identity=identity,
            found=found,
            examples=min(len(live.bundle.golden.requests), _MOST_EXAMPLES),
            example=visit.number_asked("example", 0),
            verdict=None if wrong else verdict,
            wrong=wrong,
            waiting=waiting,
            wrong_id=next((one for one in wrong if one.field == "id"), None),
            **_naming(visit, live.bundle),
        )


def _naming(visit: Visit, bundle: Bundle) -> dict[str, Any]:
    """What columns, reasons and the outcome are called."""
    texts, positive = bundle.rules.texts, bundle.card.get("positive")
    target = positive if isinstance(positive, dict) else {}
    return {
        "name_of": lambda name: texts.name(name, visit.language),
        "target": str(target.get("target", "")),
        "complain": lambda error: complaint(visit, bundle, error),
    }


def _named(visit: Visit, live: Live | None, name: str, value: Any) -> tuple[str, Any]:
    """A feature by its name, with its value; a number that was kept as text is one."""
    column = live.bundle.contract.by_name.get(name) if live else None
    if live is None or column is None:
        return name, value
    if column.type == "number" and isinstance(value, str) and is_number(value.strip()):
        value = float(value)
    return live.bundle.rules.texts.name(name, visit.language), value


def _values(form: Mapping[str, str], bundle: Bundle) -> dict[str, str]:
    return {name: form.get(PREFIX + name, "").strip() for name in bundle.contract.read_names}


def _waiting(bundle: Bundle, values: Mapping[str, str]) -> list[str]:
    """Fields that must be filled in first."""
    return [column.name for column in bundle.contract.read if not column.nullable and not values[column.name]]


def _fields(visit: Visit, bundle: Bundle, values: Mapping[str, str], wrong: Errors) -> list[Field]:
    errors = {error.field: error for error in wrong}
    typical = _typical(bundle)
    return [
        Field(
            column=column,
            label=bundle.rules.texts.name(column.name, visit.language),
            typical=typical.get(column.name),
            value=values.get(column.name, ""),
            wrong=errors.get(column.name),
            priced=column.name in bundle.contract.priced,
        )
        for column in bundle.contract.read
    ]


def _typical(bundle: Bundle) -> dict[str, Any]:
    """What is usual among the customers that reasons compare with, by column."""
    import numpy as np

    if not bundle.baseline:
        return {}
    columns = decoded_baseline(bundle)
    usual: dict[str, Any] = {}
    for column in bundle.contract.read:
        values = columns[column.name]
        if column.type == "number" and len(known := values[~np.isnan(values)]):
            usual[column.name] = float(np.quantile(known, 0.5, method="lower"))
        elif column.type == "category" and len(held := values[(values >= 0) & (values < len(column.levels))]):
            usual[column.name] = column.levels[int(np.bincount(held).argmax())]
    return usual


def complaint(visit: Visit, bundle: Bundle, error: FieldError) -> str:
    """What is wrong with a value, in the visitor's language; the service's own words where there are no others."""
    from riskloop.web.words import known

    key = f"wrong_{error.code.replace('-', '_')}"
    if not known(key):
        return error.message
    column = bundle.contract.by_name.get(error.field)
    values: dict[str, str] = {"minimum": "", "maximum": "", "levels": ""}
    if column is not None:
        values = {
            "minimum": visit.write.number(column.minimum),
            "maximum": visit.write.number(column.maximum),
            "levels": ", ".join(column.levels[:12]) + (" …" if len(column.levels) > 12 else ""),
        }
    return visit.say(key, **values)
