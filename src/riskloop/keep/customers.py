"""Customers as last loaded, for scoring by id.

A load is written beside the one in use and takes over in one step, when it is complete. So readers never see half a
load, and the ledger is never kept waiting for longer than one chunk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Delete, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from riskloop.errors import Conflict, DataError
from riskloop.keep.database import give_way, reading, writing
from riskloop.keep.tables import customer_loads, customers

_CHUNK = 5_000  # rows per transaction: some 60 ms, the most that the ledger has to wait

_IN_USE = select(func.max(customer_loads.c.load)).where(customer_loads.c.complete).scalar_subquery()


class Customers:
    """The features of every customer, by id.

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

    def replace_all(self, rows: Iterable[tuple[str, str]], as_of: datetime) -> int:
        """Put these customers in place of all others.

        Parameters
        ----------
        rows : iterable of (entity_id, features)
            ``features`` is the text of one JSON object. Read as a stream.
        as_of : datetime
            The moment the features describe; aware.

        Returns
        -------
        int
            How many customers there are now.

        Raises
        ------
        DataError
            If a customer appears twice. The customers loaded before stay in use.
        Conflict
            If another load, begun later, is complete first.
        """
        load = self._begin(as_of)
        stream = iter(rows)
        loaded = 0
        while chunk := list(islice(stream, _CHUNK)):
            self._add(load, chunk)
            loaded += len(chunk)
        self._use(load)
        self._clear()
        return loaded

    def get(self, entity_id: str) -> dict[str, Any] | None:
        """The customer's features; None for one who is not in the load."""
        query = select(customers.c.features).where(customers.c.load == _IN_USE, customers.c.entity_id == entity_id)
        with reading(self._engine) as connection:
            features = connection.scalar(query)
        return None if features is None else dict(json.loads(features))

    def count(self) -> int:
        """How many customers there are."""
        query = select(func.count()).select_from(customers).where(customers.c.load == _IN_USE)
        with reading(self._engine) as connection:
            return connection.scalar(query) or 0

    def as_of(self) -> datetime | None:
        """The moment the features describe; None before the first load."""
        with reading(self._engine) as connection:
            return connection.scalar(select(customer_loads.c.as_of).where(customer_loads.c.load == _IN_USE))

    def _begin(self, as_of: datetime) -> int:
        with writing(self._engine) as connection:
            begin = insert(customer_loads).values(as_of=as_of, complete=False).returning(customer_loads.c.load)
            return int(connection.execute(begin).scalar_one())

    def _add(self, load: int, chunk: Sequence[tuple[str, str]]) -> None:
        rows = [{"load": load, "entity_id": entity_id, "features": features} for entity_id, features in chunk]
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(customers), rows)
            give_way(self._engine)
        except IntegrityError as error:
            self._still_wanted(load)
            raise DataError(
                "A customer appears twice in the load.",
                where=f"customers between {chunk[0][0]!r} and {chunk[-1][0]!r}",
                next_step="keep one row per customer",
            ) from error

    def _still_wanted(self, load: int) -> None:
        with reading(self._engine) as connection:
            begun = connection.scalar(select(customer_loads.c.load).where(customer_loads.c.load == load))
        if begun is None:
            raise _overtaken()

    def _use(self, load: int) -> None:
        with writing(self._engine) as connection:
            connection.execute(update(customer_loads).where(customer_loads.c.load == load).values(complete=True))
            if connection.scalar(select(_IN_USE)) != load:
                raise _overtaken()

    def _clear(self) -> None:
        """Delete the loads before the one in use, a chunk at a time."""
        oldest = select(func.min(customers.c.load)).where(customers.c.load < _IN_USE).scalar_subquery()
        some = select(customers.c.entity_id).where(customers.c.load == oldest).limit(_CHUNK)
        while self._execute(delete(customers).where(customers.c.load == oldest, customers.c.entity_id.in_(some))):
            give_way(self._engine)
        self._execute(delete(customer_loads).where(customer_loads.c.load < _IN_USE))

    def _execute(self, statement: Delete) -> int:
        with writing(self._engine) as connection:
            return int(connection.execute(statement).rowcount)


def _overtaken() -> Conflict:
    return Conflict(
        "A load of customers that began later was complete first.",
        where="customers",
        next_step="nothing: the newer load is in use",
    )
