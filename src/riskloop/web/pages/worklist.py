"""``/worklist``: whom to act on first, for how many there is room, and whom to look at."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from riskloop.decide.policy import BANDS
from riskloop.web.book import Page
from riskloop.web.charts import Axis, Line, Mark, lines
from riskloop.web.naming import label_of
from riskloop.web.site import Site
from riskloop.web.visit import Visit

ROWS = 50
_ORDERS = ("gain", "probability", "newest")
_CURVE_POINTS = 80


def routes(site: Site) -> list[Route]:
    """The list, and the list as a file."""
    pages = _Worklist(site)
    return [
        Route("/worklist", site.shows("scorer", pages.show)),
        Route("/worklist.csv", site.shows("scorer", pages.export)),
    ]


@dataclass(frozen=True)
class Asked:
    """What the list is narrowed to, and how it is ordered."""

    decision: str
    band: str
    version: str
    arm: str
    least: float | None
    since: date | None
    search: str
    order: str
    capacity: int | None

    @classmethod
    def of(cls, visit: Visit, acts: str) -> Asked:
        """From the address; what makes no sense is left out. Without a word, those to act on."""
        order, band = visit.asked("order"), visit.asked("band")
        capacity = visit.asked("capacity")
        return cls(
            decision=visit.asked("decision", acts),
            band=band if band in BANDS else "",
            version=visit.asked("version"),
            arm=visit.asked("arm"),
            least=_number(visit.asked("least")),
            since=_day(visit.asked("since")),
            search=visit.asked("q").strip(),
            order=order if order in _ORDERS else "gain",
            capacity=int(capacity) if capacity.isascii() and capacity.isdigit() and len(capacity) < 10 else None,
        )


@dataclass(frozen=True, eq=False)
class Listed:
    """The list: positions in the page, ranked, and how many of the first there is room for."""

    page: Page
    rows: NDArray[np.intp]
    capacity: int

    @cached_property
    def gains(self) -> NDArray[np.float64]:
        """Expected gain of acting on the first, the first two, ..., shape (n,)."""
        return np.cumsum(np.nan_to_num(self.page.gain[self.rows]))

    def gain(self, first: int) -> float:
        """Of acting on so many."""
        return float(self.gains[min(first, len(self.rows)) - 1]) if first and len(self.rows) else 0.0


class _Worklist:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, visit: Visit) -> Response:
        """One page of the list, with what acting on those there is room for gains."""
        live = self._site.services.champion.live
        if live is None:
            return self._site.page("none.html.j2", visit, here="worklist")
        policy = live.bundle.policy
        asked = Asked.of(visit, policy.labels[0])
        listed = await self._site.off(lambda: narrowed(self._site.book.now(), asked))
        page = listed.page
        start = visit.number_asked("start", 0, 0, max(0, listed.capacity - 1)) // ROWS * ROWS
        shown = listed.rows[: listed.capacity][start : start + ROWS]
        return self._site.page(
            "worklist_part.html.j2" if visit.wants_part else "worklist.html.j2",
            visit,
            here="worklist",
            asked=asked,
            listed=listed,
            empty=not len(page),
            rows=[_row(page, place) for place in shown.tolist()],
            start=start,
            step=ROWS,
            currency=policy.costs.currency,
            gain=listed.gain(listed.capacity),
            forgone=listed.gain(len(listed.rows)) - listed.gain(listed.capacity),
            curve=_curve(visit, listed, policy.costs.currency),
            decisions=[*policy.labels, *([policy.review.label] if policy.review else [])],
            bands=BANDS,
            versions=np.unique(page.version).tolist(),
            arms=page.told(page.arm[page.decided]),
            orders=_ORDERS,
            label=lambda word: label_of(visit, word),
            tone=lambda decision, act: "act" if act else "pass" if decision in policy.labels else "review",
        )

    async def export(self, visit: Visit) -> Response:
        """All rows of the list that there is room for, as CSV."""
        live = self._site.services.champion.require().champion
        asked = Asked.of(visit, live.bundle.policy.labels[0])
        listed = await self._site.off(lambda: narrowed(self._site.book.now(), asked))
        headers = {"content-disposition": 'attachment; filename="worklist.csv"'}
        return StreamingResponse(_csv(listed), 200, headers, "text/csv")


def narrowed(page: Page, asked: Asked) -> Listed:
    """The customers that are asked for, ranked."""
    rows = page.latest
    keep = np.ones(len(rows), dtype=bool)
    for values, wanted in ((page.decision, asked.decision), (page.band, asked.band), (page.arm, asked.arm)):
        if wanted:
            keep &= page.has(values[rows], wanted)
    if asked.version.isascii() and asked.version.isdigit():
        keep &= page.version[rows] == int(asked.version[:9])
    if asked.least is not None:
        keep &= page.gain[rows] >= asked.least
    if asked.since is not None:
        keep &= page.at[rows] >= np.datetime64(asked.since)
    if asked.search:
        found = page.customer[rows]
        keep &= np.fromiter((asked.search in one for one in found.tolist()), dtype=bool, count=len(rows))
    rows = rows[keep]
    key = {"gain": page.gain, "probability": page.probability, "newest": page.seq.astype(np.float64)}[asked.order]
    ranked = rows[np.argsort(-np.nan_to_num(key[rows], nan=-np.inf), kind="stable")]
    return Listed(page, ranked, len(ranked) if asked.capacity is None else min(asked.capacity, len(ranked)))


def _row(page: Page, place: int) -> dict[str, Any]:
    names = ("prediction", "customer", "version", "probability", "threshold", "gain", "act")
    row = {name: getattr(page, name)[place] for name in names}
    row |= {name: page.words[getattr(page, name)[place]] for name in ("decision", "band")}
    return row | {"at": page.at[place].item()}


def _curve(visit: Visit, listed: Listed, currency: str) -> Any:
    total = len(listed.rows)
    if total < 2:
        return None
    at = np.unique(np.linspace(1, total, min(_CURVE_POINTS, total)).round().astype(int))
    gains = listed.gains[at - 1]
    return lines(
        [Line("", [0.0, *at.tolist()], [0.0, *gains.tolist()])],
        Axis(visit.say("worklist_capacity"), 0, total, visit.write.count),
        Axis(currency, min(0.0, float(gains.min())), max(float(gains.max()), 1e-9), visit.write.count),
        visit.say(
            "worklist_curve_said", count=visit.write.count(total), gain=visit.write.money(float(gains[-1]), currency)
        ),
        [Mark("", listed.capacity, "b")] if listed.capacity < total else (),
    )


_HEADER = (
    "rank",
    "customer",
    "expected_gain",
    "probability",
    "threshold",
    "risk_band",
    "decision",
    "version",
    "decided_at",
    "prediction_id",
)


def _csv(listed: Listed) -> Iterator[str]:
    page, out = listed.page, io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEADER)
    for rank, place in enumerate(listed.rows[: listed.capacity].tolist(), start=1):
        row = _row(page, place)
        told = (row["gain"], row["probability"], row["threshold"])
        writer.writerow(
            (
                rank,
                no_formula(row["customer"]),
                *(f"{one:.6g}" for one in told),
                row["band"],
                no_formula(row["decision"]),
                row["version"],
                f"{row['at']:%Y-%m-%dT%H:%M:%SZ}",
                row["prediction"],
            )
        )
        if rank % 500 == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def no_formula(cell: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
