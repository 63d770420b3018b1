"""Counts of a service at past moments, so that a share of lately is told from one since the start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select

from riskloop.keep import tables
from riskloop.keep.database import serialised

_P = tables.alert_samples.c


def since_before(
    engine: Engine, source: str, counts: Mapping[str, float], at: datetime, window: float
) -> dict[str, float]:
    """How much counts have grown in about a window, or since the first sample there is.

    Parameters
    ----------
    source : str
        Whose counts these are.
    counts : mapping of str to float
        Totals since the source started; one that has become smaller tells of a new start.
    at : datetime
    window : float
        Seconds. The newest sample that is at least so old is the one compared with, else the oldest.
    """
    edge = at - timedelta(seconds=window)
    mine = select(_P.seq, _P.at, _P.counts).where(_P.source == source).order_by(_P.at, _P.seq)
    with serialised(engine) as connection:
        connection.execute(delete(tables.alert_samples).where(_P.source == source, _P.at > at))  # the clock was ahead
        rows = connection.execute(mine).all()
        old = [row for row in rows if row.at <= edge]
        if len(old) > 1:
            gone = [row.seq for row in old[:-1]]
            connection.execute(delete(tables.alert_samples).where(_P.seq.in_(gone)))
        new = {"at": at, "source": source, "counts": dict(counts)}
        connection.execute(insert(tables.alert_samples).values(new))
    if not rows:
        return dict(counts)
    before = (old[-1] if old else rows[0]).counts
    if any(counts.get(name, 0) < value for name, value in before.items()):
        return dict(counts)
    return {name: value - before.get(name, 0) for name, value in counts.items()}
