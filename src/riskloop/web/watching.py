"""Watching: what the ledger shows of late beside what the champion learnt from, and how fast decisions were.

A glimpse, not a judgement: that is `riskloop monitor`'s, which writes the reports that the page lists.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Engine, select

from riskloop.data.contract import Contract
from riskloop.errors import DataError
from riskloop.keep.database import reading
from riskloop.keep.tables import predictions
from riskloop.serve.rollout import Live
from riskloop.watch.column import ColumnProfile
from riskloop.watch.profile import Profile
from riskloop.web.book import Page

GLIMPSE = 2_000
_MOST_BARS = 20


@dataclass(frozen=True)
class Shape:
    """A column as shares of its cells: of the training rows, and of the last decisions."""

    name: str
    places: list[str]
    reference: list[float]
    current: list[float]
    kind: str


@dataclass(frozen=True)
class Glimpse:
    """The last decisions of a version beside its reference profile."""

    rows: int
    shapes: dict[str, Shape]
    score: Shape


@dataclass(frozen=True)
class Speed:
    """Milliseconds to decide, by stretches of time."""

    unit: str
    starts: list[datetime]
    middle: list[float]
    slow: list[float]
    slowest: list[float]


def glimpse(engine: Engine, live: Live) -> Glimpse | None:
    """None where the version has no profile, or nothing to show; blocks while it reads."""
    try:
        reference = Profile.from_dict(live.bundle.profile)
    except DataError:
        return None
    p = predictions.c
    query = (
        select(p.features, p.probability)
        .where(p.version == live.record.version, p.arm != "shadow")
        .order_by(p.seq.desc())
        .limit(GLIMPSE)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    if not rows:
        return None
    contract = live.bundle.contract
    decoded = contract.decode_kept([json.loads(features) for features, _ in rows])
    kept = ~decoded.broken()
    shapes = {
        name: _shape(name, held, held.measure(decoded.columns[name][kept]), contract)
        for name, held in reference.columns.items()
        if name in decoded.columns and not contract.by_name[name].personal
    }
    score = reference.score.measure(np.array([probability for _, probability in rows]))
    return Glimpse(len(rows), shapes, _shape("", reference.score, score, contract))


def _shape(name: str, reference: ColumnProfile, current: ColumnProfile, contract: Contract) -> Shape:
    if reference.type == "category":
        places = [*reference.levels, "…", "?"]
        kept = [place for place in range(len(places)) if reference.cells[place] or current.cells[place]][:_MOST_BARS]
    else:
        edges = reference.edges.tolist()
        places = [*(f"≤{edge:.4g}" for edge in edges), f">{edges[-1]:.4g}" if edges else "", "…", "?"]
        kept = [place for place in range(len(places)) if reference.cells[place] or current.cells[place]]
    before, now = (cells / max(int(cells.sum()), 1) for cells in (reference.cells, current.cells))
    kind = contract.by_name[name].type if name else "number"
    return Shape(name, [places[at] for at in kept], before[kept].tolist(), now[kept].tolist(), kind)


def speed(page: Page, stretches: int = 24) -> Speed | None:
    """The last day by hours, or the last days, that had decisions over HTTP."""
    known = np.flatnonzero(~np.isnan(page.latency) & page.decided)
    if not len(known):
        return None
    at, latency = page.at[known], page.latency[known]
    span = at.max().astype("datetime64[us]").item() - at.min().astype("datetime64[us]").item()
    unit = "h" if span < timedelta(days=2) else "D"
    stretch = at.astype(f"datetime64[{unit}]")
    starts = np.unique(stretch)[-stretches:]
    quantiles = np.array([np.percentile(latency[stretch == start], [50, 95, 99]) for start in starts])
    middle, slow, slowest = (quantiles[:, place].tolist() for place in range(3))
    return Speed(
        "hour" if unit == "h" else "day", [one.astype("datetime64[us]").item() for one in starts], middle, slow, slowest
    )


def value_of(said: Any, *names: str) -> float | None:
    """A number somewhere in a report; None where it is not there."""
    for name in names:
        said = said.get(name) if isinstance(said, dict) else None
    return float(said) if isinstance(said, (int, float)) and not isinstance(said, bool) else None


def ordered(names: Sequence[str], first: Sequence[str]) -> list[str]:
    """Names, those of ``first`` at the front."""
    return [*(name for name in first if name in names), *(name for name in names if name not in first)]
