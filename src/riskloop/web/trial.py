"""A trial: what `riskloop ab status` has found of a challenger, as a page shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from riskloop.report.documents.experiment import in_words
from riskloop.report.documents.pen import Pen
from riskloop.web.charts import Axis, Line, lines, steps
from riskloop.web.reports import Told
from riskloop.web.visit import Visit
from riskloop.web.watching import value_of

_MOST_DAYS = 14


@dataclass(frozen=True)
class Arm:
    """What an arm has decided since the challenge began; the cost is expected, per 1,000 customers;
    ``slowest`` is the 99th percentile of the time to decide, in milliseconds."""

    name: str
    version: int
    decisions: int
    act_rate: float
    probability: float
    cost: float
    low: float
    high: float
    slowest: float


@dataclass(frozen=True)
class Rail:
    """A guardrail: what was found, and what is allowed, as they are written; "" for what is not known here."""

    name: str
    found: str
    allowed: str


@dataclass(frozen=True)
class Trial:
    """What a page shows of a comparison.

    Attributes
    ----------
    at : datetime
        When it was worked out.
    verdict : {"promote", "stop", "undecided"}
    words : list of str
        The verdict in a sentence or two.
    cost : list of float or None
        Per customer, of champion and challenger.
    difference : dict or None
        Challenger less champion, per customer, with the ends of its confidence sequence.
    split : dict
        Share meant and found, p-value, and whether it is off.
    assigned, mature, told : list of int
        Customers of champion and challenger, those whose outcome is final, and those whose outcome is known.
    days : list of dict
        The last days, the newest first.
    chart : Markup or None
        The difference over the days; None before the second.
    rails : list of Rail
    """

    at: datetime
    verdict: str
    words: list[str]
    cost: list[float | None]
    difference: dict[str, Any] | None
    split: dict[str, Any]
    assigned: list[int]
    mature: list[int]
    told: list[int]
    days: list[dict[str, Any]]
    chart: Markup | None
    rails: list[Rail]

    @property
    def decided(self) -> bool:
        """Whether `ab stop --decide` will do something."""
        return self.verdict != "undecided" and not self.split["off"]


def shown(visit: Visit, found: Told, currency: str, arms: Sequence[Arm]) -> Trial | None:
    """A trial from its report; None if that was written by another release and cannot be read."""
    raw = found.said
    try:
        days = list(raw["days"])
        return Trial(
            at=found.at,
            verdict=str(raw["verdict"]),
            words=in_words(raw, Pen(visit.language, currency)),
            cost=raw["cost"] or [None, None],
            difference=raw["difference"],
            split=raw["sample_ratio"],
            assigned=raw["assigned"],
            mature=raw["mature"],
            told=raw["told"],
            days=days[: -_MOST_DAYS - 1 : -1],
            chart=_chart(visit, days, currency) if len(days) > 1 else None,
            rails=_rails(visit, raw, arms),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _chart(visit: Visit, days: Sequence[Mapping[str, Any]], currency: str) -> Markup:
    """The difference day by day between the ends of its confidence sequence, around nothing saved."""
    places = [float(at) for at in range(len(days))]
    value, low, high = ([_number(one["difference"], end) for one in days] for end in ("value", "low", "high"))
    ends = [0.0, *(one for one in (*value, *low, *high) if math.isfinite(one))]
    room = (max(ends) - min(ends)) * 0.06 or 1.0
    form = "%d/%m" if visit.language == "fr" else "%b %d"
    names = [f"{date.fromisoformat(one['day']):{form}}" for one in days]
    return lines(
        [
            Line(visit.say("trial_no_difference"), [0.0, places[-1]], [0.0, 0.0], "muted", dashed=True),
            Line(visit.say("trial_difference"), places, value, "a", low=low, high=high, dots=len(days) < 40),
        ],
        steps(names),
        Axis(visit.say("trial_axis", currency=currency), min(ends) - room, max(ends) + room, visit.write.number),
        visit.say(
            "trial_said",
            count=len(days),
            value=visit.write.signed(value[-1]),
            between=visit.write.interval(low[-1], high[-1], visit.write.signed),
        ),
    )


def _rails(visit: Visit, raw: Mapping[str, Any], arms: Sequence[Arm]) -> list[Rail]:
    """What ends a challenge at once, beside what is known of it here; `riskloop ab watch` judges, beyond chance."""
    write, allowed = visit.write, raw.get("guardrails")
    if not isinstance(allowed, dict):
        return []
    by_name = {one.name: one for one in arms}
    champion, challenger = by_name.get("champion"), by_name.get("challenger")
    failed = raw["fallback"] / raw["assigned"][1] if raw["assigned"][1] else None
    slower = challenger.slowest / champion.slowest if champion and challenger and champion.slowest else None
    foreseen = raw["terms"].get("foreseen")
    beside = None
    if champion and challenger and foreseen:
        rates = foreseen["act_rate"]
        beside = abs(challenger.act_rate - champion.act_rate - (rates[1] - rates[0]))
    low = value_of(raw["difference"], "low")
    return [
        Rail("fallback", write.share(failed), write.share(allowed["fallback"])),
        Rail("latency", "" if slower is None else f"{write.number(slower)} ×", f"{write.number(allowed['latency'])} ×"),
        Rail("act_rate", "" if beside is None else write.share(beside), write.share(allowed["act_rate"])),
        Rail("score_psi", "", write.number(allowed["score_psi"])),
        Rail("cost", "" if low is None else write.signed(low), visit.say("trial_rail_cost_allowed")),
    ]


def _number(said: Mapping[str, Any], name: str) -> float:
    value = said.get(name)
    return math.nan if value is None else float(value)
