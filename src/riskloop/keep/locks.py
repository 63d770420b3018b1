"""Leases: what only one process does at a time, by a row in the database.

Who holds a lease renews it before it runs out; who dies stops doing so, and another takes over (Gray and Cheriton,
"Leases: an efficient fault-tolerant mechanism", 1989). Time is the database's own, so that clocks of the holders do not
matter. A process that was asleep longer than its lease may wake up and believe that it still holds it: every lease has
a token that only rises, and `Locks.holds` asks the database before anything that must not happen twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, extract, func, insert, select, update

from riskloop.errors import Conflict, Unavailable
from riskloop.keep.database import reading, serialised
from riskloop.keep.tables import locks

LEASE_SECONDS = 60.0
"""How long a process that died is waited for."""
_BEATS = 4  # renewals within one lease: three may fail before another takes over
_UNIX_EPOCH = 2440587.5  # as a Julian day


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may do what, under which token; later tokens are larger."""

    name: str
    holder: str
    token: int


class Locks:
    """The leases of one store.

    Parameters
    ----------
    engine : Engine
        From :func:`riskloop.keep.database.open_database`, migrated.

    Notes
    -----
    Every method raises Unavailable when the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, name: str, holder: str, seconds: float = LEASE_SECONDS) -> Lease | None:
        """The lease, for so many seconds; None while another holds it."""
        with serialised(self._engine) as connection:
            now = _now(connection)
            row = connection.execute(select(locks).where(locks.c.name == name)).first()
            if row is None:
                fields = {"name": name, "holder": holder, "token": 1, "until": now + seconds}
                connection.execute(insert(locks), fields)
                return Lease(name, holder, 1)
            if row.holder is not None and row.until > now:
                return None
            token = row.token + 1
            fields = {"holder": holder, "token": token, "until": now + seconds}
            connection.execute(update(locks).where(locks.c.name == name).values(fields))
            return Lease(name, holder, token)

    def renew(self, lease: Lease, seconds: float = LEASE_SECONDS) -> bool:
        """Hold on for so many seconds from now; False if another has taken over."""
        with serialised(self._engine) as connection:
            until = _now(connection) + seconds
            done = connection.execute(update(locks).where(*_is(lease)).values(until=until))
            return done.rowcount == 1

    def release(self, lease: Lease) -> None:
        """Let others have it at once."""
        with serialised(self._engine) as connection:
            connection.execute(update(locks).where(*_is(lease)).values(holder=None))

    def holds(self, lease: Lease) -> bool:
        """Whether the lease is in force and nobody has taken over."""
        with reading(self._engine) as connection:
            query = select(locks.c.until).where(*_is(lease))
            until = connection.scalar(query)
            return until is not None and until > _now(connection)

    def holder(self, name: str) -> str | None:
        """Who holds a lease now."""
        with reading(self._engine) as connection:
            row = connection.execute(select(locks).where(locks.c.name == name)).first()
            return row.holder if row is not None and row.until > _now(connection) else None


class Held:
    """A lease that a thread keeps renewing, from :func:`holding`."""

    def __init__(self, locks: Locks, lease: Lease) -> None:
        self.lease = lease
        self.lost = threading.Event()
        self._locks = locks

    def check(self) -> None:
        """Ask the database whether this process may still go on.

        Raises
        ------
        Conflict
            If another has taken over.
        """
        if self.lost.is_set() or not self._locks.holds(self.lease):
            raise Conflict(
                f"Another process has taken over {self.lease.name!r} in the meantime.",
                where="locks",
                next_step="nothing is lost: the other one goes on",
            )


@contextmanager
def holding(locks: Locks, name: str, holder: str, seconds: float = LEASE_SECONDS) -> Iterator[Held | None]:
    """Hold a lease for as long as a block lasts; None where another holds it.

    A thread renews it several times within each lease. While the database is away it tries on; once the lease must have
    run out, or another has it, ``lost`` is set.
    """
    lease = locks.take(name, holder, seconds)
    if lease is None:
        yield None
        return
    held, done = Held(locks, lease), threading.Event()
    thread = threading.Thread(target=_beat, args=(locks, held, seconds, done), name=f"riskloop-{name}", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        done.set()
        thread.join()
        with suppress(Unavailable):  # it runs out by itself
            locks.release(lease)


def _beat(locks: Locks, held: Held, seconds: float, done: threading.Event) -> None:
    sure_until = time.monotonic() + seconds
    while not done.wait(seconds / _BEATS):
        begun = time.monotonic()
        try:
            renewed = locks.renew(held.lease, seconds)
        except Unavailable:
            if time.monotonic() < sure_until:
                continue
            renewed = False
        if not renewed:
            held.lost.set()
            return
        sure_until = begun + seconds


def _is(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return locks.c.name == lease.name, locks.c.holder == lease.holder, locks.c.token == lease.token


def _now(connection: Connection) -> float:
    """Seconds since 1970 by the database's clock."""
    if connection.dialect.name == "sqlite":
        days = connection.scalar(select(func.julianday("now")))
        return (float(days or 0.0) - _UNIX_EPOCH) * 86_400
    return float(connection.scalar(select(extract("epoch", func.clock_timestamp()))) or 0.0)
