"""Messages on their way: called for in the transaction that opens an alert, sent after it, kept until they arrive.

At least once: whoever sends claims a message first, for a while; one that died in between leaves it to the next, who
sends it again. A receiver that was away is tried at every evaluation, up to `MOST_ATTEMPTS` times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, or_, select, update

from riskloop.keep import tables
from riskloop.keep.alerts.records import Alert, EventKind, MessageKind, found_alert, happened
from riskloop.keep.database import reading, serialised

CLAIM_SECONDS = 120
MOST_ATTEMPTS = 20

_D = tables.alert_deliveries.c


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel.

    Attributes
    ----------
    seq : int
    alert_id : int
    kind : {"opened", "repeated", "resolved"}
    channel : str
    made_at : datetime
    attempts : int
    claimed_at : datetime or None
        When somebody last set out to send it.
    delivered_at, given_up_at : datetime or None
    error : str or None
        Why the last attempt failed.
    """

    seq: int
    alert_id: int
    kind: MessageKind
    channel: str
    made_at: datetime
    attempts: int
    claimed_at: datetime | None = None
    delivered_at: datetime | None = None
    given_up_at: datetime | None = None
    error: str | None = None


class Deliveries:
    """Messages, in SQL. Safe to share between threads and processes; every method raises Unavailable when the database
    is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, at: datetime) -> tuple[tuple[Delivery, Alert], ...]:
        """Those to be sent now, in the order called for, each with its alert; nobody else gets them for a while."""
        stale = timedelta(seconds=CLAIM_SECONDS)
        free = or_(_D.claimed_at.is_(None), _D.claimed_at <= at - stale, _D.claimed_at > at + stale)
        waiting = select(tables.alert_deliveries).where(and_(*_ON_ITS_WAY, free)).order_by(_D.seq)
        with serialised(self._engine) as connection:
            rows = connection.execute(waiting).all()
            _mark(connection, [row.seq for row in rows], {"claimed_at": at})
            return tuple((Delivery(**row._asdict()), found_alert(connection, row.alert_id)) for row in rows)

    def settle(self, delivery: Delivery, at: datetime, error: str | None) -> Delivery:
        """Write down what became of an attempt: it arrived, or why not."""
        attempts = delivery.attempts + 1
        arrived, over = error is None, error is not None and attempts >= MOST_ATTEMPTS
        values: dict[str, Any] = {"attempts": attempts, "error": error, "claimed_at": None}
        values |= {"delivered_at": at} if arrived else {"given_up_at": at} if over else {}
        kind: EventKind = "notified" if arrived else "given_up" if over else "failed"
        note = f"{delivery.channel}: {delivery.kind}" if arrived else f"{delivery.channel}: {error}"
        with serialised(self._engine) as connection:
            _mark(connection, [delivery.seq], values)
            happened(connection, at, found_alert(connection, delivery.alert_id), kind, note=note)
            row = connection.execute(select(tables.alert_deliveries).where(_D.seq == delivery.seq)).one()
        return Delivery(**row._asdict())

    def waiting(self) -> tuple[Delivery, ...]:
        """Those that have not arrived yet and are not given up."""
        return self._all(select(tables.alert_deliveries).where(*_ON_ITS_WAY).order_by(_D.seq))

    def of(self, alert_id: int) -> tuple[Delivery, ...]:
        """All messages about an alert."""
        return self._all(select(tables.alert_deliveries).where(_D.alert_id == alert_id).order_by(_D.seq))

    def _all(self, query: Any) -> tuple[Delivery, ...]:
        with reading(self._engine) as connection:
            return tuple(Delivery(**row._asdict()) for row in connection.execute(query))


_ON_ITS_WAY = (_D.delivered_at.is_(None), _D.given_up_at.is_(None))


def _mark(connection: Connection, seqs: Sequence[int], values: dict[str, Any]) -> None:
    if seqs:
        connection.execute(update(tables.alert_deliveries).where(_D.seq.in_(seqs)).values(values))
