"""The ledger: every prediction that was answered, and what became of the customer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import repeat
from operator import attrgetter
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, Select, String, delete, func, insert, or_, select, type_coerce
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from riskloop.errors import Conflict, DataError, RiskloopError
from riskloop.keep import tables
from riskloop.keep.database import erasing, give_way, reading, writing
from riskloop.keep.instant import utc_text
from riskloop.keep.outcomes import Outcome, OutcomeReceipt, record
from riskloop.keep.straight import Passing, StraightRoad

_LENGTHS = {"hour": 13, "day": 10}  # characters of a moment as it is kept
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE = 2_000  # rows per read when iterating: a short transaction each, so that the write-ahead log can shrink


class Prediction(msgspec.Struct, frozen=True):
    """One answer, with all that is needed to replay and to audit it.

    Attributes
    ----------
    prediction_id : str
        Unique; the caller makes it.
    at : datetime
        When it was answered; aware.
    name, version, digest : str, int, str
        The model that answered.
    probability : float
        Of the positive class.
    probability_low, probability_high : float or None
        Its interval; None for what was answered before there were intervals.
    decision : str
        What the policy chose.
    features : mapping
        The customer as received: plain JSON values by column.
    arm : str
        ``champion``, ``challenger``, ``shadow``, ``batch``; ``exploration:SHARE``, after ``batch:`` too, for one who
        was left alone whatever the model says.
    entity_id : str or None
        The customer.
    threshold, expected_cost : float or None
        Of the policy, the cost in currency.
    reasons : sequence or None
        Plain JSON values.
    latency_ms : float or None
        Milliseconds from request to decision.
    idempotency_key : str or None
        The caller's key: at most one prediction carries it.
    """

    prediction_id: str
    at: datetime
    name: str
    version: int
    digest: str
    probability: float
    decision: str
    features: Mapping[str, Any]
    probability_low: float | None = None
    probability_high: float | None = None
    arm: str = "champion"
    entity_id: str | None = None
    request_id: str | None = None
    threshold: float | None = None
    risk_band: str | None = None
    expected_cost: float | None = None
    reasons: Sequence[Any] | None = None
    latency_ms: float | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class ArmCount:
    """What a version has decided as an arm: how many predictions, their mean probability and expected cost each."""

    version: int
    arm: str
    decision: str
    predictions: int
    mean_probability: float
    mean_expected_cost: float | None


_LOOKED_UP = 5_000
"""Ids in one query."""
EncodedPrediction = tuple[Any, ...]
"""A prediction as its row: one value per column of ``_COLUMNS``."""

_COLUMNS = tuple(column.name for column in tables.predictions.c if column.name != "seq")
_AT, _FEATURES, _REASONS = (_COLUMNS.index(name) for name in ("at", "features", "reasons"))
ENTITY = _COLUMNS.index("entity_id")
"""Where in a row the customer stands."""
_values = attrgetter(*_COLUMNS)
_to_json = msgspec.json.Encoder().encode


def encode(prediction: Prediction) -> EncodedPrediction:
    """The row of a prediction; the part of writing that needs no database.

    Raises
    ------
    UsageError
        If its time has no timezone.
    TypeError
        If its features or reasons are not plain JSON values.
    """
    at, reasons = utc_text(prediction.at), prediction.reasons
    row = [*_values(prediction)]
    row[_AT] = at
    row[_FEATURES] = _to_json(prediction.features).decode()
    row[_REASONS] = _to_json(reasons).decode() if reasons else None if reasons is None else "[]"
    return tuple(row)


def encode_columns(rows: int, columns: Mapping[str, Sequence[Any]], **same: Any) -> list[EncodedPrediction]:
    """The rows of many predictions, from columns: a batch has no need of an object for each.

    Parameters
    ----------
    rows : int
    columns : mapping of str to sequence
        By the names of `Prediction`; ``features`` and ``reasons`` are JSON texts already. What is not named is None.
    same
        What is the same for all of them.
    """
    if isinstance(same.get("at"), datetime):
        same["at"] = utc_text(same["at"])
    return list(
        zip(*(columns[name] if name in columns else repeat(same.get(name), rows) for name in _COLUMNS), strict=True)
    )


class Ledger:
    """Predictions and outcomes, in SQL. Safe to share between threads and processes.

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
        compiled = insert(tables.predictions).compile(engine, column_keys=list(_COLUMNS))
        self._insert = str(compiled)
        sqlite = engine.dialect.name == "sqlite"
        self._straight = StraightRoad(engine, self._insert, len(_COLUMNS)) if sqlite else None

    # Predictions

    def append(self, predictions: Sequence[Prediction]) -> None:
        """Write predictions in one transaction: all of them or none.

        Raises
        ------
        Conflict
            If a prediction id or an idempotency key is taken.
        DataError
            If a prediction lacks a required value (a NaN counts as none).
        """
        self.append_encoded([encode(prediction) for prediction in predictions])

    def append_encoded(self, rows: Sequence[EncodedPrediction]) -> None:
        """Like :meth:`append`, for rows from :func:`encode`."""
        if not rows:
            return
        try:
            if self._straight:
                self._straight.write(rows)
            else:
                values = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
                with writing(self._engine) as connection:
                    connection.exec_driver_sql(self._insert, values)
        except (IntegrityError, sqlite3.IntegrityError) as error:
            raise _not_written(error) from error

    def append_now(self, rows: Sequence[EncodedPrediction]) -> Passing:
        """Like :meth:`append_encoded`, for at most ``AT_ONCE`` rows and for a thread that must not wait, such as an
        event loop's.

        Returns
        -------
        {"written", "held", "refused"}
            Unless written, nothing was: another holds the file at this moment, or something is wrong, which
            :meth:`append_encoded` says. On PostgreSQL always refused.
        """
        return "refused" if self._straight is None else self._straight.write_now(rows)

    @property
    def written_now(self) -> int:
        """How many predictions :meth:`append_now` has written."""
        return self._straight.written if self._straight else 0

    def close(self) -> None:
        """Let go of what was opened for :meth:`append_now`."""
        if self._straight:
            self._straight.close()

    def get(self, prediction_id: str) -> Prediction | None:
        """The prediction with that id."""
        return self._first(_PREDICTIONS.where(_P.prediction_id == prediction_id))

    def kept(self, prediction_ids: Sequence[str]) -> set[str]:
        """Those of the ids that there are predictions of."""
        found: set[str] = set()
        with reading(self._engine) as connection:
            for start in range(0, len(prediction_ids), _LOOKED_UP):
                some = prediction_ids[start : start + _LOOKED_UP]
                found.update(connection.scalars(select(_P.prediction_id).where(_P.prediction_id.in_(some))))
        return found

    def by_idempotency_key(self, key: str) -> Prediction | None:
        """The prediction that was answered to a request with that key."""
        return self._first(_PREDICTIONS.where(_P.idempotency_key == key))

    def last_prediction(self, entity_id: str) -> Prediction | None:
        """The customer's newest prediction."""
        return self._first(_of_customer(entity_id).order_by(_P.at.desc(), _P.seq.desc()).limit(1))

    def predictions(self, entity_id: str, on: date | None = None) -> tuple[Prediction, ...]:
        """The customer's predictions, the oldest first; with ``on`` those of that day (UTC)."""
        query = _of_customer(entity_id).order_by(_P.at, _P.seq)
        if on is not None:
            midnight = datetime.combine(on, time(), UTC)
            query = query.where(_P.at >= midnight, _P.at < midnight + timedelta(days=1))
        return self._all(query)

    def recent(self, limit: int, version: int | None = None) -> tuple[Prediction, ...]:
        """The last ``limit`` predictions written, the newest first; with ``version`` those of that version."""
        query = _PREDICTIONS.order_by(_P.seq.desc()).limit(limit)
        return self._all(query if version is None else query.where(_P.version == version))

    def count(self) -> int:
        """How many predictions there are."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).select_from(tables.predictions)) or 0

    def outcome_count(self) -> int:
        """How many outcomes were told, corrections among them."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).select_from(tables.outcomes)) or 0

    def arm_counts(self, since: datetime | None = None) -> tuple[ArmCount, ...]:
        """What every version has decided over HTTP, by arm and decision."""
        by = (_P.version, _P.arm, _P.decision)
        query = select(*by, func.count(), func.avg(_P.probability), func.avg(_P.expected_cost)).group_by(*by)
        query = query.where(_P.arm.not_like("batch%")).order_by(*by)
        rows: Sequence[Any] = self._rows(query if since is None else query.where(_P.at >= since))
        return tuple(ArmCount(*row) for row in rows)

    # Windows of time

    def first_at(self) -> datetime | None:
        """When the oldest prediction was made."""
        with reading(self._engine) as connection:
            oldest: datetime | None = connection.scalar(select(func.min(_P.at)))
        return oldest

    def counts_by(self, period: Literal["hour", "day"], since: datetime) -> dict[datetime, int]:
        """Predictions of every version by hour or day (UTC), of those that have any; read from an index alone."""
        start = func.substr(type_coerce(_P.at, String), 1, _LENGTHS[period])
        query = select(start, func.count()).where(_P.at >= since).group_by(start).order_by(start)
        rows: Sequence[Any] = self._rows(query)
        return {datetime.fromisoformat(text).replace(tzinfo=UTC): count for text, count in rows}

    def within(
        self, version: int, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Prediction]:
        """What a version decided at or after ``since`` and before ``until``, in the order of time, without shadows."""
        query = _PREDICTIONS.add_columns(_P.seq).where(_P.version == version, _P.arm != "shadow")
        query = query if until is None else query.where(_P.at < until)
        query, last = query.order_by(_P.at, _P.seq).limit(_PAGE), (since or _EVER, -1)
        while page := self._rows(query.where(_P.at >= last[0], or_(_P.at > last[0], _P.seq > last[1]))):
            last = page[-1].at, page[-1].seq
            yield from (_prediction(row[:-1]) for row in page)

    # Outcomes

    def record_outcomes(self, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
        """Write outcomes in one transaction; sending the same ones again changes nothing.

        See :class:`riskloop.keep.outcomes.Outcome` for what is a duplicate and what a correction.
        """
        return record(self._engine, outcomes)

    def erase(self, entity_id: str) -> int:
        """Delete all that is known of a customer (predictions, outcomes, features, linked rows); how many rows.

        On SQLite the bytes are overwritten, not only unlinked.
        """
        with erasing(self._engine) as connection:
            stores = tables.predictions, tables.outcomes, tables.linked_rows, tables.customers
            return sum(connection.execute(delete(t).where(t.c.entity_id == entity_id)).rowcount for t in stores)

    def prune(self, before: datetime) -> int:
        """Delete predictions and outcomes older than a moment, a chunk at a time; the number of rows deleted.

        Outcomes go by when they were observed. On SQLite the bytes are overwritten, not only unlinked.
        """
        gone = 0
        for table, moment in ((tables.predictions, _P.at), (tables.outcomes, tables.outcomes.c.observed_at)):
            old = select(table.c.seq).where(moment < before).order_by(table.c.seq).limit(_PAGE)
            while True:
                with erasing(self._engine) as connection:
                    rows = connection.execute(delete(table).where(table.c.seq.in_(old.scalar_subquery()))).rowcount
                gone += rows
                if rows < _PAGE:
                    break
                give_way(self._engine)
        return gone

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with reading(self._engine) as connection:
            return connection.execute(query).all()

    def _all(self, query: Select[Any]) -> tuple[Prediction, ...]:
        return tuple(_prediction(row) for row in self._rows(query))

    def _first(self, query: Select[Any]) -> Prediction | None:
        return next(iter(self._all(query)), None)


def _not_written(error: IntegrityError | sqlite3.IntegrityError) -> RiskloopError:
    cause = str(error.orig if isinstance(error, IntegrityError) else error)
    if "unique" in cause.lower():
        return Conflict(
            "A prediction with this id or idempotency key is in the ledger already.",
            where="ledger",
            next_step="read the stored prediction and answer with it",
        )
    return DataError(
        f"A prediction lacks a value: {cause}.", where="ledger", next_step="give every required field a value"
    )


_P = tables.predictions.c
_PREDICTIONS = select(*(_P[name] for name in _COLUMNS))


def _of_customer(entity_id: str) -> Select[Any]:
    """What was decided about a customer; what a shadow would have said is no decision."""
    return _PREDICTIONS.where(_P.entity_id == entity_id, _P.arm != "shadow")


def _prediction(values: Sequence[Any]) -> Prediction:
    fields = dict(zip(_COLUMNS, values, strict=True))
    fields["features"] = json.loads(fields["features"])
    fields["reasons"] = json.loads(fields["reasons"]) if fields["reasons"] else None
    return Prediction(**fields)
