"""Customers of an experiment: each once, by the first decision about them, with what is known of the outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, String, case, func, literal, select, type_coerce

from riskloop.keep.cohorts import Statement, standing
from riskloop.keep.database import reading
from riskloop.keep.instant import from_utc_text, utc_text
from riskloop.keep.tables import outcomes, predictions
from riskloop.watch.maturity import Maturity

_PAGE = 5_000
_ONE_DAY = timedelta(days=1)
_ARMS = ("champion", "challenger")
_P, _O = predictions.c, outcomes.c


class Enrolled(NamedTuple):
    """A customer of an experiment.

    Attributes
    ----------
    entity_id : str
    arm : str
        Whose answer the customer got first.
    mixed : bool
        Whether answers came from both arms.
    met : date
        The day (UTC) of the first answer.
    version, decision, features
        As in `riskloop.keep.ledger.Prediction`; features as JSON, empty unless asked for.
    outcome : bool or None
        None where it is not final, or nobody told it.
    mature : bool
        Whether an outcome, if there is one, can count.
    final : date or None
        The day (UTC) from which it counts: mature, and told. None while it does not.
    """

    entity_id: str
    arm: str
    mixed: bool
    met: date
    version: int
    decision: str
    features: str
    outcome: bool | None
    mature: bool
    final: date | None


_Said = tuple[Statement[str], str | None]
"""What was said of a customer, and of which prediction, if it names one."""


def enrolled(
    engine: Engine, since: datetime, now: datetime, final: Maturity, *, features: bool = False
) -> Iterator[list[Enrolled]]:
    """The customers whom an experiment has met, some thousand at once; memory stays flat.

    Parameters
    ----------
    since : datetime
        When it began.
    now : datetime
        What is final, and told, by then counts.
    features : bool
        Whether to read what was known of them.

    Notes
    -----
    The outcome of a customer is the last that names the first prediction; else what `standing` says of those that name
    none and were observed at or after it.
    """
    last: str | None = None
    moment = utc_text(now)
    while True:
        with reading(engine) as connection:
            rows = connection.execute(_first(since, last, features)).all()
            if not rows:
                return
            said = _said(connection, rows, moment)
        last = rows[-1].entity_id
        yield [_enrolled(row, said.get(row[0], ()), final, moment) for row in rows]


def _first(since: datetime, last: str | None, features: bool) -> Any:
    """First answers by customer. Time is compared as plain text, or SQLite reads and sorts all rows for each page."""
    made = func.coalesce(_text(_P.at).element, "") >= utc_text(since)
    who = _P.entity_id.is_not(None) if last is None else _P.entity_id > last
    first = (
        select(func.min(_P.seq).label("seq"), func.min(_P.arm).label("low"), func.max(_P.arm).label("high"))
        .where(who, made, _P.arm.in_(_ARMS))
        .group_by(_P.entity_id)
        .order_by(_P.entity_id)
        .limit(_PAGE)
        .subquery()
    )
    columns = [_P.entity_id, _P.prediction_id, _text(_P.at), _P.arm, _P.version, _P.decision, first.c.low, first.c.high]
    columns += [_P.features if features else literal("", String)]
    return select(*columns).join(first, _P.seq == first.c.seq).order_by(_P.entity_id)


def _said(connection: Connection, rows: Sequence[Any], now: str) -> dict[str, list[_Said]]:
    """What was said of the customers from the first to the last, in the order received."""
    columns = (_O.entity_id, _O.outcome, _text(_O.observed_at), _text(_O.received_at), _O.prediction_id)
    among = _O.entity_id.between(rows[0].entity_id, rows[-1].entity_id) & (_text(_O.received_at).element <= now)
    found: dict[str, list[_Said]] = defaultdict(list)
    for who, outcome, observed, received, named in connection.execute(select(*columns).where(among).order_by(_O.seq)):
        found[who].append((Statement(outcome, observed, received), named))
    return found


def _text(moment: Any) -> Any:
    return type_coerce(moment, String).label(moment.name)


def _enrolled(row: Any, said: Sequence[_Said], final: Maturity, now: str) -> Enrolled:
    who, prediction_id, at, arm, version, decision, low, high, known = row
    mature = _later(at, final.after) if final.after else at
    outcome, told = _judged(prediction_id, at, said, final, mature) if mature <= now else (None, None)
    return Enrolled(who, arm, low != high, _day(at), version, decision, known, outcome, mature <= now, told)


def _judged(
    prediction_id: str, at: str, said: Sequence[_Said], final: Maturity, mature: str
) -> tuple[bool | None, date | None]:
    named = [one for one, of in said if of == prediction_id]
    about = [one for one, of in said if of is None and one.observed_at >= at]
    stands, late = (named[-1], False) if named else standing(about, mature if final.after else None)
    if stands is not None:
        return stands.outcome, _day(max(mature, stands.received_at))
    silent = final.unreported == "negative" and final.after and not late
    return (False, _day(mature)) if silent else (None, None)


@lru_cache(maxsize=4_096)
def _date(text: str) -> date:
    return date.fromisoformat(text)


def _later(at: str, after: timedelta) -> str:
    """A moment so much later; whole days leave the time of day as it stands."""
    if after % _ONE_DAY:
        return utc_text(from_utc_text(at) + after)
    return _days_later(at[:10], after.days) + at[10:]


@lru_cache(maxsize=4_096)
def _days_later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days)).isoformat()


def _day(moment: str) -> date:
    return _date(moment[:10])


@dataclass(frozen=True, slots=True)
class ArmTraffic:
    """What an arm has answered lately.

    Attributes
    ----------
    answers : int
    decisions : dict of int
        Answers by version and decision.
    below : tuple of int
        Answers with a probability below each edge.
    latencies : tuple of float
        Milliseconds, of the newest answers.
    """

    answers: int
    decisions: dict[tuple[int, str], int]
    below: tuple[int, ...]
    latencies: tuple[float, ...]


def traffic(engine: Engine, arm: str, since: datetime, edges: Sequence[float], *, newest: int = 2_000) -> ArmTraffic:
    """What an arm has answered since a moment: counted in the database, but for the newest latencies."""
    made = (_P.at >= since, _P.arm == arm)
    counts = [func.sum(case((_P.probability < edge, 1), else_=0)) for edge in edges]
    with reading(engine) as connection:
        row = connection.execute(select(func.count(), *counts).where(*made)).one()
        by = (_P.version, _P.decision)
        decided = connection.execute(select(*by, func.count()).where(*made).group_by(*by)).all()
        late = select(_P.latency_ms).where(*made, _P.latency_ms.is_not(None)).order_by(_P.seq.desc()).limit(newest)
        latencies = tuple(connection.scalars(late))
    below = tuple(int(one or 0) for one in row[1:])
    return ArmTraffic(int(row[0]), {(v, d): n for v, d, n in decided}, below, latencies)


def customers_a_day(engine: Engine, since: datetime, until: datetime) -> float:
    """Customers, each once, answered over HTTP since a moment, by the days from the first of them on.

    Files that are scored are the champion's: an experiment meets none of their customers.
    """
    made = (_P.at >= since, _P.at < until, _P.entity_id.is_not(None), _P.arm.in_(_ARMS))
    with reading(engine) as connection:
        count, first = connection.execute(
            select(func.count(_P.entity_id.distinct()), func.min(_P.at)).where(*made)
        ).one()
    days = (until - first).total_seconds() / 86_400 if first is not None else 0.0
    return float(count) / max(days, 1.0)


def assigned_lately(engine: Engine, since: datetime, *, newest: int = 5_000) -> list[tuple[str, str]]:
    """Customer and arm of the newest answers since a moment."""
    query = select(_P.entity_id, _P.arm).where(_P.at >= since, _P.arm.in_(_ARMS), _P.entity_id.is_not(None))
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(_P.seq.desc()).limit(newest)).all()
    return [(who, arm) for who, arm in rows]
