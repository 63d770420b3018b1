"""Customers as last loaded, for scoring by id.

A load is written beside the one in use and takes over in one step, when it is complete. So readers never see half a
load, and the ledger is never kept waiting for longer than one chunk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Delete, Engine, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from riskloop.errors import Conflict, DataError
from riskloop.keep.database import give_way, reading, writing
from riskloop.keep.tables import customer_loads, customers, linked_rows

_CHUNK = 5_000  # rows per transaction: some 60 ms, the most that the ledger has to wait

_IN_USE = select(func.max(customer_loads.c.load)).where(customer_loads.c.complete).scalar_subquery()


class OnFile(NamedTuple):
    """A customer as last loaded.

    Attributes
    ----------
    features : dict
    linked : dict
        The customer's rows by linked table: each a `riskloop.data.linked.online.Document`.
    """

    features: dict[str, Any]
    linked: dict[str, dict[str, Any]]


class Customers:
    """The features and linked rows of every customer, by id.

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

    def replace_all(
        self, rows: Iterable[tuple[str, str]], as_of: datetime, linked: Iterable[tuple[str, str, str]] = ()
    ) -> int:
        """Put these customers in place of all others.

        Parameters
        ----------
        rows : iterable of (entity_id, features)
            ``features`` is the text of one JSON object. Read as a stream.
        as_of : datetime
            The moment the features describe; aware.
        linked : iterable of (table, entity_id, rows)
            The linked rows of each customer, as the text of one JSON object. Read as a stream.

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
        loaded = self._add_all(customers, ("entity_id", "features"), load, rows)
        self._add_all(linked_rows, ("name", "entity_id", "rows"), load, linked)
        self._use(load)
        self._clear()
        return loaded

    def get(self, entity_id: str) -> dict[str, Any] | None:
        """The customer's features; None for one who is not in the load."""
        found = self.on_file(entity_id)
        return found.features if found else None

    def on_file(self, entity_id: str) -> OnFile | None:
        """The customer's features and linked rows, of one load; None for one who is not in it."""
        same = (linked_rows.c.load == customers.c.load) & (linked_rows.c.entity_id == customers.c.entity_id)
        query = (
            select(customers.c.features, linked_rows.c.name, linked_rows.c.rows)
            .select_from(customers.outerjoin(linked_rows, same))
            .where(customers.c.load == _IN_USE, customers.c.entity_id == entity_id)
        )
        with reading(self._engine) as connection:
            found = connection.execute(query).all()
        if not found:
            return None
        linked = {name: json.loads(rows) for _, name, rows in found if name is not None}
        return OnFile(json.loads(found[0].features), linked)

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

    def _add_all(self, table: Table, columns: Sequence[str], load: int, rows: Iterable[tuple[str, ...]]) -> int:
        stream, loaded = iter(rows), 0
        while chunk := list(islice(stream, _CHUNK)):
            self._add(table, [{"load": load, **dict(zip(columns, row, strict=True))} for row in chunk])
            loaded += len(chunk)
        return loaded

    def _add(self, table: Table, chunk: Sequence[dict[str, Any]]) -> None:
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(table), chunk)
            give_way(self._engine)
        except IntegrityError as error:
            self._still_wanted(chunk[0]["load"])
            raise DataError(
                "A customer appears twice in the load.",
                where=f"{table.name} between {chunk[0]['entity_id']!r} and {chunk[-1]['entity_id']!r}",
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
        for table in (customers, linked_rows):
            oldest = select(func.min(table.c.load)).where(table.c.load < _IN_USE).scalar_subquery()
            some = select(table.c.entity_id).where(table.c.load == oldest).limit(_CHUNK)
            while self._execute(delete(table).where(table.c.load == oldest, table.c.entity_id.in_(some))):
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
